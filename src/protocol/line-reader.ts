import { ChunkReader } from './chunk-reader.ts'
import { ProtocolError } from './errors.ts'

const LF = 0x0a
const MAGIC_LENGTH = 4
const SIZE_LENGTH = 4
/** The longest line taken, its end included; official nsqd gives up at 16 KiB without a word. */
const MAX_LINE_LENGTH = 4096

/** What the servers' readers share: a magic, then lines, some of which announce a sized body. */
export abstract class LineReader extends ChunkReader {
  readonly #magic: number
  #greeted = false
  /** The last line has a body: its size comes next. */
  protected expectsSize = false

  /** `magic` is the first four bytes of the connection, as a number. */
  constructor(magic: number) {
    super()
    this.#magic = magic
  }

  /** The other side owes the magic, too, and the body that a line has announced. */
  override get isAmid(): boolean {
    return !this.#greeted || this.expectsSize || super.isAmid
  }

  /** Reads the magic the first time; returns where the commands begin, or -1 while it is not complete. */
  protected greet(bytes: Buffer, at: number): number {
    if (this.#greeted) return at
    if (bytes.length - at < MAGIC_LENGTH) return -1
    if (bytes.readUInt32BE(at) !== this.#magic) throw new ProtocolError('E_BAD_PROTOCOL')
    this.#greeted = true
    return at + MAGIC_LENGTH
  }

  /** The place of the line feed that ends the line beginning at `at`, or -1 while there is none. */
  protected endOfLine(bytes: Buffer, at: number): number {
    const limit = Math.min(bytes.length, at + MAX_LINE_LENGTH)
    for (let i = at; i < limit; i++) if (bytes[i] === LF) return i
    if (limit - at === MAX_LINE_LENGTH) {
      throw new ProtocolError('E_INVALID', `command line is longer than ${MAX_LINE_LENGTH} bytes`)
    }
    return -1
  }

  protected override missing(part: Buffer, chunk: Buffer): number {
    if (!this.#greeted) return Math.min(MAGIC_LENGTH - part.length, chunk.length)
    if (this.expectsSize) return Math.min(SIZE_LENGTH - part.length, chunk.length)
    const rest = chunk.subarray(0, MAX_LINE_LENGTH - part.length)
    const lineFeed = rest.indexOf(LF)
    return lineFeed === -1 ? rest.length : lineFeed + 1
  }
}
