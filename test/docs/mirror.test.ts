/** Runs the examples of docs/mirror.md, against an NSQ of their own. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

describe('docs/mirror.md', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(blocks(page('docs/mirror.md')))
  test('has examples to run', () => assert.ok(scripts.length > 2))
  for (const { text } of scripts) test(text, async () => shell.check(text))
})
