/** Runs the examples of docs/forward.md, against an NSQ of their own, and endpoints at a port of their own. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

describe('docs/forward.md', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(blocks(page('docs/forward.md')))
  test('has examples to run', () => assert.ok(scripts.length > 1))
  for (const { text } of scripts) {
    test(text, async () => shell.check(text.replaceAll('8080', String(await freePort()))))
  }
})

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  server.close()
  await once(server, 'close')
  return address.port
}
