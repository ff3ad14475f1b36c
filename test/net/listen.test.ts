import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dial } from '../../src/net/dial.ts'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import { LOOPBACK, accepted, startServer } from './sockets.ts'

test('port 0 resolves to the port in use', async t => {
  const { address } = await startServer(t)
  assert.equal(address.host, '127.0.0.1')
  assert.ok(address.port > 0)
})

test('an empty host is every interface', async t => {
  const server = createServer()
  t.after(() => closeServer(server, []))
  const { port } = await listenTcp(server, { host: '', port: 0 })
  const socket = await dial({ host: '127.0.0.1', port }, { timeoutMs: 5000 })
  socket.destroy()
})

test('an address in use is named, with a remedy', async t => {
  const { address } = await startServer(t)
  await assert.rejects(listenTcp(createServer(), address), {
    name: 'NsqError',
    code: 'E_LISTEN_IN_USE',
    message: `cannot listen on 127.0.0.1:${address.port}: the address is in use`,
    remedy: 'Stop the program that uses it, or choose another address.',
  })
})

test('an address of another machine is named', async () => {
  await assert.rejects(listenTcp(createServer(), { host: '192.0.2.1', port: 0 }), {
    code: 'E_LISTEN',
    message: /^cannot listen on 192\.0\.2\.1:0: /,
  })
})

test('a port that cannot be is an error of ours too', async () => {
  await assert.rejects(listenTcp(createServer(), { host: '127.0.0.1', port: 70_000 }), { code: 'E_LISTEN' })
})

test('listens on a Unix socket', { skip: process.platform === 'win32' }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'nsqd.sock')
  const server = createServer()
  assert.deepEqual(await listenTcp(server, { path }), { path })
  await assert.rejects(listenTcp(createServer(), { path }), {
    code: 'E_LISTEN_IN_USE',
    message: `cannot listen on ${path}: the address is in use`,
  })
  await closeServer(server, [])
})

test('closing a server closes the given connections', async () => {
  const server = createServer()
  const address = await listenTcp(server, LOOPBACK)
  const [client, socket] = await Promise.all([dial(address, { timeoutMs: 5000 }), accepted(server)])
  const closed = once(client.resume(), 'close')
  await closeServer(server, [socket])
  await closed
  assert.equal(server.listening, false)
})

test('closing a server that does not listen is no error', async () => {
  await closeServer(createServer(), [])
})
