/** Runs the examples of docs/archive.md, against an NSQ and an S3 server of their own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { S3Server } from '../support/s3-server.ts'
import { checkable, DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

const ENDPOINT = 'http://127.0.0.1:9000'

describe('docs/archive.md', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(blocks(page('docs/archive.md')))
  test('has examples to run', () => assert.ok(scripts.length > 5))
  for (const { text } of scripts) {
    const skip = /\bzstd -/.test(text) && !hasZstd() && 'there is no zstd here'
    test(text, { skip }, async t => {
      if (!text.includes(ENDPOINT)) return shell.check(text)
      const server = await S3Server.start(t)
      await server.createBucket('bucket')
      return shell.check(text.replaceAll(ENDPOINT, server.endpoint), server.env)
    })
  }
})

function hasZstd(): boolean {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
