import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createServer } from 'node:tls'
import { inspect } from 'node:util'
import { constants, deflateRawSync } from 'node:zlib'
import { Connection } from '../../../src/client/connection/connection.ts'
import { type ConnectionOptions, resolveConnectionOptions } from '../../../src/client/options.ts'
import type { TlsOptions } from '../../../src/client/tls-options.ts'
import { deflateLayer } from '../../../src/net/deflate.ts'
import type { Layer } from '../../../src/net/layer.ts'
import { snappyLayer } from '../../../src/net/snappy.ts'
import { serverTls, type TlsServerOptions } from '../../../src/net/tls.ts'
import { pub, rdy, sub } from '../../../src/protocol/command.ts'
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME, responseFrame } from '../../../src/protocol/frame.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { certificates } from '../../support/certificates.ts'
import { until } from '../../support/wait.ts'
import { FakeNsqd } from '../fake-nsqd.ts'

const { ca, server, client, stranger, expired } = await certificates()
const snappy = await snappyLayer()
const SECRET = 'hunter2hunter2'

const fakes: FakeNsqd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

async function startNsqd(): Promise<FakeNsqd> {
  const fake = await FakeNsqd.start()
  fakes.push(fake)
  return fake
}

function tlsLayer(options: Partial<TlsServerOptions> = {}): () => Layer {
  const layer = serverTls({ ...server, clientAuth: '', minVersion: 'TLSv1.2', ...options })
  return () => layer
}

async function open(
  nsqd: FakeNsqd,
  options: ConnectionOptions = {},
  messages: string[] = [],
): Promise<Connection> {
  const handler = {
    message: (bytes: Buffer, start: number, end: number) =>
      void messages.push(bytes.toString('utf8', start + 26, end)),
    refused: () => {},
    closed: () => {},
  }
  const resolved = resolveConnectionOptions({ connectTimeoutMs: 5000, ...options })
  return Connection.open(nsqd.address, resolved, handler, {}, new AbortController().signal)
}

/** What opening fails with; nothing of the connection is left. */
async function failure(nsqd: FakeNsqd, options: ConnectionOptions): Promise<NsqError> {
  let caught: NsqError | undefined
  await assert.rejects(open(nsqd, options), (error: NsqError) => {
    caught = error
    return true
  })
  await until(() => nsqd.sessions.length > 0 && nsqd.open.length === 0)
  assert.ok(caught !== undefined)
  assert.ok(caught.message.includes(nsqd.address), caught.message)
  assert.ok(!inspect(caught, { depth: 10 }).includes(SECRET))
  return caught
}

const TRUSTING: TlsOptions = { ca: ca.cert }

for (const [what, options] of [
  ['nothing', {}],
  ['TLS', { tls: TRUSTING }],
  ['snappy', { snappy: true }],
  ['deflate', { deflate: true }],
  ['TLS and snappy', { tls: TRUSTING, snappy: true }],
  ['TLS and deflate', { tls: TRUSTING, deflate: 9 }],
] as const) {
  test(`order of upgrades: IDENTIFY, ${what}, then AUTH, then the rest`, async () => {
    const nsqd = await startNsqd()
    const layers: string[] = []
    const offer = (name: string, layer: Layer) => () => {
      layers.push(name)
      return layer
    }
    nsqd.offers = {
      tls_v1: offer('TLS', tlsLayer()()),
      snappy: offer('snappy', snappy),
      deflate: offer('deflate', deflateLayer(6)),
    }
    nsqd.secret = SECRET
    const messages: string[] = []
    const connection = await open(nsqd, { ...options, authSecret: SECRET }, messages)
    assert.deepEqual(layers.join(' and '), what === 'nothing' ? '' : what)
    const large = 'x'.repeat(500_000)
    nsqd.queue(large, 'second')
    assert.equal(await connection.request(sub('t', 'c')), 'OK')
    assert.equal(await connection.request(pub('t', large)), 'OK')
    connection.send(rdy(2))
    await until(() => messages.length === 2)
    assert.deepEqual(messages, [large, 'second'])
    assert.deepEqual(nsqd.bodies, [large])
    assert.deepEqual(nsqd.sessions[0]?.commands, ['IDENTIFY', 'AUTH', 'SUB t c', 'PUB t', 'RDY 2'])
    connection.send(rdy(1))
    await connection.end()
    const { readies } = nsqd.sessions[0]
    await until(() => readies.length === 2)
    assert.deepEqual(readies, [2, 1])
  })
}

test('bytes already read past the switch belong to the new layer, however they are cut', async () => {
  const granted = responseFrame('{"deflate":true,"max_rdy_count":7}')
  const ok = deflateRawSync(Buffer.concat([OK_FRAME, HEARTBEAT_FRAME]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  const all = Buffer.concat([granted, ok])
  for (const size of [all.length, granted.length + 1, granted.length - 1, 1]) {
    const nsqd = await startNsqd()
    nsqd.identifyReply = Buffer.alloc(0)
    const opened = open(nsqd, { deflate: true })
    await until(() => nsqd.sessions[0]?.commands[0] === 'IDENTIFY')
    for (let at = 0; at < all.length; at += size) {
      nsqd.sessions[0]?.socket.write(all.subarray(at, at + size))
      await new Promise(setImmediate)
    }
    assert.equal((await opened).identity.max_rdy_count, 7)
  }
})

test('compression that is not offered is done without', async () => {
  const nsqd = await startNsqd()
  for (const options of [{ snappy: true }, { deflate: true }]) {
    assert.equal(await (await open(nsqd, options)).request(pub('t', 'x')), 'OK')
  }
  nsqd.identifyReply = 'OK'
  assert.equal(await (await open(nsqd, { snappy: true })).request(pub('t', 'x')), 'OK')
  assert.equal(nsqd.published.length, 3)
})

test('what was not asked for is not done, whatever nsqd grants', async () => {
  const nsqd = await startNsqd()
  nsqd.identifyReply = '{"tls_v1":true,"snappy":true,"deflate":true}'
  assert.equal(await (await open(nsqd)).request(pub('t', 'x')), 'OK')
})

for (const reply of [undefined, 'OK', '{"tls_v1":false}', '{"tls_v1":"yes"}']) {
  test(`TLS that is not granted is E_TLS, and nothing more is sent in plain: ${reply}`, async () => {
    const nsqd = await startNsqd()
    nsqd.identifyReply = reply
    nsqd.secret = SECRET
    const error = await failure(nsqd, { tls: TRUSTING, snappy: true, authSecret: SECRET })
    assert.equal(error.code, 'E_TLS')
    assert.match(error.remedy ?? '', /--tls-cert and --tls-key/)
    assert.deepEqual(nsqd.sessions[0]?.commands, ['IDENTIFY'])
  })
}

const CLIENT_CERTIFICATE = /tls\.cert and tls\.key \(--tls-cert, --tls-key\)/

for (const [what, mine, its, remedy] of [
  ['an unknown authority', { ca: stranger.cert }, {}, /tls\.ca \(--tls-ca\)/],
  ['an authority that Node does not know', {}, {}, /tls\.ca \(--tls-ca\)/],
  ['another name', { ...TRUSTING, serverName: 'elsewhere' }, {}, /tls\.serverName \(--tls-server-name\)/],
  ['an expired certificate', TRUSTING, expired, /renew/],
  ['no client certificate', TRUSTING, { clientAuth: 'require' }, CLIENT_CERTIFICATE],
  ['none that it trusts', TRUSTING, { clientAuth: 'require-verify', rootCa: ca.cert }, CLIENT_CERTIFICATE],
  [
    "a stranger's client certificate",
    { ...TRUSTING, ...stranger },
    { clientAuth: 'require-verify', rootCa: ca.cert },
    CLIENT_CERTIFICATE,
  ],
] as [string, TlsOptions, Partial<TlsServerOptions>, RegExp][]) {
  test(`TLS with ${what} is E_TLS, and says what to do`, async () => {
    const nsqd = await startNsqd()
    nsqd.offers.tls_v1 = tlsLayer(its)
    const error = await failure(nsqd, { tls: mine })
    assert.equal(error.code, 'E_TLS', error.message)
    assert.match(error.remedy ?? '', remedy, error.message)
  })
}

test('TLS with a version that is too old is E_TLS, and says what to do', async () => {
  const nsqd = await startNsqd()
  const old = createServer({ ...server, maxVersion: 'TLSv1.2' })
  nsqd.offers.tls_v1 = () => below =>
    new Promise((_, reject) => {
      old.once('tlsClientError', reject)
      old.emit('connection', below)
    })
  const error = await failure(nsqd, { tls: { ...TRUSTING, minVersion: 'TLSv1.3' } })
  assert.equal(error.code, 'E_TLS')
  assert.match(error.remedy ?? '', /tls\.minVersion/, error.message)
})

test('a client certificate is shown; verify: false takes any certificate of nsqd', async () => {
  const nsqd = await startNsqd()
  nsqd.offers.tls_v1 = tlsLayer({ clientAuth: 'require-verify', rootCa: ca.cert })
  await (await open(nsqd, { tls: { ...TRUSTING, ...client } })).end()
  nsqd.offers.tls_v1 = tlsLayer(expired)
  await (await open(nsqd, { tls: { verify: false } })).end()
})

for (const [what, granted, next] of [
  ['goes on in plain', { tls_v1: true }, OK_FRAME],
  ['answers in HTTP', { tls_v1: true }, Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['closes', { tls_v1: true }, undefined],
] as const) {
  test(`an nsqd that grants TLS and then ${what} is E_TLS`, async () => {
    const nsqd = await startNsqd()
    nsqd.isDeaf = true
    nsqd.identifyReply = Buffer.concat([responseFrame(JSON.stringify(granted)), next ?? Buffer.alloc(0)])
    const failed = failure(nsqd, { tls: TRUSTING })
    await until(() => nsqd.sessions[0]?.commands[0] === 'IDENTIFY')
    if (next === undefined) nsqd.sessions[0]?.socket.end()
    const error = await failed
    assert.equal(error.code, 'E_TLS', error.message)
    assert.ok(error.remedy !== undefined)
  })
}

for (const [what, options, reply, code] of [
  ['TLS', { tls: true }, '{"tls_v1":true}', 'E_READ_TIMEOUT'],
  ['snappy', { snappy: true }, '{"snappy":true}', 'E_READ_TIMEOUT'],
  ['deflate', { deflate: true }, '{"deflate":true}', 'E_READ_TIMEOUT'],
  ['AUTH', { authSecret: SECRET }, '{"auth_required":true}', 'E_READ_TIMEOUT'],
] as const) {
  test(`an nsqd that only sends heartbeats at ${what} is not waited for`, async () => {
    const nsqd = await startNsqd()
    nsqd.isDeaf = true
    nsqd.identifyReply = reply
    const timer = setInterval(() => nsqd.open[0]?.heartbeat(), 20)
    const failed = failure(nsqd, { ...options, connectTimeoutMs: 500 })
    await failed.finally(() => clearInterval(timer))
    // In plain, what should have been of the layer may already show that it is none.
    if (what === 'AUTH') assert.equal((await failed).code, code)
    else assert.ok([code, 'E_TLS', 'E_SNAPPY', 'E_DEFLATE'].includes((await failed).code))
  })

  test(`a connection that is no longer wanted ends during ${what}`, async () => {
    const nsqd = await startNsqd()
    nsqd.isDeaf = true
    nsqd.identifyReply = reply
    const stop = new AbortController()
    const handler = { message: () => {}, refused: () => {}, closed: () => {} }
    const resolved = resolveConnectionOptions({ ...options, connectTimeoutMs: 3_600_000 })
    const opened = Connection.open(nsqd.address, resolved, handler, {}, stop.signal)
    await until(() => nsqd.open[0]?.commands[0] === 'IDENTIFY')
    setTimeout(() => stop.abort(), 20)
    await assert.rejects(opened, { code: 'E_CLOSED' })
    await until(() => nsqd.open.length === 0)
  })

  test(`an nsqd that says nothing at ${what} is given up`, async () => {
    const nsqd = await startNsqd()
    nsqd.isDeaf = true
    nsqd.identifyReply = reply
    const error = await failure(nsqd, { ...options, connectTimeoutMs: 500 })
    assert.equal(error.code, code)
    assert.match(error.message, new RegExp(what))
  })
}

test('AUTH with a wrong secret is what nsqd says, and what to do', async () => {
  const nsqd = await startNsqd()
  nsqd.secret = 'another'
  const error = await failure(nsqd, { authSecret: SECRET })
  assert.equal(error.code, 'E_UNAUTHORIZED')
  assert.match(error.remedy ?? '', /authSecret, NSQ_AUTH_SECRET/)
})

test('an nsqd that wants a secret when there is none is E_AUTH_REQUIRED', async () => {
  const nsqd = await startNsqd()
  nsqd.secret = SECRET
  const error = await failure(nsqd, {})
  assert.equal(error.code, 'E_AUTH_REQUIRED')
  assert.match(error.remedy ?? '', /authSecret in a program, NSQ_AUTH_SECRET or --auth-secret/)
})

test('an nsqd that wants no secret does not see it', async () => {
  const nsqd = await startNsqd()
  await (await open(nsqd, { authSecret: SECRET })).request(pub('t', 'x'))
  assert.deepEqual(nsqd.sessions[0]?.commands, ['IDENTIFY', 'PUB t'])
})

test('an nsqd that demands TLS when it was not asked for: the error says how to ask', async () => {
  const nsqd = await startNsqd()
  const connection = await open(nsqd)
  const asked = connection.request(sub('t', 'c'))
  nsqd.subscribeError = 'E_INVALID cannot SUB in current state (TLS required)'
  await assert.rejects(asked, (error: NsqError) => {
    assert.equal(error.code, 'E_INVALID')
    assert.match(error.remedy ?? '', /tls \(--tls\)/)
    return true
  })
})

test('an nsqd that refuses an upgrade is quoted', async () => {
  const nsqd = await startNsqd()
  nsqd.identifyReply = errorFrame('E_IDENTIFY_FAILED IDENTIFY failed to upgrade')
  assert.equal((await failure(nsqd, { tls: true })).code, 'E_IDENTIFY_FAILED')
})

test('a command whose answer never comes ends the connection, even while heartbeats do', async () => {
  const nsqd = await startNsqd()
  nsqd.answerPublish = () => 'silence'
  const connection = await open(nsqd, { connectTimeoutMs: 500 })
  const timer = setInterval(() => nsqd.open[0]?.heartbeat(), 20)
  await assert.rejects(connection.request(pub('t', 'x')), { code: 'E_READ_TIMEOUT' })
  clearInterval(timer)
})
