/** The nsqd that is measured: how it is found, and how what a run has made there goes again. */
import { randomInt } from 'node:crypto'
import { Cluster } from '../../cluster/cluster.ts'
import { nsqdPorts } from '../../cluster/stats.ts'
import type { RequestTls } from '../../http/request.ts'
import { formatAddress, parseEndpoint } from '../../util/address.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { withoutPassword } from '../../util/password.ts'
import { sources } from '../addresses.ts'
import { UsageError } from '../errors.ts'
import { forgetTopic } from './forget.ts'
import type { Load, Mode } from './settings.ts'

export interface Addresses {
  readonly nsqdTcpAddress: readonly string[]
  readonly nsqdHttpAddress: string | undefined
  readonly lookupdHttpAddress: readonly string[]
  /** The user's. */
  readonly topic: string | undefined
}

/** How long an nsqd that may have its HTTP API on the usual port may take to say so. */
const GUESS_MS = 1000

/** Where a run publishes, and consumes. */
export interface Place {
  readonly topic: string
  readonly channel: string
}

/** Of topics, and of channels of a user's topic. */
const PREFIX = 'nsq-ts-bench'

export class Server {
  /** For clients. */
  readonly address: string
  /** Its HTTP API, where that is known. */
  readonly http: string | undefined
  readonly #nsqd: Cluster | undefined
  /** nsqlookupd, which remembers the names of topics. */
  readonly #lookupd: Cluster | undefined
  readonly #given: string | undefined
  readonly #tls: { readonly tls?: RequestTls }

  /**
   * @throws UsageError when it is not one nsqd that is named; NsqError `E_LOOKUP` when nsqlookupd does not answer, and what
   *   `nsqdPorts` throws when the HTTP API does not
   */
  static async find(addresses: Addresses, tls: RequestTls | undefined, signal: AbortSignal): Promise<Server> {
    const { nsqd: given, lookupd: lookupds, isDefault } = sources(addresses)
    if (isDefault && addresses.nsqdHttpAddress !== undefined) {
      throw new UsageError(
        '--nsqd-http-address alone does not say which nsqd is measured',
        'Give its --nsqd-tcp-address too.',
      )
    }
    const ask = tls === undefined ? {} : { tls }
    const lookupd = lookupds.length === 0 ? undefined : new Cluster({ lookupds, nsqds: [], ...ask })
    const nodes = lookupd === undefined ? [] : (await lookupd.nodes(signal)).value
    const candidates = given.length > 0 ? given : nodes.map(({ tcpAddress }) => tcpAddress)
    const [address] = candidates
    if (address === undefined) {
      throw new NsqError(
        'E_CLUSTER',
        `nsqlookupd ${lookupds.map(withoutPassword).join(', ')} knows no nsqd`,
        {
          remedy: 'Start one, or name it: --nsqd-tcp-address.',
        },
      )
    }
    if (candidates.length > 1) {
      throw new UsageError(
        `one nsqd is measured at a time, and there are ${candidates.length}`,
        `Name it: --nsqd-tcp-address=${address}, or ${candidates.slice(1).join(' or ')}.`,
      )
    }
    const told = addresses.nsqdHttpAddress ?? nodes.find(({ tcpAddress }) => tcpAddress === address)?.node
    // One that does not answer is to be known now, and not when the topic is to be deleted.
    if (told !== undefined) await nsqdPorts(told, { ...ask, signal })
    const http = told ?? (await guessHttp(address, tls, signal))
    const nsqd = http === undefined ? undefined : new Cluster({ lookupds: [], nsqds: [http], ...ask })
    return new Server(address, http, { lookupd, nsqd, tls: ask }, addresses.topic)
  }

  private constructor(
    address: string,
    http: string | undefined,
    {
      lookupd,
      nsqd,
      tls,
    }: { lookupd: Cluster | undefined; nsqd: Cluster | undefined; tls: { readonly tls?: RequestTls } },
    given: string | undefined,
  ) {
    this.address = address
    this.http = http
    this.#lookupd = lookupd
    this.#nsqd = nsqd
    this.#given = given
    this.#tls = tls
  }

  /** @throws UsageError where what a run makes could not be deleted */
  place(mode: Mode): Place {
    const name = `${PREFIX}-${randomInt(2 ** 32)
      .toString(16)
      .padStart(8, '0')}`
    // Where it cannot be deleted, it is always the same one that stays.
    if (this.#given !== undefined)
      return { topic: this.#given, channel: this.http === undefined ? PREFIX : name }
    if (this.http !== undefined) return { topic: name, channel: 'bench' }
    // nsqd forgets what waits in one of these for long, and nothing does there.
    if (mode === 'latency') return { topic: `${name}#ephemeral`, channel: 'bench#ephemeral' }
    throw new UsageError(
      `the HTTP API of nsqd ${this.address} is not known, by which the topic would be deleted in the end`,
      'Give its address: --nsqd-http-address. Or name a topic that stays: --topic.',
    )
  }

  /** Whether a topic goes with its run. */
  isOwn(topic: string): boolean {
    return topic !== this.#given
  }

  /** By which another command finds it, wherever that runs. */
  get #flag(): string {
    const [kind, addresses] =
      this.#lookupd === undefined
        ? ['nsqd', this.#nsqd?.nsqds ?? []]
        : (['lookupd', this.#lookupd.lookupds] as const)
    return `--${kind}-http-address ${addresses.map(withoutPassword).join(',')}`
  }

  /** At the nsqlookupds that nobody has named. */
  async #forget(topic: string): Promise<void> {
    if (this.http === undefined) return
    await forgetTopic(this.http, topic, {
      connectTimeoutMs: GUESS_MS,
      requestTimeoutMs: GUESS_MS,
      ...this.#tls,
    })
  }

  /** How many messages are in a topic that has no channels; undefined when it cannot be told. */
  async depth(topic: string): Promise<number | undefined> {
    try {
      const { value: [stats] = [] } = (await this.#nsqd?.stats({ topic })) ?? {}
      const found = stats?.topics.find(({ name }) => name === topic)
      return found?.channels.length === 0 ? found.depth : undefined
    } catch {
      return undefined
    }
  }

  /** Deletes what a run has made; returns what is to be said about what stays. */
  async leave({ topic, channel, load }: Place & { readonly load: Load }): Promise<string | undefined> {
    const isOwn = this.isOwn(topic)
    if (!isOwn && load.mode === 'pub') return undefined
    const what = isOwn ? `the topic ${topic}` : `the channel ${channel} of the topic ${topic}`
    if (this.#nsqd === undefined)
      return isOwn ? undefined : `${what} stays, as it cannot be deleted without HTTP`
    try {
      // nsqlookupd first: nsqd would learn the name again from it.
      if (isOwn && this.#lookupd === undefined) await this.#forget(topic)
      for (const cluster of [this.#lookupd, this.#nsqd]) {
        await (isOwn ? cluster?.deleteTopic(topic) : cluster?.deleteChannel(topic, channel))?.catch(
          ignoreMissing,
        )
      }
      return undefined
    } catch (error) {
      const command = isOwn ? `topic delete ${topic}` : `channel delete ${topic} ${channel}`
      return `${what} could not be deleted (nsq-ts ${command} ${this.#flag} does it): ${errorText(error)}`
    }
  }
}

/** It may not have come to be, or be deleted by the other's doing. */
function ignoreMissing(error: unknown): void {
  if (error instanceof NsqError && /^E_(TOPIC|CHANNEL)_NOT_FOUND$/.test(error.code)) return
  throw error
}

/** The usual ports are those after that of TCP; whether it is that nsqd that has them, it says itself. */
async function guessHttp(
  address: string,
  tls: RequestTls | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const endpoint = parseEndpoint(address, 4150)
  if ('path' in endpoint) return undefined
  const host = endpoint.host === '' ? '127.0.0.1' : endpoint.host
  const patience = { connectTimeoutMs: GUESS_MS, requestTimeoutMs: GUESS_MS, signal }
  const isIt = async (http: string): Promise<boolean> => {
    const ask = tls === undefined ? patience : { ...patience, tls }
    return (await nsqdPorts(http, ask).catch(() => undefined))?.tcpPort === endpoint.port
  }
  const http = formatAddress({ host, port: endpoint.port + 1 })
  if (await isIt(http)) return http
  const https = `https://${formatAddress({ host, port: endpoint.port + 2 })}`
  return tls !== undefined && (await isIt(https)) ? https : undefined
}
