/**
 * Builds the command that publishes messages to a topic, while they come: each is written once, to where it is sent
 * from, and it is decided at the end what the command is.
 *
 *     MPUB topic\n | size u32 BE | count u32 BE | size u32 BE | message | size u32 BE | message …
 *                   PUB topic\n                 | size u32 BE | message |
 *          DPUB topic milliseconds\n            | size u32 BE | message |
 */
import { type ChunkPool, LARGEST_POOLED } from './chunk-pool.ts'
import { writeWord } from './words.ts'

const SIZE_FIELD = 4
const COUNT_FIELD = 4
/** A UTF-16 unit has at most three bytes in UTF-8. */
const MOST_UTF8 = 3
/** A message up to this length is copied: that costs less than one more buffer to write. */
const COPY_LIMIT = 2048
const NO_CHUNK = Buffer.alloc(0)

/** Nothing is checked here: nsqd closes the connection on a bad name or size, so callers check first. */
export class PublishCommand {
  /** Bytes of the body it would have as an MPUB. */
  size = COUNT_FIELD
  /** Messages in it. */
  count = 0
  readonly #topic: string
  readonly #delayMs: number
  readonly #pool: ChunkPool
  /** All that were used. */
  #chunks: Buffer[] = []
  #parts: Buffer[] = []
  #chunk: Buffer = NO_CHUNK
  // The part of the chunk that is not in `parts` yet.
  #from = 0
  #to = 0

  /**
   * @param delayMs - when it is not 0, one message that is delivered so many milliseconds later
   * @param pool - where the memory comes from
   */
  constructor(topic: string, delayMs: number, pool: ChunkPool) {
    this.#topic = topic
    this.#delayMs = delayMs
    this.#pool = pool
  }

  /** Adds a message and returns its length in bytes. Bytes must not change until the command has been sent. */
  add(body: Buffer | string): number {
    const length = typeof body === 'string' ? this.#addText(body) : this.#addBytes(body)
    this.size += SIZE_FIELD + length
    this.count++
    return length
  }

  /** The command, to be sent one part after the other. Nothing can be added any more. */
  end(): readonly Buffer[] {
    this.#closePart()
    this.#chunk = NO_CHUNK
    const [first = NO_CHUNK] = this.#parts
    const isSeveral = this.count > 1
    const line = this.#line(isSeveral)
    // Only an MPUB needs all of the space that was left for it.
    const head = line.length + (isSeveral ? SIZE_FIELD + COUNT_FIELD : 0)
    const start = this.#headSpace() - head
    first.write(line, start, 'latin1')
    if (isSeveral) {
      writeWord(first, start + line.length, this.size)
      writeWord(first, start + line.length + SIZE_FIELD, this.count)
    }
    this.#parts[0] = first.subarray(start)
    return this.#parts
  }

  /** Gives its memory back: nobody may look at its parts any more. */
  release(): void {
    for (const chunk of this.#chunks) this.#pool.giveBack(chunk)
    this.#chunks = []
    this.#parts = []
  }

  #addText(text: string): number {
    const most = SIZE_FIELD + MOST_UTF8 * text.length
    if (this.#chunk.length - this.#to < most) this.#makeRoom(SIZE_FIELD + Buffer.byteLength(text))
    const length = this.#chunk.write(text, this.#to + SIZE_FIELD)
    writeWord(this.#chunk, this.#to, length)
    this.#to += SIZE_FIELD + length
    return length
  }

  #addBytes(bytes: Buffer): number {
    const { length } = bytes
    const isCopied = length <= COPY_LIMIT
    this.#makeRoom(isCopied ? SIZE_FIELD + length : SIZE_FIELD)
    writeWord(this.#chunk, this.#to, length)
    this.#to += SIZE_FIELD
    if (isCopied) {
      this.#chunk.set(bytes, this.#to)
      this.#to += length
    } else {
      this.#closePart()
      this.#parts.push(bytes)
    }
    return length
  }

  /** The first chunk is what one message needs, each further one is larger: little is wasted on few, or on many. */
  #makeRoom(length: number): void {
    if (this.#chunk.length - this.#to >= length) return
    this.#closePart()
    const isFirst = this.#chunk === NO_CHUNK
    const head = isFirst ? this.#headSpace() : 0
    const usual = isFirst ? head : Math.min(4 * this.#chunk.length, LARGEST_POOLED)
    this.#chunk = this.#pool.take(Math.max(usual, head + length))
    this.#chunks.push(this.#chunk)
    this.#from = 0
    this.#to = head
  }

  #closePart(): void {
    if (this.#from < this.#to) this.#parts.push(this.#chunk.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #headSpace(): number {
    return this.#delayMs > 0 ? this.#line(false).length : this.#line(true).length + SIZE_FIELD + COUNT_FIELD
  }

  #line(isSeveral: boolean): string {
    if (this.#delayMs > 0) return `DPUB ${this.#topic} ${this.#delayMs}\n`
    return isSeveral ? `MPUB ${this.#topic}\n` : `PUB ${this.#topic}\n`
  }
}
