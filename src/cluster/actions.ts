import { HttpRequestError } from '../http/request.ts'
import { formatAddress } from '../util/address.ts'
import { NsqError } from '../util/errors.ts'
import { type Answers, attemptAll, toNsqError } from './answers.ts'
import { type AskOptions, plainNode, post } from './ask.ts'
import type { Cluster } from './cluster.ts'

/** Where something was done: addresses of nsqlookupds, and nodes. */
export interface Done {
  lookupds: string[]
  nsqds: string[]
}

/** What changes nothing at nsqlookupd. */
export type Change = 'empty' | 'pause' | 'unpause'

/**
 * Commands to a cluster, each for all whom it concerns, in the order of the official nsqadmin: nsqlookupd hears first of
 * what is created and deleted, so that no nsqd learns again from it what it has just deleted.
 *
 * A daemon that fails is a warning while another did as it was told. One that does not have the topic or the channel is
 * none; when nobody has it, the code is `E_TOPIC_NOT_FOUND` or `E_CHANNEL_NOT_FOUND`.
 */
export class Actions {
  readonly #cluster: Cluster
  readonly #ask: AskOptions

  constructor(cluster: Cluster, ask: AskOptions) {
    this.#cluster = cluster
    this.#ask = ask
  }

  async createTopic(topic: string): Promise<Answers<Done>> {
    const work = this.#work({ topic })
    const { lookupds, nsqds } = this.#cluster
    if (lookupds.length > 0) await work.tell('nsqlookupd', lookupds, 'create')
    else await work.tell('nsqd', nsqds, 'create')
    return work.end()
  }

  async createChannel(topic: string, channel: string): Promise<Answers<Done>> {
    const { lookupds, nsqds } = this.#cluster
    const [ofTopic, work] = [this.#work({ topic }), this.#work({ topic, channel })]
    if (lookupds.length > 0) {
      await ofTopic.tell('nsqlookupd', lookupds, 'create')
      await work.tell('nsqlookupd', lookupds, 'create')
    }
    const { value, warnings } = await this.#cluster.producersOf(topic)
    work.warnings.push(...warnings)
    let nodes = value.map(({ node }) => node)
    if (lookupds.length === 0 && nodes.length === 0) {
      await ofTopic.tell('nsqd', nsqds, 'create')
      nodes = ofTopic.done.nsqds
      work.warnings.push(...ofTopic.warnings)
    }
    await work.tell('nsqd', nodes, 'create')
    return work.end()
  }

  async remove(topic: string, channel?: string): Promise<Answers<Done>> {
    const work = this.#work({ topic, channel })
    // Once it is deleted there, nsqlookupd cannot say any more who has it.
    const nodes = await this.#holders(work)
    await work.tell('nsqlookupd', this.#cluster.lookupds, 'delete')
    await work.tell('nsqd', nodes, 'delete')
    return work.end()
  }

  async change(change: Change, topic: string, channel?: string): Promise<Answers<Done>> {
    const work = this.#work({ topic, channel })
    await work.tell('nsqd', await this.#holders(work), change)
    return work.end()
  }

  async tombstone(topic: string, node: string, keep: boolean): Promise<Answers<Done>> {
    const { lookupds } = this.#cluster
    if (lookupds.length === 0) {
      throw new NsqError('E_NO_LOOKUPD', 'a tombstone is set at nsqlookupd, and none is given', {
        remedy: 'Give its HTTP address: --lookupd-http-address=HOST:PORT.',
      })
    }
    const { value: nodes, warnings } = await this.#cluster.nodes()
    const found = nodes.find(each => each.node === node)
    if (found === undefined)
      throw nodeNotFound(
        node,
        nodes.map(each => each.node),
      )
    if (!found.topics.some(({ name }) => name === topic)) {
      throw new NsqError('E_TOPIC_NOT_FOUND', `nsqd ${node} has no topic ${topic}`)
    }
    const work = this.#work({ topic })
    work.warnings.push(...warnings)
    const plain = plainNode({ host: found.broadcastAddress, port: found.httpPort })
    await work.tell('nsqlookupd', lookupds, 'tombstone', { node: plain })
    if (!keep)
      await work.tell(
        'nsqd',
        [formatAddress({ host: found.broadcastAddress, port: found.httpPort })],
        'delete',
      )
    return work.end()
  }

  /** Those that have the topic; also where nsqlookupd hides it: there, too, it is not to come to life again. */
  async #holders(work: Work): Promise<string[]> {
    const { topic, channel } = work.target
    const [{ value, warnings }, hidden] = await Promise.all([
      this.#cluster.holdersOf(topic),
      this.#cluster.lookupds.length === 0 ? [] : this.#hidingPlaces(work),
    ])
    work.warnings.push(...warnings)
    if (!value.isKnown) throw work.notFound('topic')
    work.isKnown = channel === undefined || value.channels.includes(channel)
    return [...new Set([...value.nodes.map(({ node }) => node), ...hidden])].sort()
  }

  async #hidingPlaces({ target, warnings }: Work): Promise<string[]> {
    try {
      // An nsqlookupd that does not answer says so when it is asked for the others.
      const { value: nodes } = await this.#cluster.nodes()
      const isHidden = ({ name, tombstoned }: { name: string; tombstoned: boolean }): boolean =>
        tombstoned && name === target.topic
      return nodes.filter(({ topics }) => topics.some(isHidden)).map(({ node }) => node)
    } catch (error) {
      warnings.push(toNsqError(error, 'nsqlookupd', ''))
      return []
    }
  }

  #work(target: Work['target']): Work {
    return new Work(target, node => this.#cluster.addressOf(node), this.#ask)
  }
}

/** One command on its way through the cluster. */
class Work {
  readonly target: { topic: string; channel?: string | undefined }
  readonly done: Done = { lookupds: [], nsqds: [] }
  readonly warnings: NsqError[] = []
  /** Whether somebody said that it is there. */
  isKnown = true
  readonly #addressOf: (node: string) => string
  readonly #ask: AskOptions
  readonly #failures: NsqError[] = []
  #missing = 0

  constructor(target: Work['target'], addressOf: (node: string) => string, ask: AskOptions) {
    this.target = target
    this.#addressOf = addressOf
    this.#ask = ask
  }

  async tell(
    daemon: 'nsqlookupd' | 'nsqd',
    addresses: readonly string[],
    action: string,
    further: Record<string, string> = {},
  ): Promise<void> {
    const { topic, channel } = this.target
    const query = new URLSearchParams({ topic, ...(channel === undefined ? {} : { channel }), ...further })
    const path = `/${channel === undefined ? 'topic' : 'channel'}/${action}?${query.toString()}`
    const { value, warnings } = await attemptAll({ addresses, daemon }, address =>
      post(this.#addressOf(address), path, this.#ask),
    )
    const done = value.map(({ address }) => address)
    if (daemon === 'nsqd') this.done.nsqds.push(...done)
    else this.done.lookupds.push(...done)
    const failures = warnings.filter(error => !isMissing(error))
    this.#missing += warnings.length - failures.length
    this.#failures.push(...failures)
  }

  /** @throws NsqError when it was done nowhere */
  end(): Answers<Done> {
    const { lookupds, nsqds } = this.done
    const isDone = lookupds.length + nsqds.length > 0
    if (!isDone && this.#failures.length > 0) {
      throw new NsqError('E_CLUSTER', this.#failures.map(({ message }) => message).join('; '), {
        cause: this.#failures[0],
        remedy: 'Check that the daemons run and can be reached from here.',
      })
    }
    if (!isDone && (!this.isKnown || this.#missing > 0)) {
      throw this.notFound(this.target.channel === undefined ? 'topic' : 'channel')
    }
    return { value: this.done, warnings: [...this.warnings, ...this.#failures] }
  }

  /** What cannot be asked may know it: that is said, too. */
  notFound(what: 'topic' | 'channel'): NsqError {
    const { topic, channel = '' } = this.target
    const but =
      this.warnings.length === 0 ? '' : ` (but ${this.warnings.map(({ message }) => message).join('; ')})`
    return what === 'topic'
      ? new NsqError('E_TOPIC_NOT_FOUND', `there is no topic ${topic}${but}`)
      : new NsqError('E_CHANNEL_NOT_FOUND', `the topic ${topic} has no channel ${channel}${but}`)
  }
}

/** What a daemon answers that does not have the topic or the channel; before 1.0 that was the code for a bad name. */
const MISSING = /^(TOPIC_NOT_FOUND|CHANNEL_NOT_FOUND|INVALID_(ARG_)?(TOPIC|CHANNEL))$/

function isMissing(error: NsqError): boolean {
  return error instanceof HttpRequestError && MISSING.test(error.reply ?? '')
}

/** @param nodes - those that there are */
export function nodeNotFound(node: string, nodes: readonly string[]): NsqError {
  return new NsqError('E_NODE_NOT_FOUND', `there is no nsqd ${node}`, {
    remedy: nodes.length === 0 ? 'There is none at all.' : `There are ${nodes.join(', ')}.`,
  })
}
