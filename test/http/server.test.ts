import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { HttpError } from '../../src/http/error.ts'
import { empty, json, type Reply, text } from '../../src/http/reply.ts'
import { closeHttpServer, createHttpServer } from '../../src/http/server.ts'
import { listenTcp } from '../../src/net/listen.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { until } from '../support/wait.ts'

const lines: string[] = []
const logger = new Logger({ prefix: '', level: LogLevel.error, write: line => lines.push(line) })
let server: Server
let port: number
let base: string
let begun = 0
let goOn = (): void => {}
const slow = new Promise<void>(resolve => (goOn = resolve))

before(async () => {
  server = createHttpServer({
    logger,
    routes: [
      { method: 'GET', path: '/ping', handle: () => text('OK') },
      { method: 'GET', path: '/json', handle: () => json({ a: [1, 'é'] }) },
      { method: 'POST', path: '/empty', handle: () => empty() },
      { method: 'GET', path: '/arg', handle: ({ query }) => json(query.get('a')) },
      { method: 'PUT', path: '/config/:name', handle: ({ params }) => json(params) },
      { method: 'POST', path: '/body', handle: async request => json((await request.readBody(1000)).length) },
      {
        method: 'POST',
        path: '/message',
        handle: async r => json((await r.readBody(1000, 'MSG_TOO_BIG')).length),
      },
      {
        method: 'GET',
        path: '/refuse',
        handle: () => {
          throw new HttpError(404, 'TOPIC_NOT_FOUND')
        },
      },
      {
        method: 'GET',
        path: '/slow',
        handle: async () => {
          begun++
          await slow
          return text(`slow ${begun}`)
        },
      },
      { method: 'GET', path: '/header', handle: () => ({ ...empty(), headers: { 'X-A': 'a\nb' } }) },
      { method: 'GET', path: '/break', handle: () => Promise.reject(new Error('broken\nINFO: forged')) },
    ],
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  port = address.port
  base = `http://127.0.0.1:${port}`
})

after(() => closeHttpServer(server))

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
}

async function ask(path: string, init?: RequestInit): Promise<[number, string | null, string]> {
  const response = await fetch(base + path, init)
  assert.equal(response.headers.get('x-nsq-content-type'), 'nsq; version=1.0')
  return [response.status, response.headers.get('content-type'), await response.text()]
}

const JSON_TYPE = 'application/json; charset=utf-8'

test('text, JSON and nothing', async () => {
  assert.deepEqual(await ask('/ping'), [200, 'text/plain; charset=utf-8', 'OK'])
  assert.deepEqual(await ask('/json'), [200, JSON_TYPE, '{"a":[1,"é"]}'])
  assert.deepEqual(await ask('/empty', { method: 'POST' }), [200, null, ''])
})

test('named segments and arguments', async () => {
  assert.deepEqual(await ask('/config/a%2Fb', { method: 'PUT' }), [200, JSON_TYPE, '{"name":"a/b"}'])
  assert.deepEqual(await ask('/arg?a=x%23y+z'), [200, JSON_TYPE, '"x#y z"'])
  assert.deepEqual(await ask('/arg'), [200, JSON_TYPE, 'null'])
  for (const query of ['a=%', 'a=%zz', 'a=1;b=2']) {
    assert.deepEqual(await ask(`/arg?${query}`), [400, JSON_TYPE, '{"message":"INVALID_REQUEST"}'])
  }
})

test('refusals', async () => {
  assert.deepEqual(await ask('/nope'), [404, JSON_TYPE, '{"message":"NOT_FOUND"}'])
  assert.deepEqual(await ask('/ping', { method: 'POST' }), [
    405,
    JSON_TYPE,
    '{"message":"METHOD_NOT_ALLOWED"}',
  ])
  assert.deepEqual(await ask('/refuse'), [404, JSON_TYPE, '{"message":"TOPIC_NOT_FOUND"}'])
})

test('an unexpected error is 500, logged on one line, and not told to the client', async () => {
  assert.deepEqual(await ask('/break'), [500, JSON_TYPE, '{"message":"INTERNAL_ERROR"}'])
  assert.equal(lines.filter(line => line.includes('GET /break failed: broken\\nINFO: forged')).length, 1)
})

test('a reply that cannot be sent costs its connection, and nothing else', async () => {
  await assert.rejects(fetch(`${base}/header`))
  assert.ok(lines.some(line => line.includes('GET /header cannot be answered')))
  assert.equal((await ask('/ping'))[0], 200)
})

test('bodies up to the limit', async () => {
  for (const size of [0, 1, 1000]) {
    const reply = await ask('/body', { method: 'POST', body: Buffer.alloc(size, 120) })
    assert.deepEqual(reply, [200, JSON_TYPE, String(size)])
  }
  const tooBig = await ask('/body', { method: 'POST', body: Buffer.alloc(1001) })
  assert.deepEqual(tooBig, [413, JSON_TYPE, '{"message":"BODY_TOO_BIG"}'])
  const large = await ask('/message', { method: 'POST', body: Buffer.alloc(3_000_000) })
  assert.deepEqual(large, [413, JSON_TYPE, '{"message":"MSG_TOO_BIG"}'])
})

test('the sender of a body without an end gets to see that it is refused', async t => {
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  for (let i = 0; i < 5; i++) {
    const socket = net.connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    let got = ''
    socket.setEncoding('latin1').on('data', data => (got += String(data)))
    // One that is slow to listen: what the server tells it must not be lost by the connection's end.
    socket.pause()
    socket.write('POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let sent = 0; sent < 24; sent++) socket.write(chunk)
    setTimeout(() => socket.resume(), 100)
    await new Promise(resolve => socket.on('close', resolve))
    assert.match(got, /^HTTP\/1\.1 413 /)
  }
})

test('requests sent ahead are answered one after the other', async () => {
  const socket = net.connect(port, '127.0.0.1')
  let got = ''
  socket.setEncoding('latin1').on('data', data => (got += String(data)))
  const post = 'POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc'
  socket.write(get('/slow').repeat(5) + post + get('/ping', 'Connection: close\r\n'))
  await until(() => begun === 1)
  await ask('/ping')
  assert.equal(begun, 1)
  goOn()
  await once(socket, 'close')
  const bodies = got.split('HTTP/1.1 200 OK').map(reply => reply.split('\r\n\r\n')[1])
  assert.deepEqual(bodies.slice(1), ['slow 1', 'slow 2', 'slow 3', 'slow 4', 'slow 5', '3', 'OK'])
})

test('a client that sends too far ahead is told where the answers end', async () => {
  const socket = net.connect(port, '127.0.0.1')
  let got = ''
  socket.setEncoding('latin1').on('data', data => (got += String(data)))
  socket.write(get('/ping').repeat(500))
  await once(socket, 'close')
  const answers = got.split('HTTP/1.1 200 OK').slice(1)
  assert.equal(answers.length, 101)
  assert.deepEqual(
    answers.flatMap((answer, i) => (/^Connection: close\r$/m.test(answer) ? [i] : [])),
    [100],
  )
})

test('a client that sends much too far ahead loses its connection', async () => {
  const socket = net.connect(port, '127.0.0.1')
  let got = ''
  socket.setEncoding('latin1').on('data', data => (got += String(data)))
  socket.on('error', () => {})
  socket.write(get('/break').repeat(5000))
  await new Promise(resolve => socket.on('close', resolve))
  assert.ok(got.split('HTTP/1.1').length < 200)
  assert.equal((await ask('/ping'))[0], 200)
})

test('a body announced as enormous is refused before it is sent', async () => {
  const socket = net.connect(port, '127.0.0.1')
  socket.write('POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n')
  let got = ''
  socket.setEncoding('latin1').on('data', data => (got += String(data)))
  await once(socket, 'close')
  assert.match(got, /^HTTP\/1\.1 413 /)
  assert.match(got, /Connection: close/i)
})

test('a client that goes away in the middle of its body does not harm the server', async () => {
  const socket = net.connect(port, '127.0.0.1')
  socket.write('POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  await once(socket, 'connect')
  socket.destroy()
  await once(socket, 'close')
  assert.deepEqual(await ask('/ping'), [200, 'text/plain; charset=utf-8', 'OK'])
  assert.ok(!lines.some(line => line.includes('/body')))
})

test('a server may refuse every request, whatever its route and body', async t => {
  const refusing = createHttpServer({
    logger,
    routes: [{ method: 'GET', path: '/ping', handle: () => text('OK') }],
    refusal: () => json({ message: 'NOT_HERE' }, 403),
  })
  t.after(() => closeHttpServer(refusing))
  refusing.listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  const address = refusing.address()
  assert.ok(address !== null && typeof address === 'object')
  for (const request of [{}, { method: 'POST', body: Buffer.alloc(3_000_000) }]) {
    const response = await fetch(`http://127.0.0.1:${address.port}/ping`, request)
    assert.deepEqual([response.status, await response.text()], [403, '{"message":"NOT_HERE"}'])
  }
})

test('a server that closes ends each connection behind the reply that it waits for', async () => {
  let answer: ((reply: Reply) => void) | undefined
  const handle = (): Promise<Reply> => new Promise(resolve => (answer = resolve))
  const closing = createHttpServer({ logger, routes: [{ method: 'GET', path: '/slow', handle }] })
  closing.listen(0, '127.0.0.1')
  await once(closing, 'listening')
  const address = closing.address()
  assert.ok(address !== null && typeof address === 'object')
  const answered = fetch(`http://127.0.0.1:${address.port}/slow`)
  await once(closing, 'request')
  // Kept alive, the connection would hold it for longer than any test takes.
  const closed = closeHttpServer(closing, 3_600_000)
  answer?.(text('OK'))
  const response = await answered
  assert.deepEqual([await response.text(), response.headers.get('connection')], ['OK', 'close'])
  await closed
})

test('who takes nothing of a reply is not waited for without end', async t => {
  const large = 'x'.repeat(16 * 1024 * 1024)
  const strict = createHttpServer({
    logger,
    stuckMs: 50,
    routes: [{ method: 'GET', path: '/large', handle: () => text(large) }],
  })
  t.after(() => closeHttpServer(strict))
  const { port } = await listenTcp(strict, { host: '127.0.0.1', port: 0 })
  let isOpen = true
  strict.on('connection', socket => socket.on('close', () => (isOpen = false)))
  const client = net.connect(port, '127.0.0.1').pause()
  t.after(() => client.destroy())
  client.write(get('/large'))
  await until(() => !isOpen)
})

test('a server that closes does not wait for connections that have asked for nothing', async () => {
  const closing = createHttpServer({ logger, routes: [] })
  closing.listen(0, '127.0.0.1')
  await once(closing, 'listening')
  const address = closing.address()
  assert.ok(address !== null && typeof address === 'object')
  const accepted = once(closing, 'connection')
  const silent = net.connect(address.port, '127.0.0.1')
  await accepted
  const ended = once(silent, 'close')
  await closeHttpServer(closing, 3_600_000)
  await ended
})

test('who connects in advance has as long as who has been answered', () => {
  assert.ok(server.headersTimeout >= server.keepAliveTimeout)
  assert.ok(server.requestTimeout > server.headersTimeout)
})

test('requests that fail are a few lines in the log, however many come', async t => {
  const lines: string[] = []
  const failing = createHttpServer({
    logger: new Logger({ prefix: '', level: LogLevel.info, write: line => void lines.push(line) }),
    routes: [{ method: 'POST', path: '/pub', handle: () => Promise.reject(new Error('full')) }],
  })
  failing.listen(0, '127.0.0.1')
  await once(failing, 'listening')
  t.after(() => closeHttpServer(failing))
  const address = failing.address()
  assert.ok(address !== null && typeof address === 'object')
  for (let i = 0; i < 50; i++) {
    const { status } = await fetch(`http://127.0.0.1:${address.port}/pub`, { method: 'POST' })
    assert.equal(status, 500)
  }
  assert.match(lines[0] ?? '', /POST \/pub failed: full/)
  assert.equal(lines.length, 11)
})
