/** Most chunks have this size: as much as goes into one member of a compressed file. */
export const CHUNK_BYTES: number = 128 * 1024
/** The first chunk of a part: with many parts at a time most get a few messages in a batch. */
const FIRST_BYTES = 8 * 1024
/** What is at least this long is not copied: it becomes a buffer of its own. */
const OWN_BYTES = 64 * 1024
/** Chunks that are kept for another use: 8 MiB, as much as two batches have. */
const MOST_KEPT = 64

const kept: Buffer[] = []

/**
 * The bytes that one batch adds to one part: records, in buffers of up to 128 KiB that are used again after `release`.
 *
 * A writer of small pieces calls `reserve`, writes into `buffer` from `at`, and moves `at`; large ones go to `add`.
 * `end` ends a record. A record may lie in several buffers; the last one in `buffers` always ends with a record.
 */
export class Chunks {
  /** What is being filled. To be read after `reserve`, which may replace it. */
  buffer: Buffer = Buffer.alloc(0)
  /** Where the next byte goes. */
  at = 0
  #records = 0
  /** What of `buffer` is in `#full` already. */
  #start = 0
  #fullBytes = 0
  #full: Buffer[] = []
  /** Chunks to be given back. */
  readonly #borrowed: Buffer[] = []

  get records(): number {
    return this.#records
  }

  /** Bytes in `buffers`. */
  get bytes(): number {
    return this.#fullBytes + this.at - this.#start
  }

  /** Everything that was written, in order. Valid until `release`. */
  get buffers(): readonly Buffer[] {
    this.#cut()
    return this.#full
  }

  /** Sees to it that so many bytes can be written from `at`, at most CHUNK_BYTES. */
  reserve(bytes: number): void {
    if (this.buffer.length - this.at < bytes) this.#next(bytes)
  }

  /** Adds bytes: a copy of few, of many the memory itself, which nobody may change any more. */
  add(bytes: Buffer): void {
    if (bytes.length >= OWN_BYTES) {
      this.#cut()
      this.#full.push(bytes)
      this.#fullBytes += bytes.length
      return
    }
    this.reserve(bytes.length)
    bytes.copy(this.buffer, this.at)
    this.at += bytes.length
  }

  addByte(byte: number): void {
    this.reserve(1)
    this.buffer[this.at++] = byte
  }

  /** What was added since the last call is a record. */
  end(): void {
    this.#records++
  }

  /** Forgets everything; the memory is used again, by others as well. */
  release(): void {
    for (const chunk of this.#borrowed) if (kept.length < MOST_KEPT) kept.push(chunk)
    this.#borrowed.length = 0
    this.#full = []
    this.#fullBytes = 0
    this.#records = 0
    this.buffer = Buffer.alloc(0)
    this.at = 0
    this.#start = 0
  }

  /** What was written since the last cut goes to `#full`; the rest of the chunk is still there to be filled. */
  #cut(): void {
    if (this.at === this.#start) return
    this.#full.push(this.buffer.subarray(this.#start, this.at))
    this.#fullBytes += this.at - this.#start
    this.#start = this.at
  }

  #next(bytes: number): void {
    if (bytes > CHUNK_BYTES) throw new RangeError(`${bytes} bytes at once, which is more than ${CHUNK_BYTES}`)
    this.#cut()
    if (this.buffer.length === 0 && bytes <= FIRST_BYTES) {
      this.buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    } else {
      this.buffer = kept.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
      this.#borrowed.push(this.buffer)
    }
    this.at = 0
    this.#start = 0
  }
}
