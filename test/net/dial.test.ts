import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dial } from '../../src/net/dial.ts'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import type { Address } from '../../src/util/address.ts'
import { LOOPBACK, accepted, startServer } from './sockets.ts'

/** An address where nothing listens, at least just now. */
async function freeAddress(): Promise<Address> {
  const server = createServer()
  const address = await listenTcp(server, LOOPBACK)
  await closeServer(server, [])
  return address
}

test('connects, and leaves the socket to the caller', async t => {
  const { server, address } = await startServer(t)
  const [socket, peer] = await Promise.all([
    dial(address, { timeoutMs: 5000, keepAlive: true }),
    accepted(server),
  ])
  t.after(() => socket.destroy())
  assert.equal(socket.remotePort, address.port)
  assert.equal(socket.listenerCount('error'), 0)
  peer.end('hello')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  assert.equal(Buffer.concat(chunks).toString(), 'hello')
})

test('nobody listening is E_CONNECT, naming the address', async () => {
  const address = await freeAddress()
  await assert.rejects(dial(address, { timeoutMs: 5000 }), {
    name: 'NsqError',
    code: 'E_CONNECT',
    message: new RegExp(`^cannot connect to 127\\.0\\.0\\.1:${address.port}: .*ECONNREFUSED`),
  })
})

test('nobody at a Unix socket is E_CONNECT, naming the path', async () => {
  const path = join(tmpdir(), 'nsq-ts-nobody', 'nsqd.sock')
  await assert.rejects(dial({ path }, { timeoutMs: 5000 }), {
    code: 'E_CONNECT',
    message: new RegExp(`^cannot connect to ${path}: .*ENOENT`),
  })
})

test('a name with several addresses gives the reason of each', async () => {
  const { port } = await freeAddress()
  await assert.rejects(dial({ host: '', port }, { timeoutMs: 5000 }), {
    code: 'E_CONNECT',
    message: /ECONNREFUSED/,
  })
})

test('an attempt that is no longer wanted ends at once', async t => {
  const { address } = await startServer(t)
  const stop = new AbortController()
  const dialled = dial(address, { timeoutMs: 5000, signal: stop.signal })
  // Before anything can have come back.
  stop.abort()
  await assert.rejects(dialled, { code: 'E_CONNECT', message: /no longer wanted$/ })
  await assert.rejects(dial(address, { timeoutMs: 5000, signal: stop.signal }), { code: 'E_CONNECT' })
})

test('no answer in time is E_CONNECT', async t => {
  const { address } = await startServer(t)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const dialled = dial(address, { timeoutMs: 5000 })
  // Before anything can have come back.
  t.mock.timers.tick(5000)
  await assert.rejects(dialled, {
    code: 'E_CONNECT',
    message: `cannot connect to 127.0.0.1:${address.port}: no answer within 5000 ms`,
  })
})
