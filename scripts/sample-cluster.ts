/** An NSQ that looks like one at work: a few nsqds, topics of a shop, and traffic that comes and goes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster } from '../src/cli/dev/cluster.ts'
import { Consumer, Producer } from '../src/index.ts'
import { Logger, LogLevel } from '../src/util/logger.ts'

interface SampleTopic {
  topic: string
  /** Messages a second, on average; it goes up and down by half of that within so many seconds. */
  rate: number
  waveSeconds: number
  body: (n: number) => unknown
  channels: readonly SampleChannel[]
}

interface SampleChannel {
  channel: string
  /** Consumers, how many messages each has in hand, and how long it takes over one. Without, nobody reads. */
  consumers?: number
  inFlight?: number
  handleMs?: number
  /** Of so many messages, one is given back. */
  requeueOneOf?: number
  paused?: boolean
}

const CUSTOMERS = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'frances']
const PATHS = ['/', '/lamps', '/chairs/oak', '/basket', '/search?q=desk', '/checkout']

const TOPICS: readonly SampleTopic[] = [
  {
    topic: 'orders',
    rate: 40,
    waveSeconds: 90,
    body: n => ({
      order: 48_200 + n,
      customer: CUSTOMERS[n % CUSTOMERS.length],
      items: [{ sku: `LAMP-${n % 7}`, count: 1 + (n % 3), price: 49.9 }],
      express: n % 5 === 0,
    }),
    channels: [
      { channel: 'billing', consumers: 3, inFlight: 10, handleMs: 60 },
      { channel: 'shipping', consumers: 2, inFlight: 10, handleMs: 430, requeueOneOf: 80 },
      { channel: 'analytics', consumers: 1, inFlight: 40, handleMs: 700 },
    ],
  },
  {
    topic: 'payments',
    rate: 24,
    waveSeconds: 70,
    body: n => ({ payment: 9000 + n, order: 48_200 + n, amount: 49.9, method: n % 3 ? 'card' : 'invoice' }),
    channels: [
      { channel: 'ledger', consumers: 2, inFlight: 8, handleMs: 90 },
      { channel: 'fraud-check', consumers: 2, inFlight: 5, handleMs: 250, requeueOneOf: 40 },
    ],
  },
  {
    topic: 'emails',
    rate: 12,
    waveSeconds: 60,
    body: n => ({
      to: `${CUSTOMERS[n % CUSTOMERS.length]}@example.com`,
      template: 'order-confirmed',
      order: n,
    }),
    channels: [{ channel: 'sender', consumers: 1, inFlight: 4, handleMs: 420, requeueOneOf: 25 }],
  },
  {
    topic: 'page-views',
    rate: 120,
    waveSeconds: 110,
    body: n => ({ path: PATHS[n % PATHS.length], ms: 20 + ((n * 7) % 90) }),
    channels: [
      { channel: 'warehouse', consumers: 2, inFlight: 200, handleMs: 300 },
      { channel: 'trending#ephemeral', consumers: 1, inFlight: 200, handleMs: 20 },
    ],
  },
  {
    topic: 'stock-changes',
    rate: 16,
    waveSeconds: 50,
    body: n => ({ sku: `CHAIR-${n % 40}`, change: (n % 9) - 4 }),
    channels: [
      { channel: 'search-index', consumers: 1, inFlight: 10, handleMs: 80 },
      { channel: 'webshop', paused: true, consumers: 1, inFlight: 10, handleMs: 10 },
    ],
  },
  {
    topic: 'image-uploads',
    rate: 5,
    waveSeconds: 80,
    body: n => ({ image: `products/${n}.jpg`, bytes: 180_000 + n }),
    channels: [{ channel: 'thumbnails', consumers: 2, inFlight: 1, handleMs: 900 }],
  },
  {
    topic: 'audit-log',
    rate: 8,
    waveSeconds: 60,
    body: n => ({ who: CUSTOMERS[n % CUSTOMERS.length], did: 'sign-in', from: '203.0.113.7' }),
    channels: [{ channel: 'archive' }],
  },
  {
    topic: 'password-resets',
    rate: 0.4,
    waveSeconds: 40,
    body: n => ({ user: CUSTOMERS[n % CUSTOMERS.length] }),
    channels: [{ channel: 'sender', consumers: 1, inFlight: 1, handleMs: 100 }],
  },
  {
    topic: 'web-hooks',
    rate: 6,
    waveSeconds: 45,
    body: n => ({ url: 'https://partner.example.com/hook', event: 'order.paid', order: n }),
    channels: [{ channel: 'caller', consumers: 1, inFlight: 6, handleMs: 350, requeueOneOf: 6 }],
  },
  {
    topic: 'returns',
    rate: 1,
    waveSeconds: 60,
    body: n => ({ order: 48_000 + n, reason: 'too large' }),
    channels: [],
  },
  {
    topic: 'coupons',
    rate: 0,
    waveSeconds: 60,
    body: () => '',
    channels: [{ channel: 'webshop', consumers: 1 }],
  },
]

const TICK_MS = 100

export class SampleCluster {
  readonly daemons: Cluster
  readonly #folder: string
  readonly #producers: Producer[]
  readonly #consumers: Consumer[]
  readonly #timer: NodeJS.Timeout

  /** Starts it on the official ports where they are free, with an nsqadmin. */
  static async start(): Promise<SampleCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'nsq-ts-sample-'))
    // What is shown is not of the machine that this runs on.
    os.hostname = () => 'queue-1'
    syncBuiltinESMExports()
    const daemons = await Cluster.start({
      nsqds: 3,
      lookupds: 2,
      admin: true,
      dataPath: folder,
      topics: TOPICS.map(({ topic, channels }) => ({ topic, channels: channels.map(each => each.channel) })),
      logger: () => new Logger({ prefix: '', level: LogLevel.error, write: () => {} }),
    })
    const cluster = new SampleCluster(daemons, folder)
    for (const { topic, channels } of TOPICS) {
      for (const { channel, paused } of channels) {
        if (paused) await cluster.#ask('POST', `/api/topics/${topic}/${channel}`, { action: 'pause' })
      }
    }
    return cluster
  }

  private constructor(daemons: Cluster, folder: string) {
    this.daemons = daemons
    this.#folder = folder
    const nsqds = daemons.nsqds.map(({ tcp }) => tcp)
    this.#producers = nsqds.map((nsqd, i) => {
      const name = `web-${i + 1}`
      return new Producer({ nsqd, clientId: name, hostname: name, userAgent: 'shop/2.4', onError: () => {} })
    })
    this.#consumers = TOPICS.flatMap(({ topic, channels }) =>
      channels.flatMap(each =>
        Array.from({ length: each.consumers ?? 0 }, (_, i) => consumerOf(topic, each, nsqds, i + 1)),
      ),
    )
    this.#timer = setInterval(() => this.#publish(), TICK_MS)
  }

  /** Where the page is, without a slash at the end. */
  get url(): string {
    return `http://${this.daemons.adminHttp}`
  }

  /** Topics that are only registered, and one that is hidden, for the page of nsqlookupd. */
  async prepare(): Promise<void> {
    await this.#ask('POST', '/api/topics', { topic: 'newsletter', channel: 'sender' })
    await this.#ask('POST', '/api/topics', { topic: 'gift-cards' })
    const node = this.daemons.nsqds.at(-1)?.http ?? ''
    for (const { http } of this.daemons.lookupds) {
      await fetch(`http://${http}/topic/tombstone?topic=coupons&node=${node}`, { method: 'POST' })
    }
  }

  async #ask(method: string, path: string, body: unknown): Promise<void> {
    const response = await fetch(this.url + path, { method, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#consumers, ...this.#producers].map(client => client.close()))
    await this.daemons.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  readonly #due = new Map<string, number>()
  readonly #counts = new Map<string, number>()

  #publish(): void {
    const seconds = performance.now() / 1000
    for (const { topic, rate, waveSeconds, body } of TOPICS) {
      const now = rate * (1 + 0.5 * Math.sin((2 * Math.PI * seconds) / waveSeconds))
      let due = (this.#due.get(topic) ?? 0) + (now * TICK_MS) / 1000
      for (; due >= 1; due--) {
        const n = (this.#counts.get(topic) ?? 0) + 1
        this.#counts.set(topic, n)
        const defer = n % 60 === 0 ? { defer: 90_000 } : {}
        void this.#producers[n % this.#producers.length]
          ?.publish(topic, JSON.stringify(body(n)), defer)
          .catch(() => {})
      }
      this.#due.set(topic, due)
    }
  }
}

function consumerOf(
  topic: string,
  channel: SampleChannel,
  nsqds: readonly string[],
  number: number,
): Consumer {
  const { inFlight = 1, handleMs = 1, requeueOneOf = Infinity } = channel
  const name = `${channel.channel.replace('#ephemeral', '')}-${number}`
  let n = 0
  const consumer = new Consumer({
    topic,
    channel: channel.channel,
    nsqd: [...nsqds],
    maxInFlight: Math.max(inFlight, nsqds.length),
    clientId: name,
    hostname: name,
    userAgent: 'workers/2.4',
    maxBackoffMs: 0,
    onError: () => {},
    onMessage: message => {
      const isBad = ++n % requeueOneOf === 0
      setTimeout(() => (isBad ? message.requeue(20_000) : message.finish()), handleMs * (0.5 + (n % 10) / 10))
    },
  })
  void consumer.start()
  return consumer
}
