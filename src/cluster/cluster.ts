import { NsqError } from '../util/errors.ts'
import { Actions, type Done } from './actions.ts'
import { type Answers, attemptAll, noAnswer, toNsqError } from './answers.ts'
import { type AskOptions, nodeOf, post } from './ask.ts'
import { listChannels, listNodes, listTopics, lookupTopic } from './lookup.ts'
import { byNode, type ClusterNode, givenNode, toNode, unknownNode } from './node.ts'
import { type Peeked, peek } from './peek.ts'
import { publish, type Published, type PublishOptions } from './publish.ts'
import { replay, type Replayed, type ReplayQuery } from './replay.ts'
import { nsqdAbout, type NsqdStats, nsqdStats, type StatsFilter } from './stats.ts'
import { tombstones, type Tombstones } from './tombstones.ts'

/** Where a cluster's daemons are, and how long an answer may take; see `RequestOptions`. The signal gives up commands as well. */
export interface ClusterOptions extends Pick<
  AskOptions,
  'connectTimeoutMs' | 'requestTimeoutMs' | 'signal' | 'tls'
> {
  /** HTTP addresses (`host:port`, or URLs) of nsqlookupds, which are asked where the nsqds are … */
  readonly lookupds: readonly string[]
  /** … or those of the nsqds themselves; these count only when there are no nsqlookupds. */
  readonly nsqds: readonly string[]
}

/** What one look at the cluster has shown. */
export interface Look {
  /** All nsqds that were to be asked, sorted; `error` is set for one that did not answer. */
  nodes: ClusterNode[]
  /** What those that answered said, in the same order. */
  stats: NsqdStats[]
}

/**
 * The nsqds and nsqlookupds of a cluster, asked over HTTP: all at once, and what they say is merged. One that does not
 * answer is a warning. Official daemons are understood, too, and those before 1.0.
 *
 * Errors of all: `E_LOOKUP` when no nsqlookupd answered, `E_CLUSTER` when no nsqd did; whoever aborts the signal gets
 * one of them, or the warnings.
 */
export class Cluster {
  readonly lookupds: readonly string[]
  /** Those given, each once; empty when nsqlookupd is asked. */
  readonly nsqds: readonly string[]
  readonly #ask: AskOptions
  readonly #actions: Actions
  /** The address by which a node can be asked, where it is not its name. */
  readonly #addresses: ReadonlyMap<string, string>
  /** What nsqlookupd has said last, for looks while it is away; impatient ones share it. */
  #last: { nodes: readonly ClusterNode[] } = { nodes: [] }

  constructor({ lookupds, nsqds, ...ask }: ClusterOptions) {
    this.lookupds = [...new Map(lookupds.map(address => [nodeOf(address), address])).values()]
    this.#addresses = new Map(lookupds.length > 0 ? [] : nsqds.map(address => [nodeOf(address), address]))
    this.nsqds = [...this.#addresses.values()]
    this.#ask = ask
    this.#actions = new Actions(this, ask)
  }

  /** The same cluster, but a daemon that has not answered within so many milliseconds is not waited for. */
  impatient(ms: number): Cluster {
    const { connectTimeoutMs = ms, requestTimeoutMs = ms } = this.#ask
    const twin = new Cluster({
      ...this.#ask,
      connectTimeoutMs: Math.min(ms, connectTimeoutMs),
      requestTimeoutMs: Math.min(ms, requestTimeoutMs),
      lookupds: this.lookupds,
      nsqds: this.nsqds,
    })
    twin.#last = this.#last
    return twin
  }

  /** Where the HTTP API of a node is: `host:port`, or a URL. */
  addressOf(node: string): string {
    return this.#addresses.get(node) ?? node
  }

  /** Every nsqd, sorted (`/nodes` of nsqlookupd, or `/info` and `/stats` of each nsqd). */
  async nodes(signal?: AbortSignal): Promise<Answers<ClusterNode[]>> {
    if (this.lookupds.length > 0) return this.#registered(signal)
    const { value, warnings } = await this.look({}, signal)
    return { value: value.nodes, warnings }
  }

  /** The names of all topics, sorted. */
  async topics(signal?: AbortSignal): Promise<Answers<string[]>> {
    if (this.lookupds.length > 0) return listTopics(this.lookupds, this.#options(signal))
    const { value, warnings } = await this.look({}, signal)
    return { value: names(value.stats.flatMap(({ topics }) => topics)), warnings }
  }

  /** The names of a topic's channels, sorted; none for an unknown topic. */
  async channels(topic: string, signal?: AbortSignal): Promise<Answers<string[]>> {
    if (this.lookupds.length > 0) return listChannels(this.lookupds, topic, this.#options(signal))
    const { value, warnings } = await this.look({ topic }, signal)
    const all = value.stats.flatMap(({ topics }) => topics.flatMap(({ channels }) => channels))
    return { value: names(all), warnings }
  }

  /** The nsqds that have a topic, sorted; without those where it is tombstoned. */
  async producersOf(topic: string, signal?: AbortSignal): Promise<Answers<ClusterNode[]>> {
    const { value, warnings } = await this.holdersOf(topic, signal)
    return { value: value.nodes, warnings }
  }

  /** The same, and what else is known of the topic: `isKnown` is true of one that nsqlookupd alone knows. */
  async holdersOf(
    topic: string,
    signal?: AbortSignal,
  ): Promise<Answers<{ isKnown: boolean; channels: string[]; nodes: ClusterNode[] }>> {
    if (this.lookupds.length === 0) {
      const { value, warnings } = await this.look({ topic }, signal)
      const topics = value.stats.flatMap(stats => stats.topics)
      const channels = names(topics.flatMap(({ channels }) => channels))
      return { value: { isKnown: topics.length > 0, channels, nodes: value.nodes.filter(isUp) }, warnings }
    }
    const { value, warnings } = await lookupTopic(this.lookupds, topic, this.#options(signal))
    const nodes = value.producers.map(info =>
      toNode({ ...info, topics: [{ name: topic, tombstoned: false }] }),
    )
    return {
      value: { isKnown: value.isKnown, channels: value.channels, nodes: nodes.sort(byNode) },
      warnings,
    }
  }

  /**
   * The numbers of all nsqds. With a topic only its nsqds are asked, and an unknown one gives an empty list.
   *
   * @throws NsqError `E_CLUSTER` when there are nsqds and none answered
   */
  async stats(filter: StatsFilter = {}, signal?: AbortSignal): Promise<Answers<NsqdStats[]>> {
    const { value, warnings } = await this.look(filter, signal)
    return { value: value.stats, warnings }
  }

  /**
   * The numbers of all nsqds, and the nsqds themselves, whether they answered or not. When no nsqlookupd answers, those
   * that it named last are asked, and its failure is a warning. Throws as `stats`.
   */
  async look(filter: StatsFilter = {}, signal?: AbortSignal): Promise<Answers<Look>> {
    const { value: nodes, warnings } = await this.#toAsk(filter.topic ?? '', signal)
    const isGiven = this.lookupds.length === 0
    const options = this.#options(signal)
    const failures = new Map<string, NsqError>()
    const { value: answers } = await attemptAll(
      { addresses: nodes.map(({ node }) => node), daemon: 'nsqd' },
      async node => {
        try {
          const address = this.addressOf(node)
          const [stats, about] = await Promise.all([
            nsqdStats(address, filter, options),
            isGiven ? nsqdAbout(address, options) : undefined,
          ])
          return { stats, about }
        } catch (error) {
          failures.set(node, toNsqError(error, 'nsqd', node))
          throw error
        }
      },
    )
    if (answers.length === 0 && nodes.length > 0) throw noAnswer('nsqd', [...warnings, ...failures.values()])
    const answered = new Map(answers.map(({ address, value }) => [address, value]))
    const look: Look = { nodes: [], stats: [] }
    for (const node of nodes) {
      const answer = answered.get(node.node)
      const error = failures.get(node.node)
      if (answer === undefined) {
        look.nodes.push(error === undefined ? node : { ...node, error })
        continue
      }
      const { stats, about } = answer
      // Of those that were given, only the ones that have the topic concern it.
      if (isGiven && filter.topic !== undefined && filter.topic !== '' && stats.topics.length === 0) continue
      const known = about === undefined ? node : givenNode(node, about, stats)
      look.nodes.push(known)
      look.stats.push({
        ...stats,
        node: node.node,
        hostname: known.hostname,
        version: stats.version || known.version,
      })
    }
    return { value: look, warnings: [...warnings, ...failures.values()] }
  }

  /**
   * The numbers of one nsqd, by default with its clients.
   *
   * @throws NsqError what `nsqdStats` does
   */
  async statsOf(
    { node, hostname, version }: Pick<ClusterNode, 'node' | 'hostname' | 'version'>,
    filter: StatsFilter = { clients: true },
    signal?: AbortSignal,
  ): Promise<Answers<NsqdStats>> {
    const stats = await nsqdStats(this.addressOf(node), filter, this.#options(signal))
    return { value: { ...stats, node, hostname, version: stats.version || version }, warnings: [] }
  }

  /** Makes a topic known to nsqlookupd (an nsqd has it when something is published to it), or at all nsqds given. */
  createTopic(topic: string): Promise<Answers<Done>> {
    return this.#actions.createTopic(topic)
  }

  /** Creates a channel, and its topic where there is none, at nsqlookupd and at all nsqds that have the topic. */
  createChannel(topic: string, channel: string): Promise<Answers<Done>> {
    return this.#actions.createChannel(topic, channel)
  }

  /**
   * Creates a channel at one nsqd only, which tells its nsqlookupds.
   *
   * @param node - as in `nodes()`
   * @throws HttpRequestError
   */
  createChannelAt(node: string, topic: string, channel: string, signal?: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ topic, channel })
    return post(this.addressOf(node), `/channel/create?${query.toString()}`, this.#options(signal))
  }

  /** Deletes a topic with its channels and messages, at nsqlookupd and at all nsqds. */
  deleteTopic(topic: string): Promise<Answers<Done>> {
    return this.#actions.remove(topic)
  }

  deleteChannel(topic: string, channel: string): Promise<Answers<Done>> {
    return this.#actions.remove(topic, channel)
  }

  /** Throws away the messages that are in no channel yet; those in the channels stay. */
  emptyTopic(topic: string): Promise<Answers<Done>> {
    return this.#actions.change('empty', topic)
  }

  /** Throws away all messages of a channel, those in flight and deferred too. */
  emptyChannel(topic: string, channel: string): Promise<Answers<Done>> {
    return this.#actions.change('empty', topic, channel)
  }

  /**
   * The same at one nsqd only.
   *
   * @param node - as in `nodes()`
   * @throws HttpRequestError
   */
  emptyChannelAt(node: string, topic: string, channel: string, signal?: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ topic, channel })
    return post(this.addressOf(node), `/channel/empty?${query.toString()}`, this.#options(signal))
  }

  /** Lets nothing more go from a topic to its channels. */
  pauseTopic(topic: string): Promise<Answers<Done>> {
    return this.#actions.change('pause', topic)
  }

  unpauseTopic(topic: string): Promise<Answers<Done>> {
    return this.#actions.change('unpause', topic)
  }

  /** Lets nothing more go from a channel to consumers. */
  pauseChannel(topic: string, channel: string): Promise<Answers<Done>> {
    return this.#actions.change('pause', topic, channel)
  }

  unpauseChannel(topic: string, channel: string): Promise<Answers<Done>> {
    return this.#actions.change('unpause', topic, channel)
  }

  /**
   * Has nsqlookupd hide a topic's nsqd for a while, and then deletes the topic there, as nsqadmin does.
   *
   * @param node - as in `nodes()`
   * @param keep - hide it only: what is on it can still be read by who connects to it directly
   * @throws NsqError `E_NO_LOOKUPD`, `E_NODE_NOT_FOUND`, `E_TOPIC_NOT_FOUND`
   */
  tombstone(topic: string, node: string, { keep = false }: { keep?: boolean } = {}): Promise<Answers<Done>> {
    return this.#actions.tombstone(topic, node, keep)
  }

  /** What is hidden at present, and until when. Official nsqlookupds cannot tell. */
  tombstones(signal?: AbortSignal): Promise<Answers<Tombstones>> {
    return tombstones(this.lookupds, this.#options(signal))
  }

  /**
   * The next messages of a topic or a channel, nothing changed. An official nsqd cannot show any.
   *
   * @param count - at most so many, 1 to 1000
   * @param maxBody - bytes of each body
   * @throws NsqError `E_TOPIC_NOT_FOUND`, `E_CHANNEL_NOT_FOUND` when no nsqd has it
   */
  peek(
    topic: string,
    channel: string | undefined,
    count: number,
    maxBody: number,
    signal?: AbortSignal,
  ): Promise<Answers<Peeked>> {
    return peek(this, { topic, channel, count, maxBody }, this.#options(signal))
  }

  /**
   * Puts the messages of a time before a channel again, at each of these nsqds, or says what that would come to. Only our
   * nsqd can do it, with what it has kept (`--retain-time`, `--retain-bytes`) or not yet reclaimed.
   *
   * @throws NsqError `E_CLUSTER` when no nsqd answered
   */
  replay(query: ReplayQuery, signal?: AbortSignal): Promise<Answers<Replayed>> {
    return replay(this, query, this.#options(signal))
  }

  /**
   * Publishes over HTTP, all to one nsqd: the one that is named, or one that has the topic, or any.
   *
   * @throws NsqError `E_NODE_NOT_FOUND`, `E_CLUSTER`, and what nsqd refuses as `HttpRequestError`
   */
  publish(
    topic: string,
    bodies: Buffer | readonly Buffer[],
    options: PublishOptions = {},
  ): Promise<Published> {
    return publish(this, { topic, bodies: Array.isArray(bodies) ? bodies : [bodies], ...options }, this.#ask)
  }

  async #registered(signal: AbortSignal | undefined): Promise<Answers<ClusterNode[]>> {
    const { value, warnings } = await listNodes(this.lookupds, this.#options(signal))
    const nodes = value.map(toNode).sort(byNode)
    this.#last.nodes = nodes
    return { value: nodes, warnings }
  }

  /** Each by a name of its own: two that registered with the same one are one here. */
  async #toAsk(topic: string, signal: AbortSignal | undefined): Promise<Answers<ClusterNode[]>> {
    if (this.lookupds.length === 0) {
      return { value: [...this.#addresses.keys()].sort().map(unknownNode), warnings: [] }
    }
    const asking = topic === '' ? this.#registered(signal) : this.producersOf(topic, signal)
    const { value, warnings } = await asking.catch((error: unknown) => this.#toAskLast(topic, error))
    return { value: [...new Map(value.map(each => [each.node, each])).values()], warnings }
  }

  #toAskLast(topic: string, error: unknown): Answers<readonly ClusterNode[]> {
    const nodes = this.#last.nodes.filter(
      ({ topics }) => topic === '' || topics.some(({ name, tombstoned }) => name === topic && !tombstoned),
    )
    if (!(error instanceof NsqError) || error.code !== 'E_LOOKUP' || nodes.length === 0) throw error
    return { value: nodes, warnings: [error] }
  }

  #options(signal: AbortSignal | undefined = this.#ask.signal): AskOptions {
    return { ...this.#ask, signal }
  }
}

function isUp({ error }: ClusterNode): boolean {
  return error === undefined
}

function names(items: readonly { name: string }[]): string[] {
  return [...new Set(items.map(({ name }) => name))].sort()
}
