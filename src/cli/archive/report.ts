import type { ArchiverEvents, RecoveryOutcome } from '../../archive/archiver-options.ts'
import type { Delivered, Destination, SealedPart } from '../../archive/destination.ts'
import type { ArchivedMessage } from '../../archive/message.ts'
import type { NsqError } from '../../util/errors.ts'
import type { Logger } from '../../util/logger.ts'
import { Complaints } from '../complaints.ts'
import { formatBytes, plural } from '../units.ts'
import type { Unfinished } from './unfinished.ts'

const PAUSE_MS = 1000

const DONE: Record<Destination['kind'], string> = {
  'in place': 'completed',
  folder: 'moved to',
  s3: 'uploaded to',
}

const MENDED: Record<RecoveryOutcome, string> = {
  kept: 'is whole',
  sealed: 'is whole, and goes to the output',
  removed: 'had nothing in it that nsqd does not still have, and is removed',
}

/** Tells the log what archivers and consumers do, and keeps in mind which messages are not finished. */
export class Report implements ArchiverEvents {
  readonly #log: Logger
  readonly #unfinished: Unfinished
  readonly #done: string
  readonly #complaints: Complaints
  /** Messages that went back and were not told of. */
  #back = 0
  #backAt = Number.NEGATIVE_INFINITY

  constructor(log: Logger, unfinished: Unfinished, kind: Destination['kind'], signal: AbortSignal) {
    this.#log = log
    this.#unfinished = unfinished
    this.#done = DONE[kind]
    this.#complaints = new Complaints(text => log.warn(text), signal)
  }

  /** From now on what consumers say is told: until then, a failure ends the command. */
  begin(): void {
    this.#complaints.begin()
  }

  /** For the consumers' `onError`. */
  readonly failed = (error: NsqError): void => {
    if (this.#unfinished.refused(error)) this.#log.info(`${error.message}; it is archived, and comes again`)
    else this.#complaints.add(error)
  }

  opened(path: string, isContinued: boolean): void {
    this.#log.info(() => `${isContinued ? 'continuing' : 'opened'} ${path}`)
  }

  delivered(part: SealedPart, { location }: Delivered): void {
    this.#log.info(
      () => `${this.#done} ${location}: ${plural(part.records, 'message')}, ${formatBytes(part.bytes)}`,
    )
  }

  recovered(path: string, outcome: RecoveryOutcome, cutBytes: number): void {
    this.#log.info(() => {
      const cut = cutBytes === 0 ? '' : `; ${formatBytes(cutBytes)} that were not whole are cut off`
      return `${path}, left by a run that died, ${MENDED[outcome]}${cut}`
    })
  }

  finished(messages: readonly ArchivedMessage[], unfinished: readonly ArchivedMessage[]): void {
    this.#unfinished.answered(messages, unfinished)
  }

  /** Once a second at most: on a full disk each file of each batch has some. */
  givenBack(messages: number, error: NsqError): void {
    this.#back += messages
    const now = performance.now()
    if (now - this.#backAt < PAUSE_MS) return
    this.#log.warn(`${plural(this.#back, 'message')} went back to nsqd: ${error.message}`)
    this.#back = 0
    this.#backAt = now
  }

  warned(error: NsqError): void {
    this.#log.warn(error.remedy === undefined ? error.message : `${error.message} (${error.remedy})`)
  }
}
