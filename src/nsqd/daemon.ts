import type { Socket } from 'node:net'
import { hostname } from 'node:os'
import type { LookupIdentity } from '../protocol/lookup.ts'
import { BlockPool } from '../storage/block-pool.ts'
import { MemoryBudget } from '../storage/memory-budget.ts'
import { highestNumber } from '../storage/recovery.ts'
import { topicDirectory, topicNames } from '../storage/topic-directory.ts'
import type { Address, Endpoint } from '../util/address.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { Complaints } from '../util/complaints.ts'
import type { Logger } from '../util/logger.ts'
import { version } from '../util/version.ts'
import type { Channel } from './channel.ts'
import { now } from './clock.ts'
import { lockDataPath } from './data-lock.ts'
import { DiskHealth, type DiskPart } from './disk-health.ts'
import { nsqdRoutes } from './http.ts'
import { refuseTooMany } from './limits.ts'
import { Listeners, portOf } from './listeners.ts'
import { LookupPeers } from './lookup-peers.ts'
import { warnOfOfficialFiles } from './official-files.ts'
import { type NsqdOptions, optionWarnings } from './options.ts'
import { Orphans } from './orphans.ts'
import { peek, type PeekedMessage, type PeekLimits } from './peek.ts'
import { Phase } from './phase.ts'
import { publish, publishSized } from './publishing.ts'
import { Refusal } from './refusal.ts'
import { replay, type ReplayReport, type TimeRange } from './replay.ts'
import { type Secured, secure } from './secured.ts'
import { Session, type SessionHost } from './session.ts'
import { endUnhurried } from './shutdown.ts'
import { startStatsd, type StatsdPusher } from './statsd.ts'
import type { Topic, TopicHost } from './topic.ts'
import { TopicList } from './topic-list.ts'
import { MAINTENANCE, TopicStores } from './topic-stores.ts'
import { readTlsFiles } from './tls-files.ts'
import { Turn } from './turn.ts'
import { Unsent } from './unsent.ts'

/** An nsqd: topics and channels on a data path, served over TCP and HTTP. */
export class Nsqd implements TopicHost, SessionHost {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly complaints: Complaints
  readonly turn: Turn
  readonly unsent: Unsent = new Unsent()
  readonly startTime: Date = new Date()
  readonly lookupPeers: LookupPeers
  readonly #topics = new Map<string, Topic>()
  readonly #phase: Phase
  readonly #stores: TopicStores
  readonly #sessions = new Set<Session>()
  readonly #budget: MemoryBudget
  readonly #disk: DiskHealth
  readonly #orphans: Orphans
  readonly #listeners: Listeners
  readonly #list = new TopicList(this)
  #secured: Secured = { tlsLayer: undefined, authServers: undefined }
  #unlock: (() => void) | undefined
  #maintenance: NodeJS.Timeout | undefined
  #statsd: StatsdPusher | undefined
  #sessionNumber = 0
  #loading = true
  #closing = false

  constructor(options: NsqdOptions, logger: Logger) {
    this.options = options
    this.logger = logger
    this.complaints = new Complaints(logger)
    this.#disk = new DiskHealth(options.dataPath, logger)
    this.#phase = new Phase(this.#topics, logger)
    const pool = new BlockPool(this.unsent)
    this.turn = new Turn({ flushesFirst: options.durability === 'none', ended: () => pool.endTurn() })
    this.#budget = new MemoryBudget(options.memQueueBytes, pool)
    this.#stores = new TopicStores(this, this.#budget, this.#list.numbers)
    this.lookupPeers = new LookupPeers({
      identity: () => this.#identity(),
      topics: this.#topics,
      logger,
    })
    this.#orphans = new Orphans(options.orphanAfter, logger)
    this.#listeners = new Listeners({
      options,
      logger,
      routes: nsqdRoutes(this),
      accept: socket => this.#accept(socket),
    })
  }

  get topics(): ReadonlyMap<string, Topic> {
    return this.#topics
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions
  }

  /** `OK`, or `NOK - ` and what is wrong with the disk, or that it is draining or shutting down. */
  get health(): string {
    const disk = this.#disk.text
    const { problem } = this.#phase
    if (problem === undefined) return disk
    return disk === 'OK' ? `NOK - ${problem}` : `${disk}; ${problem}`
  }

  get refusal(): Refusal | undefined {
    return this.#phase.refusal
  }

  get isStopping(): boolean {
    return this.#phase.isStopping
  }

  get refusedConnections(): number {
    return this.#listeners.refusedConnections
  }

  get memory(): Pick<MemoryBudget, 'used' | 'limit'> {
    return this.#budget
  }

  /** Where it listens for clients; only after `start`, and not when that is a Unix socket. */
  get tcpAddress(): Address {
    return asAddress(this.#listeners.tcp)
  }

  get httpAddress(): Address {
    return asAddress(this.#listeners.http)
  }

  get httpsAddress(): Address {
    return asAddress(this.#listeners.https)
  }

  get tcpPort(): number {
    return portOf(this.#listeners.tcp)
  }

  get httpPort(): number {
    return portOf(this.#listeners.http)
  }

  get secured(): Secured {
    return this.#secured
  }

  /**
   * Reads the data path and begins to serve.
   *
   * @throws NsqError E_TLS_FILE, E_DATA_PATH, E_DATA_PATH_LOCKED, E_METADATA, or E_LISTEN… naming what is wrong.
   */
  async start(): Promise<void> {
    this.logger.info(`nsqd v${version} (nsq-ts, node ${process.version})`)
    for (const warning of optionWarnings(this.options)) this.logger.warn(warning)
    const tls = readTlsFiles(this.options)
    for (const warning of tls.warnings) this.logger.warn(warning)
    this.#secured = secure(this.options, tls)
    this.#unlock = lockDataPath(this.options.dataPath)
    try {
      this.#load()
      await this.#listeners.listen(tls.server)
    } catch (error) {
      // What keeps it from starting may keep it from closing, too.
      await this.close().catch(() => undefined)
      throw error
    }
    this.lookupPeers.setAddresses(this.options.lookupdTcpAddress)
    this.#maintenance = setInterval(() => this.#maintain(), MAINTENANCE)
    this.#statsd = startStatsd(this)
  }

  /** Refuses publishes and new topics from now on, and goes on delivering; not kept over a restart. */
  drain(): void {
    this.#phase.drain()
  }

  undrain(): void {
    this.#phase.undrain()
  }

  /**
   * Takes nothing in and delivers nothing any more, lets consumers answer what they have in hand for --shutdown-timeout,
   * ends all connections, and writes down the exact state of every topic.
   *
   * @throws NsqError E_SHUTDOWN when something could not be written down
   */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#phase.stop()
    this.lookupPeers.close()
    this.#listeners.stop(this.options.shutdownTimeout)
    await endUnhurried(this.#sessions, this.options.shutdownTimeout, this.logger)
    clearInterval(this.#maintenance)
    this.#list.stop()
    await this.#statsd?.close()
    this.#secured.authServers?.close()
    await this.#listeners.close()
    const failures: unknown[] = []
    const closing = [...this.#topics.values()].map(async topic => {
      try {
        await topic.shed()
        await this.#stores.close(topic)
      } catch (error) {
        failures.push(error)
        this.logger.error(`topic ${topic.name}: cannot save its state: ${errorText(error)}`)
      }
    })
    await Promise.all(closing)
    try {
      await this.#list.close()
    } finally {
      this.#unlock?.()
    }
    if (this.#listeners.tcp !== undefined) this.logger.info('closed')
    if (failures.length > 0)
      throw new NsqError('E_SHUTDOWN', 'not all topics could be saved', { cause: failures[0] })
  }

  /** The topic of this name; made when there is none. Throws Refusal when nothing is taken in. */
  topic(name: string): Topic {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    if (this.refusal !== undefined) throw this.refusal
    refuseTooMany(this.#topics.size, this.options)
    const topic = this.#open(name)
    this.logger.info(`topic ${name}: created`)
    this.lookupPeers.register(name)
    this.#list.changed()
    if (this.lookupPeers.addresses.length === 0) {
      topic.begin()
      return topic
    }
    void this.#beginWithKnownChannels(topic)
    return topic
  }

  deleteTopic(name: string): boolean {
    const topic = this.#topics.get(name)
    if (topic === undefined) return false
    this.#topics.delete(name)
    for (const channel of topic.channels.keys()) this.lookupPeers.unregister(name, channel)
    this.lookupPeers.unregister(name)
    this.#stores.remove(topic)
    this.#disk.forget(`the checkpoint of topic ${name}`)
    this.logger.info(`topic ${name}: deleted`)
    this.#list.changed()
    return true
  }

  deleteChannel(topicName: string, channelName: string): boolean {
    const topic = this.#topics.get(topicName)
    const channel = topic?.channels.get(channelName)
    if (topic === undefined || channel === undefined) return false
    topic.deleteChannel(channel)
    return true
  }

  /** Resolves when a kill -9 will not undo what has been done to this topic. */
  async settle(topicName: string): Promise<void> {
    const topic = this.#topics.get(topicName)
    if (topic !== undefined) await this.#stores.settle(topic)
  }

  /** Resolves when the messages are as safe as --durability says. Rejects with NsqError E_PUB_FAILED, or Refusal. */
  async publish(name: string, bodies: readonly Buffer[], deferMs: number): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal
    await publish(this.topic(name), bodies, deferMs)
  }

  /** The same of `count` messages that lie in bytes[start..end) one behind the other, each behind its size (u32 BE). */
  async publishSized(name: string, bytes: Buffer, start: number, end: number, count: number): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal
    await publishSized(this.topic(name), bytes, start, end, count)
  }

  peek(topicName: string, channelName: string, limits: PeekLimits): Promise<PeekedMessage[]> {
    return peek(this.#topics, topicName, channelName, limits)
  }

  /** What a replay would do, and, if `apply`, does. Throws HttpError; see `replay`. */
  async replay(
    topicName: string,
    channelName: string,
    range: TimeRange,
    apply: boolean,
  ): Promise<ReplayReport> {
    if (apply) await this.#topics.get(topicName)?.shed()
    return replay(this.#topics, topicName, channelName, range, apply)
  }

  makeRoom(error: unknown): boolean {
    return this.#stores.makeRoom(error)
  }

  diskResult(error: Error | null, part: DiskPart = 'messages'): void {
    this.#disk.report(part, error)
  }

  channelCreated(topic: Topic, channel: Channel): void {
    if (this.#loading) return
    this.logger.info(`channel ${topic.name}/${channel.name}: created`)
    this.lookupPeers.register(topic.name, channel.name)
    this.#list.changed()
  }

  channelDeleted(topic: Topic, channel: Channel): void {
    this.logger.info(`channel ${topic.name}/${channel.name}: deleted`)
    this.lookupPeers.unregister(topic.name, channel.name)
    this.#list.changed()
    if (topic.ephemeral && topic.channels.size === 0) this.deleteTopic(topic.name)
  }

  pauseChanged(): void {
    this.#list.changed()
  }

  sessionClosed(session: Session): void {
    this.#sessions.delete(session)
  }

  /** Other nsqds may have channels of this topic: they are made first, so that each gets the first message. */
  async #beginWithKnownChannels(topic: Topic): Promise<void> {
    const channels = await this.lookupPeers.knownChannels(topic.name)
    if (topic.closed) return
    try {
      for (const channel of channels) topic.channel(channel)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.complaints.warn(
        error.code,
        `topic ${topic.name}: not all channels that nsqlookupd knows are made: ${error.message}`,
      )
    }
    topic.begin()
  }

  #maintain(): void {
    this.#stores.maintain()
    this.#orphans.look(this.#topics, now())
    void this.#disk.probe()
  }

  #accept(socket: Socket): void {
    this.#sessions.add(new Session(this, socket, ++this.#sessionNumber))
  }

  #open(name: string): Topic {
    const topic = this.#stores.open(name)
    this.#topics.set(name, topic)
    return topic
  }

  #load(): void {
    const { dataPath } = this.options
    const saved = this.#list.load()
    // A topic is there when its folder is: nsqd.dat may be a moment behind.
    const names = topicNames(dataPath)
    for (const name of names) {
      const highest = highestNumber(topicDirectory(dataPath, name))
      this.#list.numbers.startFrom(highest + 1)
    }
    warnOfOfficialFiles(dataPath, this.logger)
    for (const name of new Set([...names, ...saved.keys()])) {
      const topic = this.#stores.reopen(name)
      this.#topics.set(name, topic)
      const known = saved.get(name)
      for (const { name: channelName, paused } of known?.channels ?? []) {
        // However many: what is there stays.
        const channel = topic.channels.get(channelName) ?? topic.addChannel(channelName, topic.distributed)
        if (paused) channel.pause()
      }
      if (known?.paused === true) topic.pause()
      topic.begin()
    }
    this.#loading = false
    this.#list.opened()
  }

  #identity(): LookupIdentity {
    const { options, tcpPort, httpPort } = this
    return {
      tcp_port: options.broadcastTcpPort ?? tcpPort,
      http_port: options.broadcastHttpPort ?? httpPort,
      version,
      hostname: hostname(),
      broadcast_address: options.broadcastAddress,
      topology_region: options.topologyRegion,
      topology_zone: options.topologyZone,
    }
  }
}

function asAddress(endpoint: Endpoint | undefined): Address {
  if (endpoint !== undefined && 'port' in endpoint) return endpoint
  throw new NsqError('E_NOT_STARTED', 'nsqd does not listen on a port here, or not yet')
}
