import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { readBody } from '../../src/http/body.ts'
import { listenTcp } from '../../src/net/listen.ts'
import { seeded } from '../storage/random.ts'

test('a body is what was sent, in whatever chunks', async t => {
  const random = seeded(text => t.diagnostic(text))
  const read: Promise<Buffer>[] = []
  const server = createServer((raw: IncomingMessage, response) => {
    const body = readBody(raw, 1_000_000, 'TOO_BIG')
    read.push(body)
    void body.finally(() => response.end())
  })
  t.after(() => server.close())
  const { port, host } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  for (const longest of [1, 10, 5000, 200_000]) {
    const sending = request({ port, host, method: 'POST', agent: false })
    const parts: Buffer[] = []
    let left = Math.min(500_000, 500 * longest)
    while (left > 0) {
      const part = Buffer.alloc(Math.min(left, random.int(1, longest)), random.int(0, 255))
      left -= part.length
      parts.push(part)
      sending.write(part)
    }
    sending.end()
    await once(sending, 'response')
    assert.ok((await read.pop())?.equals(Buffer.concat(parts)), `in chunks of up to ${longest} bytes`)
  }
})
