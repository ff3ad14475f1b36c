import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { LookupSource, LookupTiming } from '../../src/nsqd/lookup-peer.ts'
import { LookupPeers } from '../../src/nsqd/lookup-peers.ts'
import { LookupCommandReader, lookupReply } from '../../src/protocol/lookup.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { until } from '../support/wait.ts'

const QUICK: LookupTiming = { ping: 20, connect: 1000, answer: 5000, firstRetry: 5, lastRetry: 20 }

/** An nsqlookupd that notes what it is told. */
class FakeLookupd {
  /** Commands as they came, over all connections; PINGs are only counted. */
  commands: string[] = []
  pings = 0
  connections = 0
  /** What it answers; undefined: nothing. */
  answer: (command: string) => string | undefined = () => 'OK'
  channels: () => string | undefined = () => '{"channels":[]}'
  port = 0
  readonly #sockets = new Set<Socket>()
  readonly #tcp: Server
  readonly #http: HttpServer

  constructor() {
    this.#tcp = createServer({ noDelay: true }, socket => this.#serve(socket))
    this.#http = createHttp((request, response) => {
      this.commands.push(`GET ${request.url}`)
      const body = this.channels()
      if (body !== undefined) response.end(body)
    })
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async start(): Promise<this> {
    this.#tcp.listen(this.port, '127.0.0.1')
    if (!this.#http.listening) this.#http.listen(0, '127.0.0.1')
    await Promise.all([once(this.#tcp, 'listening'), this.#http.listening || once(this.#http, 'listening')])
    this.port = portOf(this.#tcp)
    return this
  }

  /** Drops all connections and takes no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#tcp.listening) await new Promise(resolve => this.#tcp.close(resolve))
  }

  async close(): Promise<void> {
    await this.stop()
    this.#http.closeAllConnections()
    this.#http.close()
  }

  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Waits until these commands have come, in any order, and forgets them. */
  async expect(...commands: string[]): Promise<void> {
    await until(
      () => this.commands.length >= commands.length,
      () => this.commands.join(', '),
    )
    assert.deepEqual(this.commands.splice(0).sort(), commands.sort())
  }

  #serve(socket: Socket): void {
    this.connections++
    this.#sockets.add(socket)
    const reply = (command: string): void => {
      const text = this.answer(command)
      if (text !== undefined) socket.write(lookupReply(text))
    }
    const registration = (command: string) => (topic: string, channel: string) => {
      this.commands.push(`${command} ${topic} ${channel}`.trim())
      reply(command)
    }
    const reader = new LookupCommandReader({
      IDENTIFY: (bytes, start, end) => {
        this.commands.push(`IDENTIFY ${bytes.toString('utf8', start, end)}`)
        const text = this.answer('IDENTIFY')
        const identity = JSON.stringify({ broadcast_address: '127.0.0.1', http_port: portOf(this.#http) })
        if (text !== undefined) socket.write(lookupReply(text === 'OK' ? identity : text))
      },
      PING: () => {
        this.pings++
        reply('PING')
      },
      REGISTER: registration('REGISTER'),
      UNREGISTER: registration('UNREGISTER'),
    })
    socket.on('data', chunk => reader.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

const IDENTITY = {
  version: '1',
  tcp_port: 4150,
  http_port: 4151,
  hostname: 'h',
  broadcast_address: 'b',
  topology_zone: 'z',
}
const IDENTIFY = `IDENTIFY ${JSON.stringify(IDENTITY)}`

let topics: Map<string, { channels: Map<string, unknown> }>
let log: string[]
let source: LookupSource
const lookupds: FakeLookupd[] = []
const started: LookupPeers[] = []

beforeEach(() => {
  topics = new Map()
  log = []
  source = {
    identity: () => IDENTITY,
    topics,
    logger: new Logger({ prefix: '', level: LogLevel.info, write: line => void log.push(line) }),
  }
})

afterEach(async () => {
  for (const peers of started.splice(0)) peers.close()
  for (const lookupd of lookupds.splice(0)) await lookupd.close()
})

async function startLookupd(): Promise<FakeLookupd> {
  const lookupd = await new FakeLookupd().start()
  lookupds.push(lookupd)
  return lookupd
}

function startPeers(addresses: readonly string[], timing: Partial<LookupTiming> = {}): LookupPeers {
  const peers = new LookupPeers(source, { ...QUICK, ...timing })
  started.push(peers)
  peers.setAddresses(addresses)
  return peers
}

function addTopic(name: string, ...channels: string[]): void {
  topics.set(name, { channels: new Map(channels.map(channel => [channel, null])) })
}

/** Waits until so many registrations have been made since the beginning of the test. */
async function registered(count: number): Promise<void> {
  await until(
    () => log.filter(line => line.includes('registered')).length === count,
    () => log.join(''),
  )
}

function portOf(server: Server | HttpServer): number {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

describe('registration', () => {
  test('names the nsqd, then all topics and channels there are', async () => {
    addTopic('t')
    addTopic('u', 'c', 'd#ephemeral')
    const lookupd = await startLookupd()
    startPeers([lookupd.address])
    await lookupd.expect(IDENTIFY, 'REGISTER t', 'REGISTER u c', 'REGISTER u d#ephemeral')
  })

  test('follows topics and channels as they come and go', async () => {
    const lookupd = await startLookupd()
    const peers = startPeers([lookupd.address])
    await registered(1)
    peers.register('t')
    peers.register('t', 'c')
    peers.unregister('t', 'c')
    peers.unregister('t')
    await lookupd.expect(IDENTIFY, 'REGISTER t', 'REGISTER t c', 'UNREGISTER t c', 'UNREGISTER t')
  })

  test('tells any number of nsqlookupds', async () => {
    addTopic('t')
    const all = [await startLookupd(), await startLookupd(), await startLookupd()]
    const peers = startPeers(all.map(lookupd => lookupd.address))
    for (const lookupd of all) await lookupd.expect(IDENTIFY, 'REGISTER t')
    peers.register('u')
    for (const lookupd of all) await lookupd.expect('REGISTER u')
  })

  test('pings', async () => {
    const lookupd = await startLookupd()
    startPeers([lookupd.address])
    await until(() => lookupd.pings >= 3)
    assert.equal(lookupd.connections, 1)
  })
})

describe('outages', () => {
  test('registers everything again when an nsqlookupd comes back, and says so once', async () => {
    addTopic('t')
    const lookupd = await startLookupd()
    startPeers([lookupd.address])
    await lookupd.expect(IDENTIFY, 'REGISTER t')
    await registered(1)
    await lookupd.stop()
    addTopic('u')
    await until(() => log.some(line => line.includes('trying again')))
    await delay(100)
    assert.equal(log.filter(line => line.includes('trying again')).length, 1, log.join(''))
    await lookupd.start()
    await lookupd.expect(IDENTIFY, 'REGISTER t', 'REGISTER u')
    await registered(2)
    lookupd.drop()
    await lookupd.expect(IDENTIFY, 'REGISTER t', 'REGISTER u')
    await until(() => log.filter(line => line.includes('trying again')).length === 2)
  })

  test('waits for one that is not there yet', async () => {
    const lookupd = await startLookupd()
    await lookupd.stop()
    startPeers([lookupd.address])
    await until(() => log.some(line => line.includes('trying again')))
    await lookupd.start()
    await lookupd.expect(IDENTIFY)
  })

  test('gives up a connection on which no answer comes, and goes on with the others meanwhile', async () => {
    const dead = await startLookupd()
    dead.answer = () => undefined
    const alive = await startLookupd()
    const peers = startPeers([dead.address, alive.address], { answer: 300 })
    await alive.expect(IDENTIFY)
    // Before, it would be left to the registration of everything that there is.
    await registered(1)
    peers.register('t')
    await alive.expect('REGISTER t')
    await until(() => dead.connections >= 2)
    assert.match(log.join(''), /WARNING: LOOKUPD\(.*no answer within 300 ms/)
    dead.answer = () => 'OK'
    await registered(2)
  })

  const answers: [command: string, answer: string][] = [
    ['IDENTIFY', 'E_INVALID'],
    ['IDENTIFY', '[]'],
    ['REGISTER', 'E_INVALID client must IDENTIFY'],
    ['PING', 'E_INVALID'],
  ]
  for (const [command, answer] of answers) {
    test(`connects again after the answer ${answer} to ${command}`, async () => {
      addTopic('t')
      const lookupd = await startLookupd()
      lookupd.answer = asked => (asked === command ? answer : 'OK')
      startPeers([lookupd.address])
      await until(() => lookupd.connections >= 2)
      assert.ok(
        log.some(line => line.includes(answer)),
        log.join(''),
      )
    })
  }

  test('does not wait for what does not answer when it is closed', async () => {
    const lookupd = await startLookupd()
    lookupd.answer = () => undefined
    const peers = startPeers([lookupd.address, '127.0.0.1:1'])
    await until(() => lookupd.connections === 1)
    peers.close()
    const logged = log.length
    await delay(50)
    assert.equal(log.length, logged)
    assert.equal(lookupd.connections, 1)
  })
})

describe('setAddresses', () => {
  test('keeps, adds and leaves', async () => {
    const [a, b] = [await startLookupd(), await startLookupd()]
    const peers = startPeers([a.address])
    await a.expect(IDENTIFY)
    await registered(1)
    peers.setAddresses([a.address, b.address, b.address])
    assert.deepEqual(peers.addresses, [a.address, b.address])
    await b.expect(IDENTIFY)
    await registered(2)
    peers.setAddresses([b.address])
    peers.register('t')
    await b.expect('REGISTER t')
    assert.deepEqual([a.connections, a.commands, b.connections], [1, [], 1])
  })
})

describe('knownChannels', () => {
  test('merges what all nsqlookupds know, without ephemeral channels', async () => {
    const [a, b] = [await startLookupd(), await startLookupd()]
    a.channels = () => '{"channels":["c","d#ephemeral","bad name!"]}'
    b.channels = () => '{"channels":["b","c"]}'
    const peers = startPeers([a.address, b.address])
    await registered(2)
    assert.deepEqual(await peers.knownChannels('t'), ['b', 'c'])
    await a.expect(IDENTIFY, 'GET /channels?topic=t')
  })

  test('knows nothing without an nsqlookupd that answers', async () => {
    assert.deepEqual(await startPeers([]).knownChannels('t'), [])
    const [broken, silent] = [await startLookupd(), await startLookupd()]
    broken.channels = () => 'oops'
    silent.channels = () => undefined
    const peers = startPeers([broken.address, silent.address])
    await registered(2)
    assert.deepEqual(await peers.knownChannels('t'), [])
    assert.match(log.join(''), /WARNING: channels of t: /)
    const [good] = [await startLookupd()]
    good.channels = () => '{"channels":["c"]}'
    peers.setAddresses([broken.address, good.address])
    await registered(3)
    assert.deepEqual(await peers.knownChannels('t'), ['c'])
  })
})
