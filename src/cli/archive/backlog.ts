import { lookupTopic, type LookupOptions } from '../../cluster/lookup.ts'
import { type NsqdOptions, topicStats } from '../../cluster/stats.ts'
import { nsqdAddresses } from '../../client/options.ts'
import { errorText } from '../../util/errors.ts'
import { httpOfNsqd } from '../nsqd-http.ts'
import { plural } from '../units.ts'

export interface BacklogSource {
  readonly topic: string
  readonly channel: string
  /** Addresses that were given. */
  readonly nsqd: readonly string[]
  readonly lookupd: readonly string[]
  readonly lookupOptions: LookupOptions
  /** The nsqds that are subscribed at present. */
  readonly connections: () => readonly string[]
  /** What the consumer may have in flight: with more connections than this, each has a turn of `rotateMs`. */
  readonly maxInFlight: number
  readonly rotateMs: number
}

/** What is left in a channel on all its nsqds, as far as they can be asked. */
export interface Backlog {
  /** Messages that wait to be delivered. */
  readonly depth: number
  /** Those of them that will come: the others are paused. */
  readonly flowing: number
  /** Messages that were sent and not answered, by whomever: with none in hand here they are on their way, or another's. */
  readonly inFlight: number
  /** Whether every nsqd was asked, and has nothing in flight, to whomever, and nothing deferred either. */
  readonly isVoid: boolean
  /** Why messages may be left that cannot be had: an nsqd is not connected, no nsqlookupd answers. */
  readonly outOfReach: readonly string[]
  /** Something may come for so long where nobody can be asked, in ms: then each connection has had its turn. */
  readonly roundMs: number
  /** The same for what is paused and has messages waiting. */
  readonly paused: readonly string[]
}

/** Asks how much of a channel is left. */
export class BacklogWatch {
  readonly #source: BacklogSource
  /** By the TCP address: where the HTTP API is, of those that were given and were found to have one. */
  readonly #found = new Map<string, string>()

  constructor(source: BacklogSource) {
    this.#source = source
  }

  /** Never rejects: what cannot be asked is said in the answer. */
  async look(): Promise<Backlog> {
    const outOfReach: string[] = []
    const nsqds = new Map<string, string | undefined>()
    try {
      for (const [tcp, http] of await this.#lookUp()) nsqds.set(tcp, http)
    } catch (error) {
      outOfReach.push(errorText(error))
    }
    await Promise.all(
      nsqdAddresses(this.#source.nsqd).map(async tcp =>
        nsqds.set(tcp, nsqds.get(tcp) ?? (await this.#find(tcp))),
      ),
    )
    const connected = new Set(this.#source.connections())
    for (const tcp of nsqds.keys()) {
      if (!connected.has(tcp)) outOfReach.push(`nsqd ${tcp} cannot be reached`)
    }
    // What is connected and no nsqlookupd names any more counts as long as it is.
    for (const tcp of connected) if (!nsqds.has(tcp)) nsqds.set(tcp, undefined)
    const parts = await Promise.all([...nsqds].map(([tcp, http]) => this.#ask(tcp, http)))
    const { maxInFlight, rotateMs } = this.#source
    const turns = connected.size > maxInFlight && parts.includes(UNKNOWN) ? connected.size / maxInFlight : 0
    return {
      depth: depthOf(parts),
      flowing: depthOf(parts.filter(part => part.paused.length === 0)),
      inFlight: parts.reduce((sum, { inFlight }) => sum + inFlight, 0),
      isVoid: outOfReach.length === 0 && parts.every(part => part.isVoid),
      outOfReach,
      roundMs: Math.ceil(turns) * rotateMs,
      paused: parts.flatMap(part => part.paused),
    }
  }

  async #lookUp(): Promise<[tcp: string, http: string][]> {
    const { lookupd, topic, lookupOptions } = this.#source
    if (lookupd.length === 0) return []
    const { value } = await lookupTopic(lookupd, topic, lookupOptions)
    return value.producers.map(({ tcpAddress, httpAddress }) => [tcpAddress, httpAddress])
  }

  async #find(tcp: string): Promise<string | undefined> {
    const known = this.#found.get(tcp)
    if (known !== undefined) return known
    const http = await httpOfNsqd(tcp, this.#options)
    if (http !== undefined) this.#found.set(tcp, http)
    return http
  }

  async #ask(tcp: string, http: string | undefined): Promise<Part> {
    if (http === undefined) return UNKNOWN
    const { topic, channel } = this.#source
    try {
      const stats = await topicStats(http, { topic, channel }, this.#options)
      const found = stats?.channels.find(({ name }) => name === channel)
      if (stats === undefined || found === undefined) return UNKNOWN
      const waiting = stats.depth + found.depth
      const paused = [
        ...(stats.paused ? [`the topic ${topic}`] : []),
        ...(found.paused ? [`the channel ${channel} of the topic ${topic}`] : []),
      ]
      const wait = `${plural(waiting, 'message')} ${waiting === 1 ? 'waits' : 'wait'}`
      return {
        depth: waiting,
        inFlight: found.inFlight,
        isVoid: waiting + found.inFlight + found.deferred === 0,
        paused: waiting === 0 ? [] : paused.map(what => `${what} is paused at nsqd ${tcp}: ${wait}`),
      }
    } catch {
      // It is connected, or said to be out of reach: then that nothing comes from it has to do.
      return UNKNOWN
    }
  }

  get #options(): NsqdOptions {
    const { connectTimeoutMs, requestTimeoutMs, tls } = this.#source.lookupOptions
    return {
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
      ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      ...(tls === undefined ? {} : { tls }),
    }
  }
}

interface Part {
  depth: number
  inFlight: number
  isVoid: boolean
  paused: readonly string[]
}

const UNKNOWN: Part = { depth: 0, inFlight: 0, isVoid: false, paused: [] }

function depthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { depth }) => sum + depth, 0)
}
