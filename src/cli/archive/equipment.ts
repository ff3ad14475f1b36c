import { type ArchiverOptions, lanesOf } from '../../archive/archiver-options.ts'
import { loadCompression } from '../../archive/compression.ts'
import { messageTime } from '../../archive/message-time.ts'
import { recordFormat } from '../../archive/record-format.ts'
import { type ConsumerOptions, ROTATE_MS } from '../../client/consumer/consumer-options.ts'
import { lookupOptions, resolveConnectionOptions } from '../../client/options.ts'
import type { LookupOptions } from '../../cluster/lookup.ts'
import { type Sources, sources } from '../addresses.ts'
import { consumerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { ArchiveOptions } from '../commands/archive.ts'
import { BacklogWatch } from './backlog.ts'
import type { Budget } from './budget.ts'
import { type OpenPlace, openPlace } from './place.ts'
import type { Manifests } from './manifests.ts'
import type { Report } from './report.ts'
import type { ArchiveSettings } from './settings.ts'
import { TopicArchive } from './topic-archive.ts'

export interface EquipmentOptions {
  readonly context: Context<ArchiveOptions>
  readonly settings: ArchiveSettings
  readonly report: Report
  readonly budget: Budget
}

/** A run that empties a channel should soon know of every nsqd, and one that serves a few topics may ask as often. */
const LOOKUP_POLL_MS = 5000

/** After a full disk, or an S3 that is away: so long after it has come back the archive knows. */
const LONGEST_BACKOFF_MS = 10_000

/** What the archives of all topics have in common: where files go and how, and how nsqd is spoken to. */
export class Equipment {
  readonly from: Sources
  readonly lookupOptions: LookupOptions
  readonly #place: OpenPlace
  readonly #manifests: Manifests | undefined
  readonly #archiver: Omit<ArchiverOptions, 'topic' | 'names' | 'manifest' | 'isStarved'>
  readonly #consumer: Omit<ConsumerOptions, 'topic' | 'onMessage' | 'handler' | 'codec' | 'schema'> &
    Required<Pick<ConsumerOptions, 'maxInFlight' | 'rotateMs'>>
  readonly #settings: ArchiveSettings
  readonly #budget: Budget
  readonly #time: ReturnType<typeof messageTime>

  /** @throws NsqError what is wrong with the output, the compression, or a file named for the connection */
  static async open(options: EquipmentOptions): Promise<Equipment> {
    const { context, settings, report } = options
    const flags = context.options
    const [client, compression] = await Promise.all([
      consumerOptions(flags, flags.consumerOpt),
      loadCompression(settings.compression.name, settings.compression.level),
    ])
    const place = await openPlace(settings.place, report)
    return new Equipment(
      options,
      client,
      compression,
      place,
      await loadManifests(flags.manifest, place, settings.host),
    )
  }

  private constructor(
    { context: { options: flags }, settings, report, budget }: EquipmentOptions,
    client: Awaited<ReturnType<typeof consumerOptions>>,
    compression: Awaited<ReturnType<typeof loadCompression>>,
    place: OpenPlace,
    manifests: Manifests | undefined,
  ) {
    this.#manifests = manifests
    this.#settings = settings
    this.#budget = budget
    this.#place = place
    this.#time = messageTime(flags.timeField)
    this.from = sources(flags)
    const requestTimeoutMs = Math.round(flags.httpClientRequestTimeout)
    const asked = { lookupTimeoutMs: requestTimeoutMs, ...client }
    this.lookupOptions = {
      ...lookupOptions(resolveConnectionOptions(asked)),
      connectTimeoutMs: Math.round(flags.httpClientConnectTimeout),
    }
    const asksOften = flags.untilEmpty || flags.topicPattern === undefined
    const maxInFlight = Math.min(
      client.maxInFlight ?? settings.maxInFlight,
      // What is beyond would only be taken from others and given back.
      flags.maxMessages === 0 ? Infinity : flags.maxMessages,
    )
    this.#consumer = {
      ...(asksOften ? { lookupPollIntervalMs: LOOKUP_POLL_MS } : {}),
      maxBackoffMs: LONGEST_BACKOFF_MS,
      ...asked,
      channel: settings.channel,
      nsqd: this.from.nsqd,
      lookupd: this.from.lookupd,
      maxInFlight,
      rotateMs: client.rotateMs ?? ROTATE_MS,
      onError: report.failed,
    }
    const { finishAfter } = settings
    this.#archiver = {
      channel: settings.channel,
      format: recordFormat(settings.framing),
      compression,
      messageMs: message => this.#time.ms(message),
      folder: place.folder,
      destination: place.destination,
      finishAfter,
      commitAt: Math.max(1, Math.floor(maxInFlight / lanesOf({ finishAfter, compression }))),
      syncIntervalMs: Math.max(1, Math.round(flags.syncInterval)),
      rotateBytes: flags.rotateSize,
      rotateIntervalMs: Math.round(flags.rotateInterval),
      keepsEmptyFiles: settings.keepsEmptyFiles,
      failsAtOnce: settings.hasEnd,
      events: report,
    }
  }

  /** @throws NsqError as `TopicArchive.open` */
  openTopic(topic: string): Promise<TopicArchive> {
    return TopicArchive.open({
      archiver: {
        ...this.#archiver,
        topic,
        names: this.#settings.names(topic),
        manifest: this.#manifests?.of(topic),
      },
      consumer: { ...this.#consumer, topic },
      budget: this.#budget,
    })
  }

  watch(archive: TopicArchive): BacklogWatch {
    return new BacklogWatch({
      topic: archive.topic,
      channel: this.#settings.channel,
      nsqd: this.from.nsqd,
      lookupd: this.from.lookupd,
      lookupOptions: this.lookupOptions,
      connections: () => archive.connections,
      maxInFlight: this.#consumer.maxInFlight,
      rotateMs: this.#consumer.rotateMs,
    })
  }

  /** Mends what runs with other names have left, once the archives of this run are open. */
  recover(): Promise<void> {
    return this.#place.folder.recover(this.#place.destination, this.#manifests?.of('recovered'))
  }

  get recovered(): { readonly files: number; readonly waiting: number } {
    return this.#place.folder.recovered
  }

  /** Messages that went by nsqd's time, as they had none of their own. */
  get withoutTime(): number {
    return this.#time.missing
  }

  /** Waits for what `recover` has found to be delivered. Once all archives are closed. */
  async close(): Promise<void> {
    const { folder, destination } = this.#place
    await folder.close()
    await this.#manifests?.close()
    await destination.close()
  }
}

/** What makes manifests is loaded only for who wants some. */
async function loadManifests(
  areWanted: boolean,
  { destination }: OpenPlace,
  host: string,
): Promise<Manifests | undefined> {
  if (!areWanted) return undefined
  const { Manifests } = await import('./manifests.ts')
  return new Manifests(destination, host)
}
