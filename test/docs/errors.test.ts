/** docs/errors.md and the sources name the same codes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { page, pages, ROOT } from './markdown.ts'

describe('docs/errors.md', () => {
  const rows = Array.from(
    page('docs/errors.md').text.matchAll(/^\| `(E_[A-Z0-9_]+)` +\| (.*) \| (.*) \|$/gm),
    ([, code = '', meaning = '', remedy = '']) => ({ code, meaning, remedy }),
  )
  const documented = rows.map(({ code }) => code)

  test('explains every code of the sources, and no other', () => {
    const codes = codesInSources()
    assert.deepEqual(
      {
        missing: [...codes].filter(code => !documented.includes(code)).sort(),
        unknown: documented.filter((code, index) => !codes.has(code) || documented.indexOf(code) < index),
      },
      { missing: [], unknown: [] },
    )
  })

  test('says what each means, and what to do', () => {
    assert.deepEqual(
      rows.filter(({ meaning, remedy }) => meaning.trim() === '' || remedy.trim() === ''),
      [],
    )
  })

  test('explains every code that the documents name', () => {
    for (const { path, text } of pages()) {
      for (const [code] of text.matchAll(/\bE_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g)) {
        assert.ok(documented.includes(code), `${path} names ${code}`)
      }
    }
  })
})

/** What begins a text with `E_`; comments do not count. */
function codesInSources(): Set<string> {
  const codes = new Set<string>()
  const folder = new URL('src/', ROOT)
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const code = readFileSync(new URL(name, folder), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [, found = ''] of code.matchAll(/['"`](E_[A-Z0-9]+(?:_[A-Z0-9]+)*)\b/g)) codes.add(found)
  }
  return codes
}
