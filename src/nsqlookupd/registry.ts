import { isEphemeral } from '../protocol/names.ts'

/** An nsqd that has identified itself on a connection; two connections of one nsqd are two producers. */
export interface Producer {
  /** The address its connection comes from, `ip:port`: unique among those connected. */
  readonly id: string
  readonly hostname: string
  readonly broadcastAddress: string
  readonly tcpPort: number
  readonly httpPort: number
  readonly version: string
  readonly topologyZone: string
  readonly topologyRegion: string
  /** When it was last heard of (IDENTIFY or PING), in milliseconds. */
  lastUpdate: number
}

/** How tombstones name an nsqd: `broadcast_address:http_port`. */
export function nodeName(producer: Producer): string {
  return `${producer.broadcastAddress}:${producer.httpPort}`
}

export interface RegistryOptions {
  /** A producer not heard of for longer than this is left out of answers. */
  inactiveTimeoutMs: number
  /** How long a tombstone hides a producer of a topic. */
  tombstoneLifetimeMs: number
  /** The time in milliseconds, for tests; it must never go back. */
  now?: () => number
}

/** That a producer is hidden from those who look for a topic. */
export interface Tombstone {
  topic: string
  producer: Producer
  /** Milliseconds. */
  since: number
  /** When it stops to count, milliseconds. */
  until: number
}

/** A topic of a producer, as it lists them. */
export interface ProducerTopic {
  topic: string
  tombstoned: boolean
}

/** One line of everything that is registered, as `/debug` shows it. */
export interface Registration {
  category: 'client' | 'topic' | 'channel'
  topic: string
  channel: string
  producer: Producer
  tombstoned: boolean
  /** 0 when there never was a tombstone. */
  tombstonedAt: number
}

interface Topic {
  /** When each producer of the topic was tombstoned, in milliseconds; 0: never. */
  readonly producers: Map<Producer, number>
  readonly channels: Map<string, Set<Producer>>
}

/**
 * Who produces which topics and channels.
 *
 * Topics and channels stay known when their last producer goes, so that consumers and nsqds that come later learn of
 * them; ephemeral ones go with it (in the official nsqlookupd those of a lost connection stay for ever).
 */
export class Registry {
  readonly #producers = new Set<Producer>()
  readonly #topics = new Map<string, Topic>()
  readonly #inactiveTimeoutMs: number
  readonly #tombstoneLifetimeMs: number
  readonly #now: () => number

  constructor({ inactiveTimeoutMs, tombstoneLifetimeMs, now = steadyClock }: RegistryOptions) {
    this.#inactiveTimeoutMs = inactiveTimeoutMs
    this.#tombstoneLifetimeMs = tombstoneLifetimeMs
    this.#now = now
  }

  /** Adds an nsqd that has identified itself, or notes that it was heard of again. */
  seen(producer: Producer): void {
    producer.lastUpdate = this.#now()
    if (this.#producers.has(producer)) return
    this.#supersede(producer)
    this.#producers.add(producer)
  }

  /** Forgets a producer whose connection is gone, and all it registered. */
  leave(producer: Producer): void {
    this.#producers.delete(producer)
    for (const name of this.#topics.keys()) this.unregisterTopic(producer, name)
  }

  /** Notes that a producer has a topic, or a channel of it; an empty channel means none. */
  register(producer: Producer, topicName: string, channelName = ''): void {
    const topic = this.#topic(topicName)
    if (!topic.producers.has(producer)) topic.producers.set(producer, 0)
    if (channelName !== '') channelOf(topic, channelName).add(producer)
  }

  /** Notes that a producer no longer has a channel. */
  unregisterChannel(producer: Producer, topicName: string, channelName: string): void {
    const topic = this.#topics.get(topicName)
    if (topic !== undefined) removeFromChannel(topic, channelName, producer)
  }

  /** Notes that a producer no longer has a topic, nor any of its channels. */
  unregisterTopic(producer: Producer, topicName: string): void {
    const topic = this.#topics.get(topicName)
    if (topic === undefined) return
    for (const channelName of topic.channels.keys()) removeFromChannel(topic, channelName, producer)
    const had = topic.producers.delete(producer)
    if (had && topic.producers.size === 0 && isEphemeral(topicName)) this.#topics.delete(topicName)
  }

  /** Makes a topic known that no producer has yet. */
  createTopic(topicName: string): void {
    this.#topic(topicName)
  }

  createChannel(topicName: string, channelName: string): void {
    channelOf(this.#topic(topicName), channelName)
  }

  /** Forgets a topic and its channels; producers that still have it register it again when they reconnect. */
  deleteTopic(topicName: string): void {
    this.#topics.delete(topicName)
  }

  /** Returns whether there was such a channel. */
  deleteChannel(topicName: string, channelName: string): boolean {
    return this.#topics.get(topicName)?.channels.delete(channelName) ?? false
  }

  /** Hides a node (see `nodeName`) from those who look for a topic, for a while; returns the tombstones set. */
  tombstone(topicName: string, node: string): Tombstone[] {
    const topic = this.#topics.get(topicName)
    if (topic === undefined) return []
    const since = this.#now()
    const set: Tombstone[] = []
    for (const producer of topic.producers.keys()) {
      if (nodeName(producer) !== node) continue
      topic.producers.set(producer, since)
      set.push({ topic: topicName, producer, since, until: since + this.#tombstoneLifetimeMs })
    }
    return set
  }

  hasTopic(topicName: string): boolean {
    return this.#topics.has(topicName)
  }

  /** All known topics, by name. */
  topics(): string[] {
    return [...this.#topics.keys()].sort()
  }

  /** The known channels of a topic, by name; none for an unknown topic. */
  channels(topicName: string): string[] {
    return [...(this.#topics.get(topicName)?.channels.keys() ?? [])].sort()
  }

  /** The producers of a topic that consumers should connect to: active and not tombstoned. */
  producersOf(topicName: string): Producer[] {
    const producers = this.#topics.get(topicName)?.producers ?? new Map<Producer, number>()
    return [...producers]
      .filter(([producer, since]) => this.#isActive(producer) && !this.#isTombstoned(since))
      .map(([producer]) => producer)
  }

  /** Every active producer with its topics by name, tombstoned ones too. */
  nodes(): { producer: Producer; topics: ProducerTopic[] }[] {
    const nodes = new Map<Producer, ProducerTopic[]>()
    for (const producer of this.#producers) if (this.#isActive(producer)) nodes.set(producer, [])
    for (const name of this.topics()) {
      for (const [producer, since] of this.#topics.get(name)?.producers ?? []) {
        nodes.get(producer)?.push({ topic: name, tombstoned: this.#isTombstoned(since) })
      }
    }
    return [...nodes].map(([producer, topics]) => ({ producer, topics }))
  }

  /** How many nsqds are connected, and how many of these are active. */
  get producerCounts(): { active: number; all: number } {
    let active = 0
    for (const producer of this.#producers) if (this.#isActive(producer)) active++
    return { active, all: this.#producers.size }
  }

  /** The tombstones that still count, by topic. */
  tombstones(): Tombstone[] {
    return this.topics().flatMap(topic =>
      [...(this.#topics.get(topic)?.producers ?? [])]
        .filter(([, since]) => this.#isTombstoned(since))
        .map(([producer, since]) => ({ topic, producer, since, until: since + this.#tombstoneLifetimeMs })),
    )
  }

  /** Everything registered by a producer, for `/debug`. */
  *registrations(): Generator<Registration, void, undefined> {
    const plain = { tombstoned: false, tombstonedAt: 0 }
    for (const producer of this.#producers) {
      yield { category: 'client', topic: '', channel: '', producer, ...plain }
    }
    for (const [topic, { producers, channels }] of this.#topics) {
      for (const [producer, since] of producers) {
        const tombstoned = this.#isTombstoned(since)
        yield { category: 'topic', topic, channel: '', producer, tombstoned, tombstonedAt: since }
      }
      for (const [channel, members] of channels) {
        for (const producer of members) yield { category: 'channel', topic, channel, producer, ...plain }
      }
    }
  }

  /**
   * An nsqd that connects anew has lost its connection, though nobody here was told, as when a cable was pulled: what it
   * had registered may be gone by now. So it counts as inactive, until something comes over that connection nevertheless.
   */
  #supersede(newer: Producer): void {
    for (const older of this.#producers) {
      if (nodeName(older) !== nodeName(newer) || older.tcpPort !== newer.tcpPort) continue
      if (hostOf(older) === hostOf(newer)) older.lastUpdate = Number.NEGATIVE_INFINITY
    }
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = { producers: new Map(), channels: new Map() }
      this.#topics.set(name, topic)
    }
    return topic
  }

  #isActive(producer: Producer): boolean {
    return this.#now() - producer.lastUpdate <= this.#inactiveTimeoutMs
  }

  #isTombstoned(since: number): boolean {
    return since !== 0 && this.#now() - since < this.#tombstoneLifetimeMs
  }
}

function channelOf(topic: Topic, name: string): Set<Producer> {
  let members = topic.channels.get(name)
  if (members === undefined) {
    members = new Set()
    topic.channels.set(name, members)
  }
  return members
}

function removeFromChannel(topic: Topic, name: string, producer: Producer): void {
  const members = topic.channels.get(name)
  if (members?.delete(producer) && members.size === 0 && isEphemeral(name)) topic.channels.delete(name)
}

/** Where its connection comes from. */
function hostOf({ id }: Producer): string {
  return id.slice(0, id.lastIndexOf(':'))
}

/** The time of day in milliseconds, but never set back: a producer must not look inactive because a clock was set. */
function steadyClock(): number {
  return performance.timeOrigin + performance.now()
}
