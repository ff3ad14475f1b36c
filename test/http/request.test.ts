import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net, { type Server } from 'node:net'
import { after, test } from 'node:test'
import { HttpRequestError, request, requestJson } from '../../src/http/request.ts'
import { certificates } from '../support/certificates.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) {
    if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections()
    server.close()
  }
})

async function listen(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return `http://127.0.0.1:${address.port}`
}

function answering(status: number, body: string): Promise<string> {
  return listen(http.createServer((_, response) => void response.writeHead(status).end(body)))
}

async function answeringSecurely(options: https.ServerOptions): Promise<string> {
  const server = https.createServer(options, (_, response) => void response.end('{"ok":true}'))
  return (await listen(server)).replace('http:', 'https:')
}

/** Asserts that a request fails with this code, in an error that names its URL. */
async function fails(code: string, url: string, options = {}): Promise<HttpRequestError> {
  let caught: unknown
  await assert.rejects(requestJson('GET', url, options), (error: unknown) => {
    caught = error
    return true
  })
  assert.ok(caught instanceof HttpRequestError)
  assert.equal(caught.code, code)
  assert.ok(caught.message.includes(url), caught.message)
  return caught
}

test('returns the JSON, null for an empty body, and the content of an old envelope', async () => {
  assert.deepEqual(await requestJson('GET', await answering(200, '{"topics":["t"]}')), { topics: ['t'] })
  assert.equal(await requestJson('POST', await answering(200, '')), null)
  const old = '{"status_code":200,"status_txt":"OK","data":{"topics":["t"]}}'
  assert.deepEqual(await requestJson('GET', await answering(200, old)), { topics: ['t'] })
})

test('sends the method, the body and what says who we are', async () => {
  const server = http.createServer((incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', chunk => (body += String(chunk)))
    incoming.on('end', () => {
      const { 'user-agent': agent, accept, 'content-length': length } = incoming.headers
      response.end(
        JSON.stringify({ method: incoming.method, url: incoming.url, body, agent, accept, length }),
      )
    })
  })
  const base = await listen(server)
  const reply = await requestJson('PUT', `${base}/a?b=c`, { body: 'é' })
  assert.ok(typeof reply === 'object' && reply !== null)
  const { agent, ...rest } = { agent: '', ...reply }
  assert.match(agent, /^nsq-ts\/\d/)
  const accept = 'application/vnd.nsq; version=1.0'
  assert.deepEqual(rest, { method: 'PUT', url: '/a?b=c', body: 'é', accept, length: '2' })
})

test('a refusal carries the status and the code of the server', async () => {
  const plain = await fails('E_HTTP_STATUS', await answering(404, '{"message":"TOPIC_NOT_FOUND"}'))
  assert.deepEqual([plain.status, plain.reply], [404, 'TOPIC_NOT_FOUND'])
  const old = await fails(
    'E_HTTP_STATUS',
    await answering(200, '{"status_code":404,"status_txt":"TOPIC_NOT_FOUND","data":null}'),
  )
  assert.deepEqual([old.status, old.reply], [404, 'TOPIC_NOT_FOUND'])
  const page = await fails('E_HTTP_STATUS', await answering(502, '<html>bad gateway</html>'))
  assert.deepEqual([page.status, page.reply], [502, undefined])
  const endless = await fails('E_HTTP_STATUS', await answering(500, `{"message":"${'x'.repeat(100_000)}"}`))
  assert.ok(endless.message.length < 500)
  assert.ok(endless.message.endsWith('xxx…'))
})

test('a reply that is not JSON, or too large', async () => {
  await fails('E_HTTP_REPLY', await answering(200, 'hello'))
  await fails('E_HTTP_REPLY', await answering(200, `"${'x'.repeat(2000)}"`), { maxReplySize: 1000 })
})

test('nobody listening, not HTTP, and not a URL', async () => {
  const server = net.createServer()
  const base = await listen(server)
  server.close()
  await once(server, 'close')
  const refused = await fails('E_HTTP_CONNECT', base)
  assert.match(refused.message, /ECONNREFUSED/)
  assert.ok(refused.remedy)
  assert.equal(refused.isUnsent, true)
  const lost = await fails(
    'E_HTTP_CONNECT',
    await listen(net.createServer(socket => socket.end('NOT HTTP\r\n\r\n'))),
  )
  assert.equal(lost.isUnsent, false)
  await fails('E_HTTP_URL', 'localhost:4161')
  await fails('E_HTTP_URL', 'not a url')
})

test('a server that never answers', async () => {
  const url = await listen(http.createServer(() => {}))
  const error = await fails('E_HTTP_TIMEOUT', url, { requestTimeoutMs: 50 })
  assert.match(error.message, /50 ms/)
})

test('a server that wants to speak another protocol', { timeout: 20_000 }, async () => {
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello'
  const sockets: net.Socket[] = []
  const server = net.createServer(socket => {
    sockets.push(socket)
    socket.on('data', () => socket.write(answer))
  })
  const error = await fails('E_HTTP_STATUS', await listen(server))
  assert.equal(error.status, 101)
  for (const socket of sockets) if (!socket.destroyed) await once(socket, 'close')
})

test('a GET on a kept connection that the server closed meanwhile is sent again', async () => {
  let requests = 0
  const server = net.createServer(socket => {
    let served = 0
    socket.on('data', () => {
      requests++
      served++
      if (served === 1)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n1')
      else socket.destroy()
    })
    socket.on('error', () => {})
  })
  const url = await listen(server)
  assert.equal((await request('GET', url)).body.toString(), '1')
  assert.equal((await request('GET', url)).body.toString(), '1')
  assert.equal(requests, 3)
  await assert.rejects(request('POST', url), { code: 'E_HTTP_CONNECT' })
})

test('an error names the request as it is told to, never its URL with the secret', async () => {
  const base = await answering(403, '{"message":"NO"}')
  const cases: [url: string, code: string][] = [
    [`${base}/?secret=s3cret`, 'E_HTTP_STATUS'],
    ['http://127.0.0.1:1/?secret=s3cret', 'E_HTTP_CONNECT'],
    ['ftp://127.0.0.1/?secret=s3cret', 'E_HTTP_URL'],
    [`${await answering(200, 'nonsense')}/?secret=s3cret`, 'E_HTTP_REPLY'],
    [`${await answering(200, `"${'x'.repeat(100)}"`)}/?secret=s3cret`, 'E_HTTP_REPLY'],
  ]
  for (const [url, code] of cases) {
    await assert.rejects(requestJson('GET', url, { name: 'the server', maxReplySize: 50 }), error => {
      assert.ok(error instanceof HttpRequestError)
      assert.equal(error.code, code)
      assert.match(error.message, /the server/)
      assert.doesNotMatch(`${error.message} ${error.remedy} ${error.stack}`, /s3cret/)
      return true
    })
  }
})

test('a request may have a connection of its own', async () => {
  const connections = new Set<net.Socket>()
  const base = await listen(
    http.createServer((incoming, response) => {
      connections.add(incoming.socket)
      response.end(JSON.stringify(incoming.headers['content-type'] ?? null))
    }),
  )
  const options = { fresh: true, body: '{}', contentType: 'application/json' }
  assert.equal(await requestJson('POST', base, options), 'application/json')
  assert.equal(await requestJson('POST', base, options), 'application/json')
  assert.equal(connections.size, 2)
})

test('a secret goes as a bearer token, in UTF-8', async () => {
  let seen = ''
  const url = await listen(
    http.createServer((incoming, response) => {
      seen = Buffer.from(incoming.headers.authorization ?? '', 'latin1').toString()
      response.end('{}')
    }),
  )
  await requestJson('GET', url, { bearer: 'sésame 🔑' })
  assert.equal(seen, 'Bearer sésame 🔑')
  await requestJson('GET', url)
  assert.equal(seen, '')
})

test('https: the authority, the name and the client certificate count', async () => {
  const { ca, server, client, expired } = await certificates()
  const common = { verify: true, minVersion: 'TLSv1.2' } as const
  const url = await answeringSecurely(server)
  assert.deepEqual(await requestJson('GET', url, { tls: { ...common, ca: ca.cert } }), { ok: true })
  assert.deepEqual(await requestJson('GET', url, { tls: { ...common, verify: false } }), { ok: true })
  // Also over an agent that has a connection to it which another request trusted.
  for (const options of [{}, { tls: common }]) {
    const { remedy, isUnsent } = await fails('E_HTTP_CONNECT', url, options)
    assert.match(remedy ?? '', /tls\.ca/)
    assert.equal(isUnsent, true)
  }
  const old = await fails('E_HTTP_CONNECT', await answeringSecurely(expired), {
    tls: { ...common, ca: ca.cert },
  })
  assert.match(old.message, /expired/)
  const picky = await answeringSecurely({
    ...server,
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  await fails('E_HTTP_CONNECT', picky, { tls: { ...common, ca: ca.cert } })
  assert.deepEqual(await requestJson('GET', picky, { tls: { ...common, ca: ca.cert, ...client } }), {
    ok: true,
  })
})

test('what its own program gives up is said to be so, not to be out of reach', async () => {
  const url = await listen(http.createServer(() => {}))
  const stop = new AbortController()
  const failure = fails('E_HTTP_ABORTED', url, { signal: stop.signal })
  stop.abort()
  assert.match((await failure).message, /was given up before it answered$/)
})

test('a signal may give up as many requests as one likes', async t => {
  const url = await answering(200, '{}')
  const warnings: Error[] = []
  const note = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 12 }, () => requestJson('GET', url, { signal })))
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(warnings, [])
})
