import type { NsqError } from '../util/errors.ts'
import type { Portion } from './batch.ts'
import type { Compression } from './compression.ts'
import type { SealedPart } from './destination.ts'
import { PartLost, writeFailed } from './errors.ts'
import { PartFile, type PartFilePlan } from './part-file.ts'
import type { Slots } from '../util/slots.ts'

/** What the parts of an archiver have in common. */
export interface PartPlan extends Omit<PartFilePlan, 'template'> {
  readonly compression: Compression
  /** How many may compress at a time: each takes a quarter of a MiB, and a batch may have a portion for every message. */
  readonly compressions: Slots
  /** How many may write at a time. */
  readonly writes: Slots
  /** Whether the earliest and the latest timestamp are wanted. */
  readonly hasTimes: boolean
  /** Whether a file is kept when there is nothing in it. */
  readonly isKeptEmpty: boolean
  readonly opened: (file: PartFile) => void
  /** A file keeps its marker, for the next run, because of this error. */
  readonly left: (error: NsqError) => void
}

/** A part that is complete, on disk, and still marked. */
export interface ClosedPart {
  readonly part: SealedPart
  readonly markerPath: string
}

/**
 * One output file, from the first message that belongs to it. Its file is opened by the first commit. It is sealed when no
 * more messages are to come, and closed when the last one is committed.
 */
export class Part {
  readonly template: string
  readonly openedMs: number
  /** Resolves when the file is closed: with what is to be delivered, or undefined when that is nothing. */
  readonly closed: Promise<ClosedPart | undefined>
  /** What the batch that is being gathered has for it. */
  portion: Portion | undefined
  /** How long it is, before compression, what is not committed included. */
  bytes = 0
  /** When a message last came. */
  usedMs: number
  readonly #plan: PartPlan
  #resolveClosed: (closed: ClosedPart | undefined) => void = () => {}
  #isSealed = false
  #isClosing = false
  /** Commits that have not ended. */
  #underWay = 0
  /** The last of them, or the part before this one: the next one writes after it. */
  #last: Promise<unknown>
  #file: PartFile | undefined
  #records = 0
  /** It was meant to have messages: without any it is not a file for a time in which nothing came. */
  #hasFailed = false
  #from: bigint | undefined
  #to: bigint | undefined

  /** `predecessor`: settles when a part before it, which may have the same file, is closed. */
  constructor(plan: PartPlan, template: string, nowMs: number, predecessor: Promise<unknown>) {
    this.#plan = plan
    this.#last = predecessor
    this.template = template
    this.openedMs = nowMs
    this.usedMs = nowMs
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
  }

  /** Whether its file can be written to no more. */
  get isBroken(): boolean {
    return this.#file !== undefined && this.#file.state !== 'good'
  }

  /**
   * Writes what was gathered. Portions are compressed side by side, and written in the order of these calls. When it
   * rejects, nothing of this portion is in the file.
   *
   * @throws NsqError `E_ARCHIVE_WRITE`, `E_ARCHIVE_NAME`
   */
  commit(portion: Portion): Promise<void> {
    this.portion = undefined
    return this.#inTurn(async before => {
      const buffers = await this.#plan.compressions.use(() => this.#compress(portion))
      await before
      await this.#plan.writes.use(() => this.#write(portion, buffers))
    })
  }

  /** Opens its file, so that there is one even without messages. */
  open(): Promise<void> {
    return this.#inTurn(async before => {
      await before
      await this.#plan.writes.use(() => this.#open())
    })
  }

  /** What was gathered is not to be written. */
  drop(): void {
    this.portion = undefined
    this.#closeIfDone()
  }

  /** No more messages will come. */
  seal(): void {
    this.#isSealed = true
    this.#closeIfDone()
  }

  /** `before`: what a task has to wait for before it comes to the file. Who waits has no slot: that might be for ever. */
  #inTurn(task: (before: Promise<unknown>) => Promise<void>): Promise<void> {
    this.#underWay++
    const done = task(this.#last).finally(() => {
      this.#underWay--
      this.#closeIfDone()
    })
    // With those before it: one that fails early, as it cannot be compressed, has not waited for them. Without what they say,
    // or each would hold all before it.
    this.#last = Promise.allSettled([this.#last, done]).then(() => undefined)
    return done
  }

  async #compress({ chunks }: Portion): Promise<Buffer[]> {
    try {
      return await this.#plan.compression.compress(chunks.buffers)
    } catch (error) {
      throw writeFailed(this.template, error)
    }
  }

  async #open(): Promise<PartFile> {
    if (this.#file !== undefined) return this.#file
    const file = await PartFile.open({ ...this.#plan, template: this.template })
    this.#file = file
    this.bytes += file.bytes
    this.#plan.opened(file)
    return file
  }

  async #write({ messages }: Portion, buffers: readonly Buffer[]): Promise<void> {
    const file = await this.#open()
    if (file.state !== 'good') {
      throw writeFailed(file.path, new PartLost('a batch before this one has failed'))
    }
    try {
      await file.write(buffers)
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
    this.#records += messages.length
    if (!this.#plan.hasTimes) return
    for (const { timestamp } of messages) {
      if (this.#from === undefined || timestamp < this.#from) this.#from = timestamp
      if (this.#to === undefined || timestamp > this.#to) this.#to = timestamp
    }
  }

  #closeIfDone(): void {
    if (!this.#isSealed || this.portion !== undefined || this.#underWay > 0 || this.#isClosing) return
    this.#isClosing = true
    void this.#close().then(this.#resolveClosed)
  }

  async #close(): Promise<ClosedPart | undefined> {
    await this.#last
    const file = this.#file
    if (file === undefined) return undefined
    try {
      return await this.#finish(file)
    } catch (error) {
      this.#plan.left(writeFailed(file.path, error))
      return undefined
    }
  }

  /** Where that fails, nothing stays: a file of no bytes is none that a decompressor reads. */
  async #writeEmpty(file: PartFile): Promise<void> {
    try {
      await file.write([await this.#plan.compression.empty()])
    } catch (error) {
      await (file.state === 'good' ? file.discard() : file.close())
      throw error
    }
  }

  async #finish(file: PartFile): Promise<ClosedPart | undefined> {
    const { compression, origin } = this.#plan
    const isKeptEmpty = this.#plan.isKeptEmpty && !this.#hasFailed
    if (file.state === 'left') {
      await file.close()
      throw new PartLost(
        'it is not whole, and could not be cut back to where it is; the next run will do that',
      )
    }
    if (file.state === 'good' && file.bytes === 0 && isKeptEmpty) await this.#writeEmpty(file)
    const isNothing = this.#records === 0 && (file.isContinued || !isKeptEmpty)
    if (file.state === 'gone' || isNothing) {
      await file.discard()
      return undefined
    }
    await file.close()
    return {
      markerPath: file.markerPath,
      part: {
        path: file.path,
        name: file.name,
        template: file.template,
        topic: origin.topic,
        channel: origin.channel,
        framing: origin.framing,
        compression: compression.name,
        records: this.#records,
        bytes: file.bytes,
        sha256: file.checksum(),
        from: this.#from,
        to: this.#to,
        recovered: false,
      },
    }
  }
}
