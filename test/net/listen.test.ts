import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { dial } from '../../src/net/dial.ts'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import { LOOPBACK, accepted, receiveAll, startServer } from './sockets.ts'

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

const unix = { skip: process.platform === 'win32' }

/** A path in a folder that goes when the test ends. */
async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'nsqd.sock')
}

test('listens on a Unix socket, and removes it at the end', unix, async t => {
  const path = await socketPath(t)
  const server = createServer()
  assert.deepEqual(await listenTcp(server, { path }), { path })
  await assert.rejects(listenTcp(createServer(), { path }), {
    code: 'E_LISTEN_IN_USE',
    message: `cannot listen on ${path}: the address is in use`,
  })
  const [client, socket] = await Promise.all([dial({ path }, { timeoutMs: 5000 }), accepted(server)])
  socket.end('hello')
  assert.equal((await receiveAll(client)).toString(), 'hello')
  await closeServer(server, [socket])
  assert.equal(existsSync(path), false)
})

test('a Unix socket that a dead program has left is replaced', unix, async t => {
  const path = await socketPath(t)
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script]), 'exit')
  assert.equal(existsSync(path), true)
  const server = createServer()
  await listenTcp(server, { path })
  await closeServer(server, [])
})

test('a file that is no socket is left alone', unix, async t => {
  const path = await socketPath(t)
  await writeFile(path, 'precious')
  await assert.rejects(listenTcp(createServer(), { path }), { code: 'E_LISTEN_IN_USE' })
  assert.equal(await readFile(path, 'utf8'), 'precious')
})

test('a Unix socket where none can be is named', unix, async t => {
  const path = `${await socketPath(t)}/deeper`
  await assert.rejects(listenTcp(createServer(), { path }), {
    message: new RegExp(`^cannot listen on ${path}: `),
    remedy: /folder/,
  })
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
