import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { type NsqlookupdOptions, resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import {
  identify,
  LookupReplyReader,
  MAGIC_V1,
  ping,
  register,
  unregister,
} from '../../src/protocol/lookup.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { version } from '../../src/util/version.ts'

const listen = { tcpAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }
const identity = {
  version: '1.3.0',
  tcp_port: 4150,
  http_port: 4151,
  hostname: 'h',
  broadcast_address: '10.0.0.1',
}

async function start(t: TestContext, given: Partial<NsqlookupdOptions> = {}) {
  const lines: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write: line => lines.push(line) })
  const daemon = new Nsqlookupd(resolveNsqlookupdOptions({ ...listen, ...given }), logger)
  await daemon.start()
  t.after(() => daemon.close())
  const http = `http://${formatAddress(daemon.httpAddress)}`
  const get = async (path: string): Promise<unknown> => (await fetch(http + path)).json()
  const post = async (path: string): Promise<number> => (await fetch(http + path, { method: 'POST' })).status
  return { daemon, lines, get, post }
}

/** A connection as nsqd makes it: `ask` sends a command and resolves to its reply. */
class Peer {
  readonly socket: net.Socket
  readonly #replies: string[] = []
  readonly #waiting: ((reply: string) => void)[] = []

  constructor(daemon: Nsqlookupd) {
    this.socket = net.connect(daemon.tcpAddress.port, '127.0.0.1')
    const reader = new LookupReplyReader({
      reply: (bytes, start, end) => {
        const reply = bytes.toString('utf8', start, end)
        const waiting = this.#waiting.shift()
        if (waiting === undefined) this.#replies.push(reply)
        else waiting(reply)
      },
    })
    this.socket.on('data', chunk => reader.push(chunk))
    this.socket.on('error', () => {})
    this.socket.write(MAGIC_V1)
  }

  ask(command: Buffer): Promise<string> {
    this.socket.write(command)
    return this.reply()
  }

  reply(): Promise<string> {
    const reply = this.#replies.shift()
    return reply === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(reply)
  }

  async close(): Promise<void> {
    this.socket.end()
    if (!this.socket.closed) await once(this.socket, 'close')
  }
}

test('IDENTIFY is answered with where this nsqlookupd is', async t => {
  const { daemon } = await start(t, { broadcastAddress: 'lookup.example.com' })
  const peer = new Peer(daemon)
  const reply: unknown = JSON.parse(await peer.ask(identify(identity)))
  assert.ok(typeof reply === 'object' && reply !== null && 'hostname' in reply)
  const { hostname, ...rest } = reply
  assert.ok(typeof hostname === 'string' && hostname !== '')
  assert.deepEqual(rest, {
    tcp_port: daemon.tcpAddress.port,
    http_port: daemon.httpAddress.port,
    version,
    broadcast_address: 'lookup.example.com',
  })
  assert.equal(await peer.ask(identify(identity)), 'E_INVALID cannot IDENTIFY again')
  await peer.close()
})

test('on loopback the broadcast address is the one listened on', async t => {
  const { daemon } = await start(t)
  const peer = new Peer(daemon)
  assert.match(await peer.ask(identify(identity)), /"broadcast_address":"127\.0\.0\.1"/)
  await peer.close()
})

test('many commands in one chunk are each answered, in order', async t => {
  const { daemon, get } = await start(t)
  const peer = new Peer(daemon)
  const names = Array.from({ length: 500 }, (_, i) => `topic${String(i).padStart(3, '0')}`)
  peer.socket.write(Buffer.concat([identify(identity), ...names.map(name => register(name, 'c')), ping()]))
  assert.match(await peer.reply(), /^\{/)
  for (let i = 0; i <= names.length; i++) assert.equal(await peer.reply(), 'OK')
  assert.deepEqual(await get('/topics'), { topics: names })
  await peer.close()
})

test('a registration comes and goes with its connection', async t => {
  const { daemon, get } = await start(t)
  const peer = new Peer(daemon)
  await peer.ask(identify({ ...identity, topology_zone: 'z', topology_region: 'r' }))
  for (const channel of ['c', 'd#ephemeral']) assert.equal(await peer.ask(register('t', channel)), 'OK')
  assert.equal(await peer.ask(register('t#ephemeral')), 'OK')
  assert.equal(await peer.ask(unregister('t', 'nope')), 'OK')
  const remote = `127.0.0.1:${peer.socket.localPort}`
  assert.deepEqual(await get('/lookup?topic=t'), {
    channels: ['c', 'd#ephemeral'],
    producers: [{ remote_address: remote, ...identity, topology_zone: 'z', topology_region: 'r' }],
  })
  await peer.close()
  while (daemon.registry.nodes().length > 0) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(await get('/lookup?topic=t'), { channels: ['c'], producers: [] })
  assert.deepEqual(await get('/topics'), { topics: ['t'] })
  assert.deepEqual(await get('/debug'), {})
})

test('GET /tombstones shows what is hidden, and until when', async t => {
  const { daemon, get, post, lines } = await start(t, { tombstoneLifetime: 60_000 })
  const peer = new Peer(daemon)
  await peer.ask(identify(identity))
  await peer.ask(register('t'))
  assert.deepEqual(await get('/tombstones'), { tombstones: [] })
  assert.equal(await post('/topic/tombstone?topic=t&node=10.0.0.1:4151'), 200)
  const reply = await get('/tombstones')
  const [tombstone] = daemon.registry.tombstones()
  assert.ok(tombstone)
  assert.equal(tombstone.until - tombstone.since, 60_000)
  const since = new Date(tombstone.since).toISOString()
  const until = new Date(tombstone.until).toISOString()
  assert.deepEqual(reply, { tombstones: [{ topic: 't', node: '10.0.0.1:4151', since, until }] })
  assert.ok(lines.some(line => line.includes(`topic(t) of node(10.0.0.1:4151) is hidden until ${until}`)))

  assert.equal(await post('/topic/tombstone?topic=t&node=10.0.0.9:4151'), 200)
  assert.ok(lines.some(line => line.includes('WARNING') && line.includes('10.0.0.9:4151')))
  assert.equal(await post('/topic/tombstone?topic=t'), 400)
  assert.equal(await post('/topic/tombstone?node=n'), 400)
  await peer.close()
})

test('a refused client is told why and cut off, also when it goes on sending', async t => {
  const { daemon, lines } = await start(t)
  const cases: [string, Buffer][] = [
    ['E_INVALID invalid command GET', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['E_INVALID client must IDENTIFY', register('t')],
    ['E_BAD_BODY IDENTIFY missing fields', identify({ ...identity, tcp_port: 0 })],
    ["E_BAD_TOPIC REGISTER topic name 'a$' is not valid", register('a$')],
  ]
  for (const [expected, bytes] of cases) {
    const peer = new Peer(daemon)
    assert.equal(await peer.ask(Buffer.concat([bytes, Buffer.alloc(100_000, 'PING\n')])), expected)
    await once(peer.socket, 'close')
    assert.ok(lines.some(line => line.includes('ERROR') && line.includes(expected)))
  }
})

test('endless lines and enormous bodies are refused before they are buffered', async t => {
  const { daemon } = await start(t)
  const line = new Peer(daemon)
  assert.match(await line.ask(Buffer.alloc(5000, 'x')), /^E_INVALID command line is longer/)
  const body = new Peer(daemon)
  const announced = Buffer.concat([Buffer.from('IDENTIFY\n'), Buffer.from([0x7f, 0xff, 0xff, 0xff])])
  assert.match(await body.ask(announced), /^E_BAD_BODY IDENTIFY body too big/)
  await Promise.all([line.close(), body.close()])
})

test('a client that resets its connection harms nobody', async t => {
  const { daemon, get } = await start(t)
  const peer = new Peer(daemon)
  await peer.ask(identify(identity))
  peer.socket.resetAndDestroy()
  while (daemon.registry.nodes().length > 0) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(await get('/nodes'), { producers: [] })
})

test('what peers do wrong is a few lines in the log, however many do it', async t => {
  const { daemon, lines, post } = await start(t)
  for (let i = 0; i < 50; i++) {
    const peer = new Peer(daemon)
    assert.match(await peer.ask(register('t')), /^E_INVALID/)
    await peer.close()
    assert.equal(await post('/topic/tombstone?topic=t&node=h:1'), 200)
  }
  const said = lines.filter(line => / (WARNING|ERROR): /.test(line))
  assert.deepEqual(
    ['E_INVALID', 'tombstone'].map(kind => said.filter(line => line.includes(kind)).length),
    [11, 11],
  )
})

test('closing cuts every connection', async t => {
  const { daemon } = await start(t)
  const peer = new Peer(daemon)
  await peer.ask(identify(identity))
  const closed = once(peer.socket, 'close')
  await daemon.close()
  await closed
  await assert.rejects(fetch(`http://${formatAddress(daemon.httpAddress)}/ping`))
})

test('a port in use is named, and nothing is left listening', async t => {
  const { daemon } = await start(t)
  const taken = formatAddress(daemon.httpAddress)
  const options = resolveNsqlookupdOptions({ ...listen, httpAddress: taken })
  const second = new Nsqlookupd(options, new Logger({ prefix: '', level: LogLevel.fatal }))
  await assert.rejects(second.start(), (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && 'remedy' in error)
    assert.equal(error.code, 'E_LISTEN_IN_USE')
    assert.ok(error.message.includes(taken))
    assert.ok(error.remedy)
    return true
  })
  const socket = net.connect(second.tcpAddress.port, '127.0.0.1')
  const [error]: unknown[] = await once(socket, 'error')
  assert.ok(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
  await second.close()
})
