/**
 * nsqds are stopped with SIGTERM and started again, one after the other, under producers and consumers of our client: no
 * publish fails, nothing is lost, and nothing comes twice.
 *
 *     ROUNDS=20 SEED=7 node --import tsx --test test/faults/rolling-restart.test.ts
 */
import { test, type TestContext } from 'node:test'
import { Consumer, type Message, Producer, type ProducerOptions } from '../../src/index.ts'
import { type Random, seeded } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import { Ledger } from './ledger.ts'
import { Fleet, type Member } from './support/fleet.ts'

/** How often each nsqd is restarted. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 1)
const IS_LONG = process.env['ROUNDS'] !== undefined
const TOPIC = 'orders'
const CHANNELS = ['quick', 'slow'] as const
/** Messages that wait, at most about. */
const MOST_WAITING = 2000
/** Connections to each nsqd: four consumers, and three producers that know them all. */
const CLIENTS = 7
/** What comes once more through no fault of a restart. */
const RETRIED = 0.05
const LONGEST_DELAY_MS = 300
/** Rest between two bursts of a producer, and while all run between two restarts, at most, in ms. */
const BURST_PAUSE_MS = IS_LONG ? 20 : 150
const BETWEEN_MS = 200
/** How long may be waited for one thing on a slow machine, in ms. */
const PATIENCE_MS = 20_000
/** Longer than any consumer here needs for what it has in hand. */
const FLAGS = ['--shutdown-timeout=20s', '--max-bytes-per-file=200000']
const QUICK = { reconnectDelayMs: 20, maxReconnectDelayMs: 200, lookupPollIntervalMs: 200 }

/** Producers and consumers of a fleet, and the account of what they do. */
class Traffic {
  readonly ledger = new Ledger()
  readonly #random: Random
  readonly #fleet: Fleet
  readonly #producers: Producer[] = []
  /** And their channels, the oldest first. */
  readonly #consumers = new Map<Consumer, string>()
  #publishing: Promise<void>[] = []
  #isOver = false

  constructor(t: TestContext, random: Random, fleet: Fleet) {
    this.#random = random
    this.#fleet = fleet
    t.after(async () => {
      this.#isOver = true
      await Promise.all([...this.#producers, ...this.#consumers.keys()].map(client => client.close(0)))
    })
  }

  /** Publishes until `settle`. */
  produce(name: string, options: ProducerOptions): void {
    const producer = new Producer({ ...QUICK, ...options, onError: () => {} })
    this.#producers.push(producer)
    this.#publishing.push(this.#publish(name, producer))
  }

  /** Handles each message at once. */
  async consumeAtOnce(channel: string): Promise<void> {
    await this.#consume(
      channel,
      new Consumer({
        ...this.#reading(channel),
        maxInFlight: 200,
        onMessage: message => {
          this.#delivered(channel, message)
          this.#finish(channel, message)
        },
      }),
    )
  }

  /** Takes its time, and has some messages come again. */
  async consumeSlowly(channel: string): Promise<void> {
    await this.#consume(
      channel,
      new Consumer({
        ...this.#reading(channel),
        maxInFlight: 100,
        concurrency: 50,
        maxAttempts: 0,
        handler: async message => {
          this.#delivered(channel, message)
          await pause(this.#random.int(0, 30))
          if (!this.#random.chance(RETRIED)) {
            this.#finish(channel, message)
            return
          }
          const delay = this.#random.pick([0, LONGEST_DELAY_MS])
          this.ledger.requeued(channel, message.body.toString(), Date.now() + delay)
          message.requeue(delay, { backoff: false })
        },
      }),
    )
  }

  /** Replaces a consumer by another, as a deployment does. */
  async replaceOne(channel: string): Promise<void> {
    const [oldest] = [...this.#consumers].find(([, itsChannel]) => itsChannel === channel) ?? []
    if (oldest === undefined) return
    this.#consumers.delete(oldest)
    await Promise.all([oldest.close(), this.consumeAtOnce(channel)])
  }

  /** Publishes no more, and waits until everything was delivered. Throws when the accounts are not right. */
  async settle(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#publishing)
    await this.#fleet.emptied()
    this.ledger.checkComplete(TOPIC, CHANNELS)
  }

  #reading(channel: string): { topic: string; channel: string; lookupd: string; onError: () => void } {
    return { ...QUICK, topic: TOPIC, channel, lookupd: this.#fleet.lookupd, onError: () => {} }
  }

  async #consume(channel: string, consumer: Consumer): Promise<void> {
    this.#consumers.set(consumer, channel)
    await consumer.start()
  }

  async #publish(name: string, producer: Producer): Promise<void> {
    const random = this.#random
    const pending = new Set<Promise<void>>()
    while (!this.#isOver) {
      for (let i = random.int(1, 5); i > 0; i--) {
        const defer = random.chance(0.1) ? random.int(1, LONGEST_DELAY_MS) : 0
        const dueMs = defer === 0 ? 0 : Date.now() + defer
        const body = this.ledger.next(TOPIC, name, { dueMs, size: random.int(0, 500) })
        const published = producer.publish(TOPIC, body, { defer }).then(
          () => this.ledger.acknowledged(body),
          (error: unknown) => this.ledger.fault(`${name}: a publish failed: ${String(error)}`),
        )
        pending.add(published)
        void published.then(() => pending.delete(published))
      }
      await pause(random.int(1, BURST_PAUSE_MS))
      while (this.#isBehind() && !this.#isOver) await pause(BURST_PAUSE_MS)
    }
    await Promise.all(pending)
  }

  /** Whether so much waits that the end would not come in time on a slow machine. */
  #isBehind(): boolean {
    return CHANNELS.some(channel => this.ledger.unfinishedCount(TOPIC, channel) > MOST_WAITING)
  }

  #delivered(channel: string, { body, attempts, id }: Message): void {
    this.ledger.delivered(channel, body.toString(), attempts, Date.now(), { id })
  }

  #finish(channel: string, message: Message): void {
    this.ledger.finished(channel, message.body.toString())
    message.finish()
  }
}

async function roll(
  t: TestContext,
  { isDrained, size }: { isDrained: boolean; size: number },
): Promise<void> {
  const random = seeded(text => t.diagnostic(text))
  const fleet = await Fleet.start(t, random, size, FLAGS)
  const [first] = fleet.members
  for (const member of fleet.members) {
    await member.ask('POST', `/topic/create?topic=${TOPIC}`)
    for (const channel of CHANNELS) {
      await member.ask('POST', `/channel/create?topic=${TOPIC}&channel=${channel}`)
    }
  }
  const traffic = new Traffic(t, random, fleet)
  await Promise.all([
    traffic.consumeAtOnce('quick'),
    traffic.consumeAtOnce('quick'),
    traffic.consumeSlowly('slow'),
    traffic.consumeSlowly('slow'),
  ])
  const nsqd = fleet.members.map(member => member.tcp)
  traffic.produce('list', { nsqd, strategy: 'round-robin' })
  traffic.produce('failover', { nsqd })
  traffic.produce('found', { lookupd: fleet.lookupd, strategy: 'least-pending' })
  // It has nowhere else to go, and waits, however long a start takes on a busy machine.
  if (!isDrained) traffic.produce('sole', { nsqd: first?.tcp ?? '', maxConnectAttempts: 1000 })
  if (isDrained) for (const member of fleet.members) await inUse(member)
  let longestMs = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (const member of fleet.members) {
      await pause(random.int(0, BETWEEN_MS))
      if (isDrained) await drain(member)
      const replaced = traffic.replaceOne('quick')
      const begun = performance.now()
      await member.stop()
      longestMs = Math.max(longestMs, performance.now() - begun)
      await member.start()
      await replaced
      if (isDrained) await inUse(member)
    }
  }
  await traffic.settle()
  t.diagnostic(
    `${ROUNDS * size} restarts, the longest stop ${Math.round(longestMs)} ms; ${String(traffic.ledger)}`,
  )
}

/** Takes it out of service as docs/nsqd.md says. */
async function drain(member: Member): Promise<void> {
  await member.ask('POST', '/drain')
  await wait('drained', async () => (await member.left()) === 0)
}

/** A producer that another refuses must have this one by then. */
async function inUse(member: Member): Promise<void> {
  await wait('in use again', async () => (await member.connections()) >= CLIENTS)
}

async function wait(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !(await isSo()); await pause(20)) {
    if (performance.now() > deadline) throw new Error(`an nsqd is not ${what} after ${PATIENCE_MS} ms`)
  }
}

test('a rolling restart loses nothing, and brings nothing twice', t => roll(t, { isDrained: false, size: 3 }))

test('so does one where each is drained first', t => roll(t, { isDrained: true, size: 2 }))
