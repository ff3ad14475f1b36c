import type { NsqError } from '../util/errors.ts'
import { Answers } from './answers.ts'
import { type ArchiverOptions, type ArchiverProgress, lanesOf } from './archiver-options.ts'
import { Batch, type Portion } from './batch.ts'
import { isTransientWrite, writeFailed } from './errors.ts'
import type { FolderClaim } from './folder-claim.ts'
import type { ArchivedMessage } from './message.ts'
import { PartShelf } from './part-shelf.ts'

/** A batch is cut when it has so many bytes, before compression. One that becomes files of its own should be worth it. */
const BATCH_BYTES = { durable: 4 * 1024 * 1024, delivered: 32 * 1024 * 1024 }
/** Node takes a longer one for 1 ms. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1
/** A batch is cut when it has portions for so many parts. */
const MAX_PORTIONS = 64

/**
 * Writes the messages of one topic to files, and finishes each when it is durable.
 *
 *     message -> encode -> batch { part -> portion } -cut-> compress -> write + fdatasync -> finish
 *                                                                        `-> sealed? -> deliver
 *
 * One batch is gathered while others are under way: see `lanesOf`.
 */
export class Archiver {
  /** Resolves when it cannot go on: what was gathered is given back, and `close` is what is left to do. */
  readonly failed: Promise<NsqError>
  readonly #options: ArchiverOptions
  readonly #claim: FolderClaim
  readonly #shelf: PartShelf
  readonly #answers: Answers
  /** Files that were mended when it was opened. */
  readonly #recovered: number
  /** How many batches may be under way. */
  readonly #lanes: number
  readonly #timer: NodeJS.Timeout
  #batch = new Batch()
  readonly #commits = new Set<Promise<void>>()
  /** Whether the batch is to be cut as soon as one that is under way has ended. */
  #isDue = false
  /** The time as this turn of the event loop has it; 0 while no message has come in it. */
  #nowMs = 0
  #inHand = 0
  #committedBytes = 0
  #resolveFailed: (error: NsqError) => void = () => {}
  #isOver = false
  #closed: Promise<void> | undefined

  private constructor(options: ArchiverOptions, claim: FolderClaim, recovered: number) {
    this.#options = options
    this.#claim = claim
    this.#recovered = recovered
    this.#answers = new Answers(options.events)
    this.#shelf = new PartShelf(options, claim, { failed: error => this.#fail(error) })
    this.#lanes = lanesOf(options)
    this.failed = new Promise(resolve => {
      this.#resolveFailed = resolve
    })
    this.#timer = setInterval(() => this.#tick(), Math.min(options.syncIntervalMs, LONGEST_INTERVAL_MS))
  }

  /**
   * Takes the names of this archive for itself, mends what a run that died has left of them, and begins to deliver that.
   *
   * @throws NsqError `E_ARCHIVE_LOCKED` when another process writes files of these names here; `E_ARCHIVE_WRITE`
   */
  static async open(options: ArchiverOptions): Promise<Archiver> {
    const { names, folder, destination, manifest } = options
    const claim = await folder.claim(names.key)
    try {
      const { files, deliveries } = await folder.recoverKey(names.key, destination, manifest)
      const archiver = new Archiver(options, claim, files)
      for (const delivery of deliveries) archiver.#shelf.deliver(delivery)
      return archiver
    } catch (error) {
      claim.release()
      throw writeFailed(folder.path, error)
    }
  }

  /** Takes a message, which is answered later. One that comes after `close` was called, or after a failure, goes back. */
  add(message: ArchivedMessage): void {
    if (this.#isOver) return this.#answers.refuse(message)
    if (this.#nowMs === 0) this.#beginTurn()
    const { names, format, messageMs, commitAt, finishAfter } = this.#options
    const part = this.#shelf.parts.at(this.#nowMs, names.isPartitioned ? messageMs(message) : this.#nowMs)
    const batch = this.#batch
    const portion = part.portion ?? batch.open(part)
    const { chunks } = portion
    const before = chunks.bytes
    format.append(message, chunks)
    const bytes = chunks.bytes - before
    portion.messages.push(message)
    part.bytes += bytes
    batch.bytes += bytes
    batch.messages++
    this.#inHand++
    const isFull = batch.messages >= commitAt || batch.bytes >= BATCH_BYTES[finishAfter]
    if (isFull || batch.portions.length >= MAX_PORTIONS) this.#cut()
  }

  /** Commits what was added so far. Resolves when it was answered, one way or the other. */
  async flush(): Promise<void> {
    const batch = this.#batch
    this.#cut()
    while (this.#isDue && this.#batch === batch) await Promise.race(this.#commits)
    await Promise.all(this.#commits)
  }

  /** What SIGHUP means: commits, and closes all files. The next message opens a new one. */
  hangup(): void {
    this.#shelf.parts.sealAll()
    this.#cut()
  }

  /**
   * Commits what was added, closes the files, and waits until they are delivered; what cannot be delivered for a
   * transient error is tried for ten seconds more and then left to the next run (`progress.waiting`). Never rejects.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  get progress(): ArchiverProgress {
    const { finished, unfinished, requeued } = this.#answers
    const { delivered, waiting, currentFile } = this.#shelf
    return {
      messages: finished,
      unfinished,
      requeued,
      waiting,
      currentFile,
      bytes: this.#committedBytes,
      files: delivered,
      recovered: this.#recovered,
      inHand: this.#inHand,
    }
  }

  async #close(): Promise<void> {
    this.#isOver = true
    clearInterval(this.#timer)
    await this.flush()
    await this.#shelf.close()
    this.#claim.release()
  }

  #beginTurn(): void {
    this.#nowMs = Date.now()
    setImmediate(() => {
      this.#nowMs = 0
      if (this.#options.isStarved()) this.#cut()
    })
  }

  /** Each sync interval. */
  #tick(): void {
    if (this.#isOver) return
    const nowMs = Date.now()
    const { parts, keepsEmptyFiles } = this.#shelf
    parts.rotate(nowMs)
    if (keepsEmptyFiles) {
      parts
        .at(nowMs, nowMs)
        .open()
        .catch((error: unknown) => this.#complain(error))
    }
    this.#cut()
  }

  /** Begins to commit what was gathered, at once or as soon as a batch that is under way has ended. */
  #cut(): void {
    const batch = this.#batch
    this.#isDue = batch.messages > 0 && this.#commits.size >= this.#lanes
    if (batch.messages === 0 || this.#isDue) return
    this.#batch = new Batch()
    const commit = this.#commit(batch).finally(() => {
      this.#commits.delete(commit)
      if (this.#isDue) this.#cut()
    })
    this.#commits.add(commit)
  }

  async #commit({ portions }: Batch): Promise<void> {
    const commits = portions.map(portion => this.#commitPortion(portion))
    if (this.#options.finishAfter === 'delivered') this.#shelf.parts.sealAll()
    await Promise.all(commits)
  }

  /** Never rejects. */
  async #commitPortion(portion: Portion): Promise<void> {
    const { part, chunks, messages } = portion
    const { bytes } = chunks
    try {
      await part.commit(portion).finally(() => chunks.release())
      if (this.#options.finishAfter === 'delivered') await this.#shelf.deliverNow(part)
    } catch (error) {
      part.bytes -= bytes
      if (part.isBroken) this.#shelf.parts.seal(part)
      this.#giveBack(messages, error)
      return
    }
    this.#inHand -= messages.length
    this.#committedBytes += bytes
    this.#answers.finish(messages)
  }

  #giveBack(messages: readonly ArchivedMessage[], error: unknown): void {
    const reason = writeFailed(this.#options.folder.path, error)
    const goesOn = this.#survives(error) && !this.#isOver
    this.#inHand -= messages.length
    this.#answers.giveBack(messages, reason, goesOn)
    if (!this.#survives(error)) this.#fail(reason)
  }

  /** Of what was done without messages. */
  #complain(error: unknown): void {
    const reason = writeFailed(this.#options.folder.path, error)
    if (this.#survives(error)) this.#options.events.warned(reason)
    else this.#fail(reason)
  }

  #survives(error: unknown): boolean {
    const { failsAtOnce, destination } = this.#options
    return !failsAtOnce && (isTransientWrite(error) || destination.isTransient(error))
  }

  /** Takes no more messages; what is under way comes to its end. */
  #fail(error: NsqError): void {
    this.#isOver = true
    const { portions } = this.#batch
    this.#batch = new Batch()
    this.#isDue = false
    for (const { part, messages, chunks } of portions) {
      part.drop()
      chunks.release()
      this.#inHand -= messages.length
      this.#answers.giveBack(messages, error, false)
    }
    this.#resolveFailed(error)
  }
}
