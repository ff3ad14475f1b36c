import type { ConnectionOptions } from '../../client/options.ts'
import { Consumer } from '../../client/consumer/consumer.ts'
import type { Message } from '../../client/consumer/message.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import type { Replayed } from '../../cluster/replay.ts'
import { Pacer } from '../pub/pacer.ts'
import type { Publisher } from '../pub/publisher.ts'
import { sum } from './source.ts'

/** nsqd's `--max-rdy-count` unless it is told otherwise. */
const MAX_IN_FLIGHT = 2500
/** So many bytes of messages wait here, about. */
const IN_HAND_BYTES = 64 * 1024 * 1024
/** With a rate, they wait no longer than this, about: nsqd takes back what nobody finishes for long. */
const IN_HAND_SECONDS = 1
/** Published together. */
const MOST_AT_ONCE = 500
/** Nothing more has come for so long: then the nsqds are asked whether that was all … */
const QUIET_MS = 1000
/** … or, when as many have come as there were, at once, and again so much later. */
const SHORT_MS = 50

export interface CopierOptions {
  readonly topic: string
  readonly toTopic: string
  readonly since: number
  readonly until: number
  readonly channel: string
  readonly cluster: Cluster
  readonly nodes: readonly ClusterNode[]
  readonly rewound: Replayed
  /** Messages a second; 0: no limit. */
  readonly rate: number
  readonly publisher: Publisher
  readonly connection: ConnectionOptions
  readonly signal: AbortSignal
}

/** How far an nsqd has got. */
interface Progress {
  /** Messages to come from it, and those that came for the first time; more than that when it has died and forgotten some. */
  readonly expected: number
  seen: number
  /** Those that are published, repeated ones too. */
  count: number
  /** Those that come only when they are due. */
  deferred: number
  /** The last time of those that are published, in milliseconds since 1970. */
  published: number
  /** Those that came and are not published yet, by their times. */
  readonly pending: Map<Message, number>
  /** Whether a message from after the time came last: then nothing before it is left there, … */
  isBeyond: boolean
  /** … unless the nsqd has been started anew since. */
  startTime: number | undefined
}

/** How many messages may wait to be published, of so many, at a rate (0: no limit). */
export function usefulInFlight(
  { messages, bytes }: { messages: number; bytes: number },
  rate: number,
  nsqds: number,
): number {
  const byRate = rate === 0 ? Infinity : Math.ceil(rate * IN_HAND_SECONDS)
  const bySize = Math.floor((IN_HAND_BYTES * Math.max(1, messages)) / Math.max(1, bytes))
  return Math.max(1, nsqds, Math.min(MAX_IN_FLIGHT, byRate, bySize))
}

/** Takes the messages of a channel that was rewound, and publishes them: each is finished when it is acknowledged. */
export class Copier {
  isAtEnd = false
  readonly #pacer: Pacer
  readonly #options: CopierOptions
  readonly #progress = new Map<string, Progress>()
  readonly #inbox: Message[] = []
  #wake: () => void = () => {}
  #inHand = 0
  /** When something to be published last came, on performance.now(). */
  #cameAt = performance.now()

  constructor(options: CopierOptions) {
    this.#options = options
    this.#pacer = new Pacer(options.rate)
    for (const { node, tcpAddress } of options.nodes) {
      const expected = options.rewound.nsqds.find(each => each.node === node)?.messages ?? 0
      if (expected === 0) continue
      this.#progress.set(tcpAddress, {
        expected,
        seen: 0,
        count: 0,
        deferred: 0,
        published: options.since,
        pending: new Map(),
        isBeyond: false,
        startTime: undefined,
      })
    }
  }

  /** Messages that come only when they are due. */
  get deferred(): number {
    let sum = 0
    for (const { deferred } of this.#progress.values()) sum += deferred
    return sum
  }

  /** Messages that should have come, and will not, at the end. */
  get missing(): number {
    let sum = 0
    for (const { expected, count, deferred } of this.#progress.values())
      sum += Math.max(0, expected - count - deferred)
    return sum
  }

  /** From this time on not everything is published; milliseconds since 1970. */
  get goOnFrom(): number {
    const times = [...this.#progress.values()].flatMap(({ expected, seen, pending, published }) => {
      if (pending.size > 0) return [Math.min(...pending.values())]
      return seen >= expected ? [] : [published]
    })
    return Math.min(this.#options.until, ...times)
  }

  /** Resolves at the end, when the signal is aborted, or when the publisher has failed. */
  async run(): Promise<void> {
    const { topic, channel, connection, publisher, rate, rewound, signal } = this.#options
    const consumer = new Consumer({
      ...connection,
      topic,
      channel,
      nsqd: [...this.#progress.keys()],
      maxInFlight: usefulInFlight(sum(rewound), rate, this.#progress.size),
      maxInFlightBytes: IN_HAND_BYTES,
      maxAttempts: 0,
      onMessage: message => this.#take(message),
    })
    const stop = AbortSignal.any([signal, publisher.failure])
    const wake = (): void => this.#wake()
    stop.addEventListener('abort', wake)
    try {
      // Since when they run.
      await this.#askLeft()
      await consumer.start()
      while (!stop.aborted && !this.isAtEnd) await this.#step(stop)
    } finally {
      stop.removeEventListener('abort', wake)
      await publisher.finish()
      await consumer.close(0)
    }
  }

  #take(message: Message): void {
    const progress = this.#progress.get(message.nsqd)
    const ms = Number(message.timestamp / 1_000_000n)
    if (progress === undefined || ms < this.#options.since || ms >= this.#options.until) {
      if (progress !== undefined) progress.isBeyond = true
      message.finish()
      return
    }
    if (message.attempts === 1) progress.seen++
    progress.isBeyond = false
    progress.pending.set(message, ms)
    this.#cameAt = performance.now()
    this.#inbox.push(message)
    this.#wake()
  }

  async #step(stop: AbortSignal): Promise<void> {
    const { publisher, toTopic } = this.#options
    if (this.#inbox.length === 0) {
      if (this.#inHand === 0 && (await this.#isOver())) this.isAtEnd = true
      // Something may have come while the nsqds were asked.
      else if (this.#inbox.length === 0) await this.#wait()
      return
    }
    const count = await this.#pacer.take(Math.min(this.#inbox.length, MOST_AT_ONCE), stop)
    if (count === 0) return
    const messages = this.#inbox.splice(0, count)
    this.#inHand += messages.length
    publisher.publish(
      toTopic,
      messages.map(({ body }) => body),
      () => this.#published(messages),
    )
    await publisher.room()
  }

  #published(messages: readonly Message[]): void {
    this.#inHand -= messages.length
    for (const message of messages) {
      message.finish()
      const progress = this.#progress.get(message.nsqd)
      const ms = progress?.pending.get(message)
      if (progress === undefined || ms === undefined) continue
      progress.pending.delete(message)
      progress.count++
      progress.published = Math.max(progress.published, ms)
    }
    this.#wake()
  }

  get #isSeen(): boolean {
    return [...this.#progress.values()].every(({ seen, expected }) => seen >= expected)
  }

  async #isOver(): Promise<boolean> {
    if (!this.#isSeen && performance.now() - this.#cameAt < QUIET_MS) return false
    return this.#askLeft()
  }

  /** Whether nothing is to come but what is deferred. False also when an nsqd cannot be asked. */
  async #askLeft(): Promise<boolean> {
    const { cluster, topic, channel, nodes, signal } = this.#options
    for (const node of nodes) {
      const progress = this.#progress.get(node.tcpAddress)
      if (progress === undefined) continue
      try {
        const { value: stats } = await cluster.statsOf(node, { topic, channel }, signal)
        if (progress.startTime !== stats.startTime) progress.isBeyond &&= progress.startTime === undefined
        progress.startTime = stats.startTime
        const found = stats.topics[0]?.channels.find(({ name }) => name === channel)
        if (found === undefined) return false
        if (found.depth + found.inFlight > 0 && !progress.isBeyond) return false
        // Those of a time after this one, too.
        progress.deferred = Math.max(0, Math.min(found.deferred, progress.expected - progress.seen))
      } catch {
        return false
      }
    }
    return this.#inbox.length === 0
  }

  /** Until something happens, or it is time to ask. */
  #wait(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, this.#isSeen ? SHORT_MS : QUIET_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
