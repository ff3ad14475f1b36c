/** Compares docs/doctor.md with the checks, and runs its examples. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checks } from '../../src/cli/doctor/checks/index.ts'
import { OLDEST_NODE } from '../../src/cli/doctor/checks/machine.ts'
import { readFileSync } from 'node:fs'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page, ROOT } from './markdown.ts'

describe('docs/doctor.md', () => {
  const document = page('docs/doctor.md')

  test('lists every check, in their order, with what it means and what to do', () => {
    const rows = Array.from(document.text.matchAll(/^\| `([a-z-]+)` +\| (.+?) +\| (.+?) +\|$/gm))
    assert.deepEqual(
      rows.map(([, id]) => id),
      checks.map(({ id }) => id),
    )
    for (const [, id, meaning = '', remedy = ''] of rows) {
      assert.ok(meaning.length > 20 && remedy.length > 10, id)
    }
  })

  test('the oldest Node is that of package.json', () => {
    const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
    assert.ok(JSON.stringify(manifest).includes(`"node":">=${OLDEST_NODE.replace(/\.0$/, '')}"`))
  })

  describe('examples', () => {
    let shell: DocShell
    before(async () => (shell = await DocShell.start()))
    after(() => shell.close())
    const scripts = checkable(blocks(document))
    test('there are some', () => assert.equal(scripts.length, 1))
    for (const { text } of scripts) test(text, () => shell.check(text))
  })
})
