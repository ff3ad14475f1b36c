/** Runs the examples of docs/replay.md, against an NSQ of their own. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

describe('docs/replay.md', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(blocks(page('docs/replay.md')))
  test('has examples to run', () => assert.ok(scripts.length > 3))
  for (const { text } of scripts) test(text, () => shell.check(text))
})
