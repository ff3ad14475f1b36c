import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpsServer, request } from 'node:https'
import type { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type SecureVersion, TLSSocket } from 'node:tls'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import {
  clientTls,
  demandCertificates,
  serverTls,
  type TlsClientOptions,
  type TlsServerOptions,
  tlsServerOptions,
} from '../../src/net/tls.ts'
import { NsqError } from '../../src/util/errors.ts'
import { certificates } from '../support/certificates.ts'
import { pause, until } from '../support/wait.ts'
import { connected, End, NOTHING, socketPair } from './transports.ts'
import { LOOPBACK } from './sockets.ts'

const { ca, server: identity, client: worker, stranger, expired } = await certificates()
const SERVER: TlsServerOptions = { ...identity, rootCa: ca.cert, clientAuth: '', minVersion: 'TLSv1.2' }
const CLIENT: TlsClientOptions = { ca: ca.cert }
const server = serverTls(SERVER)

/** Both ends, and what became of the upgrade on each. */
async function shakeHands(
  t: TestContext,
  client: TlsClientOptions,
  options: Partial<TlsServerOptions> = {},
  host = '127.0.0.1',
): Promise<{ a: End; b: End; clientError?: Error; serverError?: Error }> {
  const [a, b] = await connected(t)
  const [ours, theirs] = await Promise.allSettled([
    a.transport.upgrade(clientTls(client, host), NOTHING),
    b.transport.upgrade(serverTls({ ...SERVER, ...options }), NOTHING),
  ])
  return {
    a,
    b,
    ...(ours.status === 'rejected' ? { clientError: ours.reason } : {}),
    ...(theirs.status === 'rejected' ? { serverError: theirs.reason } : {}),
  }
}

test('both sides speak through TLS and know what was agreed', async t => {
  const [a, b] = await connected(t, [[clientTls(CLIENT, '127.0.0.1'), server]])
  a.send('hello')
  b.send('hello yourself')
  await b.receives('hello')
  await a.receives('hello yourself')
  assert.equal(a.transport.tls?.version, 'TLSv1.3')
  assert.equal(a.transport.tls.authorized, true)
  assert.equal(a.transport.tls.commonName, 'localhost')
  assert.match(a.transport.tls.cipher, /^TLS_/)
  assert.equal(b.transport.tls?.commonName, '')
  assert.equal(b.transport.tls.authorized, false)
  assert.equal(b.transport.tls.protocol, '')
})

test('there are no facts without TLS', async t => {
  const [a] = await connected(t)
  assert.equal(a.transport.tls, undefined)
})

test('the server is known by name or address', async t => {
  for (const host of ['localhost', '127.0.0.1', '::1', '', '/run/nsqd.sock']) {
    const { clientError } = await shakeHands(t, CLIENT, {}, host)
    assert.equal(clientError, undefined, host)
  }
  const { clientError } = await shakeHands(t, { ...CLIENT, serverName: 'localhost' }, {}, '192.0.2.1')
  assert.equal(clientError, undefined)
})

test('a server that cannot be trusted is refused, unless nothing is to be verified', async t => {
  const cases: [why: RegExp, client: TlsClientOptions, options: Partial<TlsServerOptions>, host: string][] = [
    [/unable to verify|self.signed/, {}, {}, 'localhost'],
    [/does not match/, CLIENT, {}, 'nsqd.example.com'],
    [/does not match/, CLIENT, {}, '192.0.2.1'],
    [/does not match/, CLIENT, {}, '2001:db8::1'],
    [/expired/, CLIENT, expired, 'localhost'],
    [/unable to verify|self.signed|issuer/, { ca: stranger.cert }, {}, 'localhost'],
  ]
  for (const [why, client, options, host] of cases) {
    const { a, b, clientError } = await shakeHands(t, client, options, host)
    assert.ok(clientError instanceof NsqError)
    assert.equal(clientError.code, 'E_TLS')
    assert.match(
      clientError.message,
      new RegExp(`^the TLS handshake with ${host.replaceAll('.', '\\.')} failed: `),
    )
    assert.match(clientError.message, why)
    assert.ok(clientError.cause instanceof Error)
    await a.closes()
    assert.equal(a.error, clientError)
    b.transport.destroy()
    const trusting = await shakeHands(t, { ...client, verify: false }, options, host)
    assert.equal(trusting.clientError, undefined)
    assert.equal(trusting.a.transport.tls?.authorized, false)
  }
})

test('the policies for client certificates', async t => {
  const mine = { none: CLIENT, worker: { ...CLIENT, ...worker }, stranger: { ...CLIENT, ...stranger } }
  const taken = async (
    client: keyof typeof mine,
    clientAuth: TlsServerOptions['clientAuth'],
  ): Promise<string> => {
    const { a, b, serverError } = await shakeHands(t, mine[client], { clientAuth })
    if (serverError !== undefined) {
      assert.ok(serverError instanceof NsqError)
      assert.equal(serverError.code, 'E_TLS')
      // With TLS 1.3 the client may think that all is well until it reads.
      await a.closes()
      await b.closes()
      assert.equal(b.error, serverError)
      return serverError.message
    }
    a.send('hello')
    await b.receives('hello')
    return `${b.transport.tls?.commonName}, ${b.transport.tls?.authorized}`
  }
  assert.equal(await taken('none', ''), ', false')
  assert.equal(await taken('worker', ''), ', false')
  assert.match(await taken('none', 'require'), /the client has no certificate$/)
  assert.equal(await taken('worker', 'require'), 'worker, true')
  assert.equal(await taken('stranger', 'require'), 'stranger, false')
  assert.match(await taken('none', 'require-verify'), /peer did not return a certificate/)
  assert.equal(await taken('worker', 'require-verify'), 'worker, true')
  assert.match(
    await taken('stranger', 'require-verify'),
    /the client's certificate is refused: .*(ISSUER|VERIFY)/,
  )
})

test('a version that the other side does not take is refused by both', async t => {
  const options = { ...CLIENT, minVersion: 'TLSv1.3' as SecureVersion }
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  const old = connect({ socket: peer, maxVersion: 'TLSv1.2', ca: ca.cert })
  old.on('error', () => {})
  await assert.rejects(end.transport.upgrade(serverTls({ ...SERVER, minVersion: 'TLSv1.3' }), NOTHING), {
    code: 'E_TLS',
    message: /^the TLS handshake failed: .*(protocol|version)/,
  })
  const { a } = await shakeHands(t, options)
  assert.equal(a.transport.tls?.version, 'TLSv1.3')
})

test('bytes that were read too far belong to the handshake', async t => {
  // As a client that does not wait for the answer to IDENTIFY.
  const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
  const end = new End(socket)
  const client = connect({ socket: peer, ca: ca.cert, host: 'localhost' })
  client.write('early')
  await until(() => end.length > 100)
  await Promise.all([end.transport.upgrade(server, end.bytes), once(client, 'secureConnect')])
  end.length = end.chunks.length = 0
  await end.receives('early')
  client.destroy()
})

test('the rest may be a part of the first record only', async t => {
  const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
  const end = new End(socket)
  end.transport.pause()
  const client = connect({ socket: peer, ca: ca.cert, host: 'localhost' })
  await until(() => socket.readableLength > 100)
  const first: Buffer | null = socket.read(3)
  assert.equal(first?.length, 3)
  end.length = end.chunks.length = 0
  end.transport.resume()
  await Promise.all([end.transport.upgrade(server, first), once(client, 'secureConnect')])
  client.write('hello')
  await end.receives('hello')
  client.destroy()
})

test('garbage instead of a handshake ends the connection with an error, on either side', async t => {
  for (const layer of [server, clientTls(CLIENT, 'localhost')]) {
    const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
    const end = new End(socket)
    peer.write('GET / HTTP/1.1\r\nHost: nsqd\r\n\r\n')
    await assert.rejects(end.transport.upgrade(layer, NOTHING), { code: 'E_TLS' })
    await end.closes()
    assert.deepEqual(end.events, ['closed'])
  }
})

test('a peer that vanishes in the middle of a handshake ends it, on either side', async t => {
  for (const layer of [server, clientTls(CLIENT, 'localhost')]) {
    for (const how of ['end', 'resetAndDestroy', 'destroy'] as const) {
      const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
      const end = new End(socket)
      const upgraded = end.transport.upgrade(layer, NOTHING)
      // The beginning of a record that never ends.
      peer.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
      await until(() => socket.bytesRead > 0)
      peer[how]()
      await assert.rejects(upgraded, { code: 'E_TLS' })
      await end.closes()
    }
  }
})

test('a peer that was gone already fails as well', async t => {
  for (const layer of [server, clientTls(CLIENT, 'localhost')]) {
    const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
    const end = new End(socket)
    end.transport.pause()
    peer.end('not read')
    await until(() => socket.readableLength > 0)
    await assert.rejects(end.transport.upgrade(layer, NOTHING), NsqError)
    await end.closes()
  }
})

test('the owner can give up a handshake at any time', async t => {
  for (const layer of [server, clientTls(CLIENT, 'localhost')]) {
    const [, socket] = await socketPair(t)
    const end = new End(socket)
    const upgraded = end.transport.upgrade(layer, NOTHING)
    await pause(5)
    end.transport.destroy(new Error('too long'))
    await assert.rejects(upgraded, NsqError)
    await end.closes()
    assert.equal(end.error?.message, 'too long')
  }
})

test('a client that says nothing is given up after five seconds, and the next is served', async t => {
  const layer = serverTls(SERVER)
  const [, socket] = await socketPair(t)
  const silent = new End(socket)
  await assert.rejects(silent.transport.upgrade(layer, NOTHING), {
    code: 'E_TLS',
    message: /timeout|timed out/i,
  })
  await silent.closes()
  const [a, b] = await connected(t, [[clientTls(CLIENT, 'localhost'), layer]])
  a.send('hello')
  await b.receives('hello')
})

test('handshakes at the same time do not mix, whether they fail or not', async t => {
  const layer = serverTls({ ...SERVER, clientAuth: 'require-verify' })
  const clients = [worker, stranger, undefined]
  const all = Array.from({ length: 24 }, async (_, i) => {
    const [a, b] = await connected(t)
    const client = clients[i % clients.length]
    const [, theirs] = await Promise.allSettled([
      a.transport.upgrade(clientTls({ ...CLIENT, ...client }, 'localhost'), NOTHING),
      b.transport.upgrade(layer, NOTHING),
    ])
    assert.equal(theirs.status, client === worker ? 'fulfilled' : 'rejected')
    if (client !== worker) return
    a.send(`from ${i}`)
    await b.receives(`from ${i}`)
  })
  await Promise.all(all)
})

test('garbage inside of TLS is the error that it closes with', async t => {
  const [a, b] = await connected(t, [[clientTls(CLIENT, 'localhost'), server]])
  a.socket.write('not a TLS record at all, by any means')
  await b.closes()
  assert.match(String(b.error), /SSL|TLS|version|record|packet/i)
  a.transport.destroy()
})

test('a connection that breaks off without goodbye has ended', async t => {
  const [a, b] = await connected(t, [[clientTls(CLIENT, 'localhost'), server]])
  a.send('last words')
  await b.receives('last words')
  a.socket.end()
  await until(() => b.events.length > 0)
  b.transport.end()
  await b.closes()
})

test('certificates that cannot be used are refused beforehand', async () => {
  const unusable: Partial<TlsServerOptions>[] = [
    { cert: 'not a certificate' },
    { key: 'not a key' },
    { key: worker.key },
  ]
  for (const wrong of unusable) {
    assert.throws(() => serverTls({ ...SERVER, ...wrong }), { code: 'E_TLS', message: /cannot be used: / })
  }
})

test('a client certificate that cannot be used fails the upgrade', async t => {
  const { clientError, b } = await shakeHands(t, { ...CLIENT, cert: worker.cert, key: stranger.key })
  assert.ok(clientError instanceof NsqError)
  assert.equal(clientError.code, 'E_TLS')
  await b.closes()
})

test('an HTTPS server takes the same options', async t => {
  for (const [clientAuth, mine, status] of [
    ['', {}, 200],
    ['require', {}, 0],
    ['require', stranger, 200],
    ['require-verify', stranger, 0],
    ['require-verify', worker, 200],
  ] as const) {
    const https = createHttpsServer(tlsServerOptions({ ...SERVER, clientAuth }), (_request, response) => {
      response.end('OK')
    })
    if (clientAuth === 'require') demandCertificates(https)
    const { port } = await listenTcp(https, LOOPBACK)
    const sockets = new Set<Socket>()
    https.on('connection', (socket: Socket) => sockets.add(socket))
    t.after(() => closeServer(https, sockets))
    const answered = await new Promise<number>(resolve => {
      const asked = request({ host: '127.0.0.1', port, ca: ca.cert, ...mine, agent: false }, response => {
        response.resume()
        resolve(response.statusCode ?? -1)
      })
      asked.on('error', () => resolve(0))
      asked.end()
    })
    assert.equal(answered, status, `${clientAuth} ${JSON.stringify(mine).slice(0, 20)}`)
  }
})

test('TLS over a socket is native: no stream in between', async t => {
  const [socket, peer] = await socketPair(t)
  const [above] = await Promise.all([clientTls(CLIENT, 'localhost')(socket.pause()), server(peer.pause())])
  assert.ok(above instanceof TLSSocket)
  // What wraps another stream has no file descriptor.
  assert.equal(
    Reflect.get(Object(Reflect.get(above, '_handle')), 'fd'),
    Reflect.get(Object(Reflect.get(socket, '_handle')), 'fd'),
  )
  above.destroy()
})
