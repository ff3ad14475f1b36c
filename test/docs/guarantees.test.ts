/** docs/guarantees.md, and whoever else says how to run something, names what is there. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { page, pages, ROOT } from './markdown.ts'

const GUARANTEES = page('docs/guarantees.md').text

describe('docs/guarantees.md', () => {
  test('every npm script that a document names exists', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
    for (const { path, text } of pages()) {
      for (const [, name = ''] of text.matchAll(/npm run ([a-z][a-z:]*)/g)) {
        assert.ok(scripts[name] !== undefined, `${path} names npm run ${name}`)
      }
    }
  })

  test('the tests that it names exist, and every test of faults is named', () => {
    const named = Array.from(GUARANTEES.matchAll(/`(test\/[^`]+)`/g), ([, path = '']) => path)
    for (const path of named) assert.ok(existsSync(new URL(path, ROOT)), path)
    const faults = readdirSync(new URL('test/faults/', ROOT)).filter(name => name.endsWith('.test.ts'))
    // Itself no test of nsqd.
    const expected = faults.filter(name => name !== 'ledger.test.ts')
    assert.deepEqual(
      expected.filter(name => !named.includes(`test/faults/${name}`)),
      [],
    )
  })

  test('what it says makes a test longer does', () => {
    const sources = readdirSync(new URL('test/', ROOT), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ts'))
      .map(path => read(`test/${path}`))
      .join('')
    const variables = Array.from(GUARANTEES.matchAll(/`([A-Z_]+)=\w+`/g), ([, name = '']) => name)
    assert.ok(variables.length > 5)
    for (const name of variables) {
      assert.match(sources, new RegExp(`process\\.env(\\['${name}'\\]|\\.${name}\\b)`), name)
    }
  })
})

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}
