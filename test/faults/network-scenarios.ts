/** Registers the tests of network.test.ts; to be loaded in a network of its own. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  Consumer,
  type ConnectionOptions,
  type Message,
  type NsqError,
  Producer,
  type ProducerStrategy,
} from '../../src/index.ts'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { type Random, seeded } from '../storage/random.ts'
import { Spawned } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { Ledger } from './ledger.ts'
import { Network } from './network-namespaces.ts'

/** How long the network of the flapping test is a bad one. */
const FLAP_MS = Number(process.env['MINUTES'] ?? 1 / 20) * 60_000

/** The shortest heartbeats there are: after two of them in silence, and a second, a connection is dead. */
const QUICK: ConnectionOptions = {
  heartbeatIntervalMs: 1000,
  connectTimeoutMs: 500,
  reconnectDelayMs: 10,
  maxReconnectDelayMs: 200,
}

/** Numbered messages of one topic through one way to an nsqd, and what the client says of its connections. */
class Traffic {
  readonly ledger = new Ledger()
  readonly errors: NsqError[] = []
  readonly producer: Producer
  readonly consumer: Consumer
  readonly #topic: string
  #pending = 0
  #isOver = false

  constructor(
    t: TestContext,
    topic: string,
    nsqd: string | string[],
    strategy: ProducerStrategy = 'failover',
  ) {
    const common = { ...QUICK, nsqd, onError: (error: NsqError) => this.errors.push(error) }
    this.producer = new Producer({ ...common, strategy, retries: 1000, maxConnectAttempts: 1_000_000 })
    this.consumer = new Consumer({
      ...common,
      topic,
      channel: 'c',
      maxInFlight: 50,
      onMessage: message => {
        const body = message.body.toString()
        this.ledger.delivered('c', body, message.attempts, Date.now())
        this.ledger.finishing('c', body)
        message.finish()
      },
    })
    t.after(() => {
      this.#isOver = true
      return Promise.all([this.producer.close(0), this.consumer.close(0)])
    })
    this.#topic = topic
  }

  /** Codes of what was noticed. */
  get codes(): string[] {
    return this.errors.map(error => error.code)
  }

  publish(count: number): void {
    for (let i = 0; i < count; i++) void this.#publish()
  }

  /** Publishes until `mustComplete`. */
  async flow(): Promise<void> {
    while (!this.#isOver) {
      this.publish(3)
      await pause(10)
    }
  }

  /** Nothing acknowledged is lost, and every publish is acknowledged. */
  async mustComplete(): Promise<void> {
    this.#isOver = true
    await until(
      () => this.#pending === 0 && this.ledger.missingCount(this.#topic, 'c') === 0,
      () =>
        `${this.#pending} not acknowledged, ${this.ledger.missingCount(this.#topic, 'c')} missing: ${this.codes.join()}`,
    )
    this.ledger.checkComplete(this.#topic, ['c'])
    const { published, acknowledged } = this.ledger.counts
    assert.equal(acknowledged, published)
  }

  async #publish(): Promise<void> {
    const body = this.ledger.next(this.#topic, 'p')
    // An acknowledgement may be lost: then it is sent again.
    this.ledger.repeated(body)
    this.#pending++
    try {
      await this.producer.publish(this.#topic, body)
      this.ledger.acknowledged(body)
    } catch {
      // `mustComplete` counts.
    }
    this.#pending--
  }
}

test('a network that loses packets', { concurrency: true }, async t => {
  const network = await Network.make(t)
  const lookupd = await startLookupd(t, network.near(2))
  const nsqd = new Spawned(
    'nsqd',
    [
      '--tcp-address=0.0.0.0:0',
      '--http-address=0.0.0.0:0',
      `--broadcast-address=${network.far(6)}`,
      `--lookupd-tcp-address=${formatAddress(lookupd.tcpAddress)}`,
      `--data-path=${temporaryFolder()}`,
    ],
    network.farLauncher,
  )
  t.after(() => nsqd.kill())
  await nsqd.start()
  const at = (number: number): string => formatAddress({ host: network.far(number), port: nsqd.tcp.port })
  const near = network.near(1)
  await Promise.all([
    t.test('a client and nsqd that do not reach each other any more, and nobody is told', t =>
      halfOpen(t, at, () => network.part(near, network.far(1))),
    ),
    t.test('nsqd does not reach the client', t =>
      oneWay(t, 'to-client', at(3), () => network.lose(network.far(3), near)),
    ),
    t.test('the client does not reach nsqd', t =>
      oneWay(t, 'to-nsqd', at(4), () => network.lose(near, network.far(4))),
    ),
    t.test('all packets of some moments are lost', t =>
      flapping(t, at(5), () => network.part(near, network.far(5))),
    ),
    t.test('of two nsqds one is not reached any more: producers go on with the other', async t => {
      const strategies = ['failover', 'round-robin', 'least-pending', 'all'] as const
      const start = await Promise.all(strategies.map(strategy => goOn(t, strategy, [at(7), at(8)])))
      const heal = network.part(near, network.far(7))
      const end = await Promise.all(start.map(next => next()))
      heal()
      await Promise.all(end.map(next => next()))
    }),
    t.test('nsqd and nsqlookupd do not reach each other any more', t =>
      lookupdParted(t, nsqd, lookupd, network.far(6), () => network.part(network.near(2), network.far(1))),
    ),
  ])
})

/** What the one had in hand goes to another, which comes another way; when the way is free again, it is back. */
async function halfOpen(
  t: TestContext,
  at: (number: number) => string,
  part: () => () => void,
): Promise<void> {
  const topic = 'half-open'
  const traffic = new Traffic(t, topic, at(2))
  const errors: NsqError[] = []
  const held: Message[] = []
  const one = new Consumer({
    ...QUICK,
    nsqd: at(1),
    topic,
    channel: 'c',
    maxInFlight: 5,
    onMessage: message => void held.push(message),
    onError: error => errors.push(error),
  })
  const sender = new Producer({ ...QUICK, nsqd: at(1), retries: 100, onError: error => errors.push(error) })
  t.after(() => Promise.all([one.close(0), sender.close(0)]))
  await Promise.all([one.start(), sender.connect()])
  traffic.publish(5)
  await until(() => held.length === 5)

  const heal = part()
  const later = traffic.ledger.next(topic, 'sender')
  traffic.ledger.repeated(later)
  const published = sender.publish(topic, later)
  await traffic.consumer.start()
  // Message timeouts are a minute: nsqd has given the connection up, as no heartbeat was answered.
  await until(() => traffic.ledger.missingCount(topic, 'c') === 0)
  await until(() => held.every(message => !message.isLive && message.signal.aborted))
  assert.equal(held[0]?.finish(), false)
  const timeouts = (): number => errors.filter(({ code }) => code === 'E_READ_TIMEOUT').length
  await until(
    () => timeouts() >= 2,
    () => `consumer and producer: ${errors.map(error => error.message).join()}`,
  )
  assert.deepEqual(one.connections, [])

  heal()
  await published
  traffic.ledger.acknowledged(later)
  await until(() => one.connections.length === 1)
  await one.close(0)
  await traffic.mustComplete()
}

/**
 * Packets are lost in one direction, and both sides notice: as nothing comes, or as what was sent is not acknowledged, so
 * that TCP sends nothing more.
 */
async function oneWay(t: TestContext, topic: string, nsqd: string, lose: () => () => void): Promise<void> {
  const traffic = new Traffic(t, topic, nsqd)
  await traffic.consumer.start()
  const flow = traffic.flow()
  await until(() => traffic.ledger.counts.delivered > 20)
  const heal = lose()
  // Producer and consumer. nsqd's own end of the connection may get through before the silence is long enough.
  await until(
    () => traffic.codes.filter(code => code === 'E_READ_TIMEOUT' || code === 'E_DISCONNECTED').length >= 2,
    () => traffic.codes.join(),
  )
  await until(() => traffic.codes.includes('E_CONNECT'))
  const { delivered } = traffic.ledger.counts
  heal()
  await until(() => traffic.ledger.counts.delivered > delivered + 20)
  await traffic.mustComplete()
  await flow
}

/** In three steps: what comes before the fault, during it, and after it. To the client one nsqd at two addresses is two. */
async function goOn(
  t: TestContext,
  strategy: ProducerStrategy,
  nsqds: string[],
): Promise<() => Promise<() => Promise<void>>> {
  const traffic = new Traffic(t, `to-${strategy}`, nsqds, strategy)
  const { counts } = traffic.ledger
  await traffic.consumer.start()
  const flow = traffic.flow()
  await until(() => counts.delivered > 20)
  return async () => {
    // Producer and consumer.
    await until(() => traffic.codes.filter(code => code === 'E_READ_TIMEOUT').length >= 2)
    const { acknowledged, delivered } = counts
    await until(() => counts.acknowledged > acknowledged + 20 && counts.delivered > delivered + 20)
    return async () => {
      await until(() => traffic.consumer.connections.length === 2)
      await traffic.mustComplete()
      await flow
    }
  }
}

async function flapping(t: TestContext, nsqd: string, part: () => () => void): Promise<void> {
  const random: Random = seeded(text => t.diagnostic(text))
  const traffic = new Traffic(t, 'flapping', nsqd)
  await traffic.consumer.start()
  const flow = traffic.flow()
  const end = performance.now() + FLAP_MS
  let gaps = 0
  while (performance.now() < end) {
    const heal = part()
    gaps++
    await pause(random.chance(0.1) ? random.int(200, 1500) : random.int(1, 80))
    heal()
    await pause(random.int(1, 200))
  }
  await traffic.mustComplete()
  await flow
  t.diagnostic(
    `${gaps} gaps, ${traffic.ledger.counts.acknowledged} messages, noticed: ${traffic.codes.length}`,
  )
}

/** Consumers keep what they have, and what came to be meanwhile is known afterwards. */
async function lookupdParted(
  t: TestContext,
  nsqd: Spawned,
  lookupd: Nsqlookupd,
  host: string,
  part: () => () => void,
): Promise<void> {
  const address = formatAddress({ host, port: nsqd.tcp.port })
  const http = `http://${formatAddress({ host, port: nsqd.http.port })}`
  const producer = new Producer({ ...QUICK, nsqd: address })
  let received = 0
  const errors: NsqError[] = []
  const consumer = new Consumer({
    ...QUICK,
    topic: 'known',
    channel: 'c',
    lookupd: formatAddress(lookupd.httpAddress),
    lookupPollIntervalMs: 50,
    onMessage: message => {
      received++
      message.finish()
    },
    onError: error => errors.push(error),
  })
  t.after(() => Promise.all([producer.close(0), consumer.close(0)]))
  await producer.publish('known', 'before')
  await post(`${http}/topic/create?topic=old`)
  await until(() => lookupd.registry.producersOf('old').length === 1)
  void consumer.start()
  await until(() => received === 1)

  const heal = part()
  await post(`${http}/topic/create?topic=new`)
  await post(`${http}/topic/delete?topic=old`)
  // It asks every 15 seconds, and waits for 5.
  await untilLogged(nsqd, 'no answer within 5000 ms')
  await producer.publish('known', 'meanwhile')
  await until(() => received === 2)
  assert.deepEqual(lookupd.registry.producersOf('new'), [])

  heal()
  await until(() => lookupd.registry.producersOf('new').length > 0)
  // Nobody has told nsqlookupd that the connection before this one is no more.
  assert.deepEqual(lookupd.registry.producersOf('old'), [])
  assert.equal(lookupd.registry.producersOf('known').length, 1)
  assert.equal(lookupd.registry.nodes().length, 1)
  await producer.publish('known', 'after')
  await until(() => received === 3)
  assert.deepEqual(consumer.connections, [address])
  assert.deepEqual(errors, [])
}

async function startLookupd(t: TestContext, host: string): Promise<Nsqlookupd> {
  const options = resolveNsqlookupdOptions({
    tcpAddress: `${host}:0`,
    httpAddress: `${host}:0`,
    broadcastAddress: host,
  })
  const lookupd = new Nsqlookupd(options, new Logger({ prefix: '', level: LogLevel.fatal }))
  await lookupd.start()
  t.after(() => lookupd.close())
  return lookupd
}

async function untilLogged(nsqd: Spawned, text: string): Promise<void> {
  // Longer than `until` waits at once.
  for (let left = 3; !nsqd.log.includes(text); left--) {
    try {
      await until(
        () => nsqd.log.includes(text),
        () => nsqd.log,
      )
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

async function post(url: string): Promise<void> {
  const response = await fetch(url, { method: 'POST' })
  assert.equal(response.status, 200, await response.text())
}
