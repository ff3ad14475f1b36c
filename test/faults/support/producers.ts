import { dpub, mpub, pub } from '../../../src/protocol/command.ts'
import type { Address } from '../../../src/util/address.ts'
import { RawClient } from '../../nsqd/raw-client.ts'
import type { Random } from '../../storage/random.ts'
import { pause } from '../../support/wait.ts'
import type { Ledger } from '../ledger.ts'

/** Publishes that are sent before the first of them is answered. */
const AHEAD = 4
const LARGE = 20_000

/** Of rest after nsqd has refused something, or is gone, in ms. */
const RETRY_MS = 20

/** Publishes to all topics in one way. Its name is in what it publishes. */
export interface Producer {
  readonly name: string
  /** How often nsqd has refused something. */
  readonly refused: number
  /** Until `isOver` says so and everything is answered. What nsqd refuses is not tried again. */
  run(nsqd: { tcp: Address; http: Address }, isOver: () => boolean): Promise<void>
}

export interface ProducerOptions {
  readonly ledger: Ledger
  readonly random: Random
  readonly topics: readonly string[]
  /** No message is deferred for longer. */
  readonly longestDelayMs: number
  /** Of rest after each publish, at most, in ms. */
  readonly pauseMs: number
}

/** One of each kind. */
export function allProducers(options: ProducerOptions): Producer[] {
  return [
    new TcpProducer('pub', options, topic => bodies(options, topic, 'pub', 1)),
    new TcpProducer('mpub', options, topic => bodies(options, topic, 'mpub', options.random.int(2, 40))),
    new DeferringProducer('dpub', options),
    new HttpProducer('http', options),
  ]
}

function bodies(
  { ledger, random }: ProducerOptions,
  topic: string,
  name: string,
  count: number,
  dueMs = 0,
): string[] {
  return Array.from({ length: count }, () => {
    const size = random.chance(0.01) ? LARGE : random.int(30, 300)
    return ledger.next(topic, name, { dueMs, size })
  })
}

class TcpProducer implements Producer {
  readonly name: string
  refused = 0
  protected readonly options: ProducerOptions
  readonly #make: (topic: string) => string[]

  constructor(name: string, options: ProducerOptions, make: (topic: string) => string[]) {
    this.name = name
    this.options = options
    this.#make = make
  }

  async run(nsqd: { tcp: Address }, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#connect(nsqd, isOver)
      if (!isOver()) await pause(RETRY_MS)
    }
  }

  async #connect({ tcp }: { tcp: Address }, isOver: () => boolean): Promise<void> {
    const { ledger, random, topics, pauseMs } = this.options
    const client = new RawClient(tcp)
    const waiting: string[][] = []
    /** False when there will be no more replies. */
    const answered = async (): Promise<boolean> => {
      const [group = []] = waiting
      const reply = await client.reply().catch(() => 'closed')
      if (reply !== 'OK') {
        if (reply === 'closed') return false
        this.refused++
        if (!isRefusal(reply)) ledger.fault(`${this.name}: ${reply}`)
        return false
      }
      for (const body of group) ledger.acknowledged(body)
      waiting.shift()
      return true
    }
    while (!isOver() && !client.isClosed) {
      const topic = random.pick(topics)
      const group = this.#make(topic)
      client.send(this.command(topic, group))
      waiting.push(group)
      if (waiting.length > AHEAD && !(await answered())) break
      await pause(random.int(0, pauseMs))
    }
    while (waiting.length > 0 && (await answered()));
    client.destroy()
  }

  protected command(topic: string, [first = '', ...rest]: readonly string[]): Buffer {
    return rest.length === 0 ? pub(topic, first) : mpub(topic, [first, ...rest])
  }
}

class DeferringProducer extends TcpProducer {
  #delayMs = 0

  constructor(name: string, options: ProducerOptions) {
    super(name, options, topic => {
      this.#delayMs = options.random.pick([50, 500, 2000].filter(ms => ms <= options.longestDelayMs))
      return bodies(options, topic, name, 1, Date.now() + this.#delayMs)
    })
  }

  protected override command(topic: string, [body = '']: readonly string[]): Buffer {
    return dpub(topic, this.#delayMs, body)
  }
}

class HttpProducer implements Producer {
  readonly name: string
  refused = 0
  readonly #options: ProducerOptions

  constructor(name: string, options: ProducerOptions) {
    this.name = name
    this.#options = options
  }

  async run({ http }: { http: Address }, isOver: () => boolean): Promise<void> {
    const { ledger, random, topics, pauseMs } = this.#options
    while (!isOver()) {
      const topic = random.pick(topics)
      const deferMs = random.chance(0.2) ? 300 : 0
      const dueMs = deferMs > 0 ? Date.now() + deferMs : 0
      const group = bodies(this.#options, topic, this.name, deferMs > 0 ? 1 : random.int(1, 10), dueMs)
      const path = group.length > 1 ? `/mpub?topic=${topic}` : `/pub?topic=${topic}&defer=${deferMs}`
      const url = `http://127.0.0.1:${http.port}${path}`
      const answer = await fetch(url, { method: 'POST', body: group.join('\n') }).then(
        async response => `${response.status} ${await response.text()}`,
        () => 'closed',
      )
      if (answer === '200 OK') {
        for (const body of group) ledger.acknowledged(body)
      } else {
        if (answer !== 'closed') this.refused++
        if (answer !== 'closed' && !answer.startsWith('50')) ledger.fault(`${this.name}: ${answer}`)
        await pause(RETRY_MS)
      }
      await pause(random.int(0, pauseMs))
    }
  }
}

/** What nsqd says when the disk refuses, or when it ends. */
function isRefusal(reply: string): boolean {
  return /^E_(PUB|MPUB|DPUB)_FAILED |^E_EXITING/.test(reply)
}
