import type { NsqError } from '../util/errors.ts'
import type { Compression } from './compression.ts'
import type { Delivered, Destination, SealedPart } from './destination.ts'
import type { FileNames } from './file-name.ts'
import type { Manifest } from './manifest.ts'
import type { ArchivedMessage } from './message.ts'
import type { PartFolder } from './part-folder.ts'
import type { RecordFormat } from './record-format.ts'

/** What an archiver tells its user while it works. No handler may throw. */
export interface ArchiverEvents {
  /** A file was made, or one that was there is continued. `path` is absolute. */
  opened(path: string, isContinued: boolean): void
  /** A part has got to its destination, one that was left by an earlier run (`recovered`) included. */
  delivered(part: SealedPart, delivered: Delivered): void
  /** A file left by a run that died was mended where it lies. `cutBytes` were a torn record or member. */
  recovered(path: string, outcome: RecoveryOutcome, cutBytes: number): void
  /**
   * These messages are durable, and were finished; `unfinished` are those of them whose `finish` returned false: nsqd
   * delivers them again, and the archive will have them twice.
   */
  finished(messages: readonly ArchivedMessage[], unfinished: readonly ArchivedMessage[]): void
  /** So many messages went back to nsqd because of this error. */
  givenBack(messages: number, error: NsqError): void
  /** Something is wrong that the archive survives: a delivery that will be tried again, a marker that is garbage. */
  warned(error: NsqError): void
}

/**
 * - `kept`: in place, as it is or to be continued
 * - `sealed`: it goes to its destination
 * - `removed`: nothing whole was in it, or nothing that nsqd does not still have
 */
export type RecoveryOutcome = 'kept' | 'sealed' | 'removed'

export interface ArchiverOptions {
  readonly topic: string
  readonly channel: string
  readonly names: FileNames
  readonly format: RecordFormat
  readonly compression: Compression
  /** The time of a message, in milliseconds since 1970. Asked only when `names.isPartitioned`. */
  readonly messageMs: (message: ArchivedMessage) => number
  /** Where files are written: the folder of the destination when that is in place, else the work folder or the spool. */
  readonly folder: PartFolder
  readonly destination: Destination
  readonly manifest?: Manifest | undefined
  /**
   * When messages are finished: when they are in a file that was synced; or when that file has been delivered, too: then
   * each batch makes files of its own.
   */
  readonly finishAfter: 'durable' | 'delivered'
  /** Messages in a batch: what the consumer may have in flight, divided by `lanesOf`, at least 1. */
  readonly commitAt: number
  /** Whether nothing more comes until messages are answered (`Consumer.isStarved`). Asked once a turn of the event loop. */
  readonly isStarved: () => boolean
  /** What was gathered is committed after so many milliseconds; and so often it is seen whether to rotate. At least 1. */
  readonly syncIntervalMs: number
  /** A file with more than so many bytes, before compression, is followed by another; 0: never. */
  readonly rotateBytes: number
  /** A file that was opened so many milliseconds ago is followed by another; 0: never. */
  readonly rotateIntervalMs: number
  /** Whether a file is opened for each time, messages or not, as nsq_to_file does without `--skip-empty-files`. */
  readonly keepsEmptyFiles: boolean
  /**
   * What happens after an error that may pass, as a full disk: false, messages go back and the archive goes on, slowed
   * down by the consumer's backoff; true, it fails as after any other.
   */
  readonly failsAtOnce: boolean
  readonly events: ArchiverEvents
}

/** How far an archiver is. */
export interface ArchiverProgress {
  /** Messages that were finished, those whose `finish` returned false not counted. */
  readonly messages: number
  /** Messages that are durable, and whose `finish` returned false. */
  readonly unfinished: number
  /** Messages that went back to nsqd. */
  readonly requeued: number
  /** Bytes of the committed messages as they were encoded, before compression. */
  readonly bytes: number
  /** Files that were delivered, those of earlier runs not counted. */
  readonly files: number
  /** Files left by runs that died, and mended. */
  readonly recovered: number
  /** Files that are complete and not delivered. */
  readonly waiting: number
  /** The file that was written to last, relative to its folder. */
  readonly currentFile: string | undefined
  /** Messages that were added, and not answered. */
  readonly inHand: number
}

/**
 * How many batches may be under way. Two where there is something to compress or to deliver meanwhile. Where there is only
 * the disk one is better: it is twice as large, so that there are half as many syncs.
 */
export function lanesOf({
  finishAfter,
  compression,
}: Pick<ArchiverOptions, 'finishAfter' | 'compression'>): number {
  return finishAfter === 'durable' && compression.name === 'none' ? 1 : 2
}
