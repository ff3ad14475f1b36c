import { readFileSync } from 'node:fs'
import { entry, prose, bold, section } from './roff.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** EXIT STATUS, by the table of the README: a row that begins with the name of a command is of that one only. */
export function exitStatus(command?: string): string {
  const [, text = ''] = README.split('\n## Exit codes\n')
  const rows = [...(text.split('\n## ')[0] ?? '').matchAll(/^\| (\d[\d/]*) +\| (.*?) +\|$/gm)]
  const entries = rows.flatMap(([, code = '', meaning = '']) => {
    const [, of, rest = meaning] = /^`([\w ]+)`: (.*)$/.exec(meaning) ?? []
    if (of !== undefined && of !== command && command !== undefined) return []
    const own = of !== undefined && command === undefined ? `${of}: ${rest}` : rest
    return entry(bold(code.replace('/', ', ')), prose(`${own.replaceAll('`', '')}.`))
  })
  return section('EXIT STATUS', ...entries)
}
