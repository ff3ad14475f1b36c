import { asError } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import { version } from '../util/version.ts'
import type { DiskPart } from './disk-health.ts'
import { loadMetadata, type Metadata, MetadataStore, type TopicMetadata } from './metadata.ts'
import type { NsqdOptions } from './options.ts'
import { SegmentNumbers } from './segment-numbers.ts'

/** When a change of topics, channels or pauses must survive a power cut, too, in ms. */
const DURABLE_SAVE_AFTER = 500
/** When that is tried again after the disk has refused it, in ms. */
const SAVE_RETRY = 1000

interface ListedTopic {
  readonly name: string
  readonly paused: boolean
  readonly channels: ReadonlyMap<string, { readonly name: string; readonly paused: boolean }>
}

export interface TopicListHost {
  readonly options: Pick<NsqdOptions, 'dataPath' | 'durability'>
  readonly logger: Logger
  readonly topics: ReadonlyMap<string, ListedTopic>
  /** The disk has taken the list, or has refused it. */
  diskResult(error: Error | null, part: DiskPart): void
}

/** The list of topics, channels and pauses, as nsqd.dat keeps it, with the segment numbers that were set aside. */
export class TopicList {
  readonly numbers: SegmentNumbers = new SegmentNumbers(() => this.#store?.saveNow(this.#describe()))
  readonly #host: TopicListHost
  #store: MetadataStore | undefined
  /** What was loaded; undefined when all of it is open. */
  #loaded: TopicMetadata[] | undefined = []
  #later: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(host: TopicListHost) {
    this.#host = host
  }

  /**
   * What there was, by name. Until `opened` nothing of it is changed.
   *
   * @throws NsqError E_METADATA
   */
  load(): ReadonlyMap<string, TopicMetadata> {
    const { options, logger } = this.#host
    const metadata = loadMetadata(options.dataPath, text => logger.warn(text))
    this.#loaded = metadata?.topics ?? []
    this.#store = new MetadataStore(options.dataPath)
    this.numbers.startFrom(metadata?.segment_reserve ?? 0)
    return new Map(this.#loaded.map(topic => [topic.name, topic]))
  }

  /** Everything that was loaded is open. */
  opened(): void {
    this.#loaded = undefined
    try {
      this.numbers.setAside()
    } catch (error) {
      // What is there can be delivered. Publishes are refused until there are numbers.
      this.#saved(error)
    }
  }

  /**
   * Topics, channels or pauses have changed: nsqd.dat says so before anybody is told. Without --durability=power that is
   * done without waiting for the disk, and made to survive a power cut in the background, a moment later.
   */
  changed(): void {
    if (this.#isStopped || this.#loaded !== undefined || this.#store === undefined) return
    const durable = this.#host.options.durability === 'power'
    try {
      this.#store.saveNow(this.#describe(), durable)
    } catch (error) {
      this.#saved(error)
      return
    }
    if (durable) this.#saved()
    else this.#saveLater(DURABLE_SAVE_AFTER)
  }

  /** Writes nothing more down until `close`. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#later)
  }

  /** Writes it down for the last time. Throws NsqError E_METADATA. */
  async close(): Promise<void> {
    this.stop()
    try {
      if (this.#loaded === undefined) this.#store?.saveNow(this.#describe())
    } finally {
      await this.#store?.settle()
    }
  }

  #describe(): Metadata {
    const topics =
      this.#loaded ??
      [...this.#host.topics.values()].map(topic => ({
        name: topic.name,
        paused: topic.paused,
        channels: [...topic.channels.values()].map(({ name, paused }) => ({ name, paused })),
      }))
    return { topics, version, segment_reserve: this.numbers.reserve }
  }

  #saveLater(ms: number): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      this.#store?.save(this.#describe()).then(
        () => this.#saved(),
        (error: unknown) => this.#saved(error),
      )
    }, ms)
  }

  /** What the disk has refused is tried again until it takes it. */
  #saved(error?: unknown): void {
    if (this.#isStopped) return
    this.#host.diskResult(error === undefined ? null : asError(error), 'the list of topics and channels')
    if (error !== undefined) this.#saveLater(SAVE_RETRY)
  }
}
