/** Requests, against real servers that do what servers do. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Endpoint } from '../../../src/cli/forward/endpoint.ts'
import type { Outcome } from '../../../src/cli/forward/exchange.ts'
import { getTarget, postTarget } from '../../../src/cli/forward/target.ts'
import { certificates } from '../../support/certificates.ts'
import { serve } from '../../support/serve.ts'
import { until } from '../../support/wait.ts'

interface Timeouts {
  connectTimeoutMs?: number
  requestTimeoutMs?: number
}

function post(t: TestContext, url: string, timeouts: Timeouts = {}): Endpoint {
  return endpointOf(t, postTarget(url, { 'x-a': '1' }), timeouts)
}

function endpointOf(
  t: TestContext,
  target: ReturnType<typeof postTarget>,
  timeouts: Timeouts = {},
): Endpoint {
  const endpoint = new Endpoint({
    target,
    connectTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    connections: 2,
    ...timeouts,
  })
  t.after(() => endpoint.close())
  return endpoint
}

function send(endpoint: Endpoint, body = 'x'): Promise<Outcome> {
  return new Promise(resolve => endpoint.send(Buffer.from(body), resolve))
}

/** A server that does with each connection what it is told; closed with all of them. */
async function tcp(t: TestContext, connected: (socket: Socket, count: number) => void): Promise<string> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    connected(socket, ++count)
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${await portOf(server)}/`
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('a POST has its body, its headers, and one connection for many', async t => {
  const got: string[] = []
  const ports = new Set<number | undefined>()
  const host = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort)
    const { method, url, headers } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      got.push(
        `${method} ${url} ${String(headers['x-a'])} ${headers['content-length']} ${Buffer.concat(chunks).toString()}`,
      )
      response.end('thanks')
    })
  })
  const endpoint = post(t, `http://${host}/a?b=c`)
  for (const body of ['one', '', 'three']) {
    assert.deepEqual(await send(endpoint, body), {
      kind: 'answer',
      status: 200,
      retryAfter: undefined,
      location: undefined,
      text: '',
    })
  }
  assert.deepEqual(got, ['POST /a?b=c 1 3 one', 'POST /a?b=c 1 0 ', 'POST /a?b=c 1 5 three'])
  assert.equal(ports.size, 1)
})

test('a GET has the body in its address', async t => {
  const got: string[] = []
  const host = await serve(t, (request, response) => {
    got.push(`${request.method} ${request.url} ${request.headers['content-length']}`)
    response.end()
  })
  await send(endpointOf(t, getTarget(`http://${host}/a?b=%s`, {})), 'x y')
  assert.deepEqual(got, ['GET /a?b=x+y undefined'])
})

test('an answer is read with what it says of itself', async t => {
  const host = await serve(t, (_, response) => {
    response.writeHead(503, { 'retry-after': '7', location: '/there' })
    response.end('x'.repeat(1000))
  })
  assert.deepEqual(await send(post(t, `http://${host}/`)), {
    kind: 'answer',
    status: 503,
    retryAfter: '7',
    location: '/there',
    text: 'x'.repeat(256),
  })
})

test('an answer without an end is not waited for once much of it has come', async t => {
  const host = await serve(t, (_, response) => {
    response.writeHead(200)
    const write = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', write)
    write()
  })
  const outcome = await send(post(t, `http://${host}/`))
  assert.deepEqual([outcome.kind, outcome.kind === 'answer' && outcome.status], ['answer', 200])
})

test('an answer that is cut is none, nor is no answer', async t => {
  const answers = [
    '',
    'HTTP/1.1 200 OK\r\nContent-Le',
    OK.slice(0, -1),
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n',
  ]
  const url = await tcp(t, (socket, count) => socket.once('data', () => socket.end(answers[count - 1] ?? '')))
  const endpoint = post(t, url)
  for (const answer of answers) assert.equal((await send(endpoint)).kind, 'cut', answer)
})

test('what is no HTTP is no answer', async t => {
  const url = await tcp(t, socket => socket.once('data', () => socket.end('220 mail\r\n')))
  assert.equal((await send(post(t, url))).kind, 'cut')
})

test('a request that is cut in its middle has failed', async t => {
  const url = await tcp(t, socket => socket.once('data', () => socket.destroy()))
  assert.equal((await send(post(t, url), 'x'.repeat(10_000_000))).kind, 'cut')
})

test('a connection that was closed meanwhile is no failure', async t => {
  let requests = 0
  // It answers one request a connection, and closes it at the next one.
  const url = await tcp(t, socket => {
    socket.once('data', () => {
      requests++
      socket.write(OK)
      socket.once('data', () => socket.destroy())
    })
  })
  const endpoint = post(t, url)
  for (let i = 0; i < 5; i++) assert.equal((await send(endpoint)).kind, 'answer')
  assert.equal(requests, 5)
})

test('one that is closed each time fails in the end', async t => {
  const url = await tcp(t, (socket, count) => {
    socket.once('data', () => {
      if (count > 1) return socket.destroy()
      socket.write(OK)
      return socket.once('data', () => socket.destroy())
    })
  })
  const endpoint = post(t, url)
  assert.equal((await send(endpoint)).kind, 'answer')
  assert.equal((await send(endpoint)).kind, 'cut')
})

test('an answer that does not come, or does not end, is not waited for', async t => {
  for (const answer of ['', OK.slice(0, -1)]) {
    const url = await tcp(t, socket => socket.once('data', () => socket.write(answer)))
    const outcome = await send(post(t, url, { requestTimeoutMs: 50 }))
    assert.deepEqual(outcome, { kind: 'timeout', text: 'no answer within 50 ms' })
  }
})

test('where nobody listens there is no connection', async t => {
  const server = createServer()
  const port = await portOf(server)
  server.close()
  const outcome = await send(post(t, `http://127.0.0.1:${port}/`))
  assert.equal(outcome.kind, 'connect')
  assert.match('text' in outcome ? outcome.text : '', /ECONNREFUSED/)
})

test('a connection that does not become one is not waited for', async t => {
  // A TLS handshake that is never answered.
  const url = await tcp(t, () => {})
  const endpoint = post(t, url.replace('http:', 'https:'), { connectTimeoutMs: 50 })
  assert.deepEqual(await send(endpoint), { kind: 'connect', text: 'no connection within 50 ms' })
})

test('a certificate that nobody trusts is said with what helps', async t => {
  const { server: own } = await certificates()
  const server = createHttpsServer({ cert: own.cert, key: own.key }, (_, response) => response.end())
  t.after(() => server.close())
  const outcome = await send(post(t, `https://127.0.0.1:${await portOf(server)}/`))
  assert.equal(outcome.kind, 'connect')
  assert.match('text' in outcome ? outcome.text : '', /NODE_EXTRA_CA_CERTS/)
})

test('an answer before the whole request was read is an answer', async t => {
  const server = createHttpServer((_, response) => {
    response.writeHead(413, { connection: 'close' })
    response.end()
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const outcome = await send(post(t, `http://127.0.0.1:${await portOf(server)}/`), 'x'.repeat(1000))
  assert.equal(outcome.kind === 'answer' && outcome.status, 413)
})

const LARGE = 'x'.repeat(10_000_000)

test('an early answer is one when the request is read, or the other side ends the connection', async t => {
  let read = 0
  const url = await tcp(t, socket => {
    socket.once('data', chunk => {
      read = chunk.length
      socket.pause()
      socket.write(OK)
      setTimeout(() => socket.on('data', more => (read += more.length)).resume(), 50)
    })
  })
  const endpoint = post(t, url)
  assert.equal((await send(endpoint, LARGE)).kind, 'answer')
  endpoint.close()
  await until(() => read > LARGE.length)
  const ending = await tcp(t, socket => {
    socket.once('data', () => {
      socket.pause()
      socket.write(OK)
      setTimeout(() => socket.destroy(), 50)
    })
  })
  assert.equal((await send(post(t, ending), LARGE)).kind, 'answer')
})

test('a request that is never read in full is not done, whatever its answer', async t => {
  const url = await tcp(t, socket => {
    socket.once('data', () => {
      socket.pause()
      socket.write(OK)
    })
  })
  assert.equal((await send(post(t, url, { requestTimeoutMs: 100 }), LARGE)).kind, 'timeout')
})

test('a refusal is heard early, and frees the connection', async t => {
  const url = await tcp(t, socket => {
    socket.once('data', () => {
      socket.pause()
      socket.write(OK.replace('200', '413'))
    })
  })
  // More than there may be connections.
  const endpoint = post(t, url)
  for (let i = 0; i < 4; i++) {
    const outcome = await send(endpoint, LARGE)
    assert.equal(outcome.kind === 'answer' && outcome.status, 413)
  }
})

test('another protocol is no answer', async t => {
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
  const url = await tcp(t, socket => socket.once('data', () => socket.write(answer)))
  assert.equal((await send(post(t, url))).kind, 'cut')
})
