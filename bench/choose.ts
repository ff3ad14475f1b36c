import type { NamedLine } from './family.ts'

/**
 * The lines of these names; a name also stands for all that it begins, up to a dash. Without names, all.
 *
 * @throws Error for a name that stands for none
 */
export function choose<L extends NamedLine>(lines: readonly L[], names: readonly string[]): L[] {
  if (names.length === 0) return [...lines]
  for (const name of names) {
    if (lines.some(line => matches(line, name))) continue
    throw new Error(`no line named ${name}; there are ${lines.map(line => line.name).join(', ')}`)
  }
  return lines.filter(line => names.some(name => matches(line, name)))
}

function matches(line: NamedLine, name: string): boolean {
  return line.name === name || line.name.startsWith(`${name}-`)
}

/**
 * How many rounds a line has, as `--rounds` says.
 *
 * @throws Error for what is not a whole number from 1 on
 */
export function parseRounds(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Error(`--rounds is ${text}; it must be a whole number from 1 on`)
  return Number(text)
}
