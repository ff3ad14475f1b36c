import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { EventSink } from '../../../http/events.ts'
import type { Answers } from '../../../cluster/answers.ts'
import type { Look as ClusterLook } from '../../../cluster/cluster.ts'
import type { ClusterNode } from '../../../cluster/node.ts'
import type { NsqdStats } from '../../../cluster/stats.ts'
import type { Failed, Missing, Ready, Warning } from '../../live-types.ts'
import { toWarning } from '../warnings.ts'
import { Allowance } from './allowance.ts'
import { type ReceivedMessage, WatchBuffer } from './buffer.ts'
import { Tap, type TapOwner } from './tap.ts'

/** The questions of a watch. */
export interface WatchedCluster {
  /** The nsqds that have the topic. */
  look(topic: string, signal: AbortSignal): Promise<Answers<ClusterLook>>
  /** How many messages wait in the channel at one nsqd. */
  depthAt(node: string, topic: string, channel: string, signal: AbortSignal): Promise<number>
  emptyAt(node: string, topic: string, channel: string, signal: AbortSignal): Promise<void>
  /** Names that are near. */
  near(topic: string): string[]
}

export interface WatchOptions {
  topic: string
  /** Messages shown a second. */
  rate: number
  /** How often it is looked where the topic is. */
  intervalMs: number
  connectTimeoutMs: number
  cluster: WatchedCluster
  sink: EventSink
  now: () => number
}

const TURN_MS = 250
/** How often it is seen whether a channel has to be emptied, while more comes than is taken. */
const EMPTY_MS = 1000
/** What can be taken within so many turns is not thrown away: of a burst one wants to see the end. */
const DRAINED_TURNS = 8
/** A connection that is lost makes it look again sooner. */
const SOON_MS = 250
const OURS = /^nsqadmin-[0-9a-f]{8}#ephemeral$/

/**
 * Shows somebody the messages of a topic as they come, by a channel of its own, and takes nothing from anybody:
 *
 * - It never subscribes where the topic is not: nsqd would create it. So it looks first, and again after each loss.
 * - Nor where the topic has no other channel: what waits in it would go to the first one that comes, and that is us.
 * - It takes only so many messages in each turn. When there are many more, the channel is emptied every second, so that
 *   what is shown is new: no clock of an nsqd has to be right for this.
 */
export class Watch implements TapOwner {
  readonly topic: string
  readonly channel = `nsqadmin-${randomBytes(4).toString('hex')}#ephemeral`
  readonly #options: WatchOptions
  readonly #taps = new Map<string, Tap>()
  readonly #buffer: WatchBuffer
  readonly #allowance = new Allowance()
  readonly #stop = new AbortController()
  readonly #turnTimer: NodeJS.Timeout
  #lookTimer: NodeJS.Timeout | undefined
  #isLooking = false
  #isEmptying = false
  #lastEmptiedMs = -Infinity
  /** What was said last about where it watches. */
  #told = ''

  constructor(options: WatchOptions) {
    this.topic = options.topic
    this.#options = options
    // One for each request and connection under way.
    setMaxListeners(0, this.#stop.signal)
    this.#buffer = new WatchBuffer(options.rate, performance.now())
    this.#turnTimer = setInterval(() => this.#turn(), TURN_MS)
    void this.#look()
  }

  close(): void {
    this.#stop.abort()
    clearInterval(this.#turnTimer)
    clearTimeout(this.#lookTimer)
    for (const tap of this.#taps.values()) tap.close()
    this.#taps.clear()
  }

  /** For the taps. */
  received(message: ReceivedMessage): void {
    this.#buffer.add(message)
    if (this.#allowance.isSpent) return
    if (this.#allowance.spend(message.body.length)) this.#setReady(0)
  }

  /** For the taps. */
  lost(tap: Tap): void {
    if (this.#taps.get(tap.node) === tap) this.#taps.delete(tap.node)
    this.#lookIn(SOON_MS)
  }

  /** What each nsqd may send ahead. */
  get #ready(): number {
    return Math.max(1, Math.floor(this.#allowance.ready / this.#taps.size))
  }

  #setReady(count: number): void {
    for (const tap of this.#taps.values()) tap.setReady(count)
  }

  #turn(): void {
    const { sink } = this.#options
    const nowMs = performance.now()
    const messages = this.#buffer.take(nowMs)
    if (messages !== undefined && !sink.send('messages', messages)) this.#buffer.putBack(messages)
    const hasMore = this.#allowance.isSpent
    this.#allowance.renew()
    this.#setReady(this.#ready)
    if (hasMore && !this.#isEmptying && nowMs - this.#lastEmptiedMs > EMPTY_MS) void this.#empty()
  }

  async #empty(): Promise<void> {
    const { signal } = this.#stop
    const { cluster } = this.#options
    this.#isEmptying = true
    const most = DRAINED_TURNS * this.#ready
    const emptied = [...this.#taps.keys()].map(async node => {
      try {
        const depth = await cluster.depthAt(node, this.topic, this.channel, signal)
        if (depth <= most) return
        await cluster.emptyAt(node, this.topic, this.channel, signal)
        this.#buffer.skip(depth)
      } catch {
        // Then what comes next is older than it could be. The connection knows whether the nsqd is gone.
      }
    })
    await Promise.all(emptied)
    this.#isEmptying = false
    this.#lastEmptiedMs = performance.now()
  }

  #lookIn(ms: number): void {
    // One that is under way may have seen too little: it looks again soon anyway.
    if (this.#stop.signal.aborted || this.#isLooking) return
    clearTimeout(this.#lookTimer)
    this.#lookTimer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    const before = [...this.#taps.keys()]
    try {
      await this.#follow()
    } catch (error) {
      // Connections that hold are not given up for that.
      this.#tellWhere([toWarning(error)])
    }
    this.#isLooking = false
    const hasLost = before.some(node => !this.#taps.has(node))
    this.#lookIn(hasLost ? SOON_MS : this.#options.intervalMs)
  }

  /** Subscribes where the topic has come to, leaves where it is not any more, and says so. */
  async #follow(): Promise<void> {
    const { cluster } = this.#options
    const { signal } = this.#stop
    const { value, warnings } = await cluster.look(this.topic, signal)
    if (signal.aborted) return
    const having = value.stats.filter(nsqd => nsqd.topics.some(({ name }) => name === this.topic))
    const wanted = new Set(having.filter(nsqd => this.#hasOtherChannel(nsqd)).map(({ node }) => node))
    // One that answers nothing over HTTP for the moment may well go on sending messages.
    const unknown = new Set(value.nodes.filter(({ error }) => error !== undefined).map(({ node }) => node))
    for (const [node, tap] of this.#taps) {
      if (wanted.has(node) || unknown.has(node)) continue
      this.#taps.delete(node)
      tap.close()
    }
    const failures = await this.#subscribe(value.nodes.filter(({ node }) => wanted.has(node)))
    if (signal.aborted) return
    const withoutChannel = having.map(({ node }) => node).filter(node => !wanted.has(node))
    const problems = [
      ...failures,
      ...(withoutChannel.length > 0 ? [noChannel(this.topic, withoutChannel)] : []),
      ...warnings.map(toWarning),
    ]
    if (having.length === 0 && unknown.size > 0) problems.unshift(nowhere(this.topic))
    if (having.length === 0 && unknown.size === 0) this.#tellMissing(problems)
    else this.#tellWhere(problems)
  }

  #hasOtherChannel(nsqd: NsqdStats): boolean {
    const topic = nsqd.topics.find(({ name }) => name === this.topic)
    return topic?.channels.some(({ name }) => !OURS.test(name)) ?? false
  }

  /** Returns what has failed. */
  async #subscribe(nodes: readonly ClusterNode[]): Promise<Warning[]> {
    const failures: Warning[] = []
    const { connectTimeoutMs } = this.#options
    const { signal } = this.#stop
    const subscribe = async ({ node, tcpAddress }: ClusterNode): Promise<void> => {
      try {
        const tap = await Tap.open(node, tcpAddress, this, connectTimeoutMs, signal)
        if (signal.aborted) {
          tap.close()
          return
        }
        this.#taps.set(node, tap)
        if (!this.#allowance.isSpent) tap.setReady(this.#ready)
      } catch (error) {
        failures.push(toWarning(error))
      }
    }
    await Promise.all(nodes.filter(({ node }) => !this.#taps.has(node)).map(subscribe))
    return failures
  }

  #tellMissing(warnings: Warning[]): void {
    const near = this.#options.cluster.near(this.topic)
    const missing: Omit<Missing, 'time'> = { what: 'topic', near, warnings }
    this.#tell('missing', missing)
  }

  #tellWhere(warnings: Warning[]): void {
    if (this.#stop.signal.aborted) return
    const nsqds = [...this.#taps.keys()].sort()
    const message = warnings[0]?.message ?? `topic ${this.topic}: no nsqd can be watched`
    const ready: Omit<Ready, 'time'> = { channel: this.channel, nsqds, warnings }
    const failed: Omit<Failed, 'time'> = { message, warnings }
    if (nsqds.length > 0) this.#tell('ready', ready)
    else this.#tell('failed', failed)
  }

  /** Says what has not been said last. */
  #tell(event: string, data: object): void {
    const told = `${event} ${JSON.stringify(data)}`
    if (told === this.#told) return
    if (this.#options.sink.send(event, { time: this.#options.now(), ...data })) this.#told = told
  }
}

function nowhere(topic: string): Warning {
  return { message: `no nsqd that answers has a topic ${topic}`, remedy: null }
}

function noChannel(topic: string, nodes: readonly string[]): Warning {
  return {
    message: `topic ${topic} has no channel at ${nodes.join(', ')}`,
    remedy:
      'What is published waits there for the first channel, and a watch would take it. Create a channel first.',
  }
}
