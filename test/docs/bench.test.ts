/** Runs the examples of docs/bench.md, against an NSQ of its own. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

describe('docs/bench.md', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(blocks(page('docs/bench.md')))
  test('has examples to run', () => assert.equal(scripts.length, 2))
  for (const { text } of scripts) test(text, () => shell.check(text))
})
