import { ChunkReader } from './chunk-reader.ts'
import { crc32c } from './crc32c.ts'
import { ProtocolError } from './errors.ts'

/**
 * Snappy's framed stream format (google/snappy, framing_format.txt): chunks of
 *
 *     | type | length, 24 bits, little endian | body |
 *
 *     ff     "sNaPpY": the stream's first chunk, may come again
 *     00     | masked CRC-32C of the bytes, little endian | the bytes as one snappy block |
 *     01     | masked CRC-32C of the bytes, little endian | the bytes |
 *     fe     padding; 80 to fd: to be skipped; 02 to 7f: an error
 */
const Chunk = { compressed: 0x00, plain: 0x01, firstSkippable: 0x80, identifier: 0xff } as const

/** The most bytes that one chunk may stand for. */
export const MAX_SNAPPY_BLOCK = 65_536

const HEADER = 4
const CHECKSUM = 4
/** What snappy makes of MAX_SNAPPY_BLOCK bytes at the worst. */
const MAX_COMPRESSED = 32 + MAX_SNAPPY_BLOCK + Math.floor(MAX_SNAPPY_BLOCK / 6)

/** How a stream begins. */
export const SNAPPY_IDENTIFIER = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')
const SIGNATURE = SNAPPY_IDENTIFIER.subarray(HEADER)

/** The chunk for 1 to MAX_SNAPPY_BLOCK bytes. What compression does not make an eighth smaller goes as it is. */
export function snappyChunk(bytes: Buffer, compress: (bytes: Buffer) => Buffer): Buffer {
  const compressed = compress(bytes)
  const isWorthIt = compressed.length < bytes.length - bytes.length / 8
  const body = isWorthIt ? compressed : bytes
  const chunk = Buffer.allocUnsafe(HEADER + CHECKSUM + body.length)
  chunk[0] = isWorthIt ? Chunk.compressed : Chunk.plain
  chunk.writeUIntLE(CHECKSUM + body.length, 1, 3)
  chunk.writeUInt32LE(maskedChecksum(bytes), HEADER)
  chunk.set(body, HEADER + CHECKSUM)
  return chunk
}

/**
 * Reads the chunks of a stream and hands on their bytes, at most MAX_SNAPPY_BLOCK at a time: the handler may set
 * `paused` after each. No size is believed before it is checked, so garbage asks for no memory.
 */
export class SnappyFrameReader extends ChunkReader {
  readonly #uncompress: (block: Buffer) => Buffer
  readonly #onBytes: (bytes: Buffer) => void
  #isIdentified = false
  #type = 0
  #toSkip = 0

  /** @param uncompress - takes a block that says it holds at most MAX_SNAPPY_BLOCK bytes; throws when it is none */
  constructor(uncompress: (block: Buffer) => Buffer, onBytes: (bytes: Buffer) => void) {
    super()
    this.#uncompress = uncompress
    this.#onBytes = onBytes
  }

  protected override read(bytes: Buffer, start: number): number {
    const end = bytes.length
    let at = start
    while (!this.paused) {
      const skipped = Math.min(this.#toSkip, end - at)
      this.#toSkip -= skipped
      at += skipped
      if (end - at < HEADER) break
      const type = bytes[at] ?? 0
      const length = bytes.readUIntLE(at + 1, 3)
      this.#check(type, length)
      at += HEADER
      if (type >= Chunk.firstSkippable && type !== Chunk.identifier) {
        this.#toSkip = length
        continue
      }
      this.#type = type
      if (length > end - at) {
        this.collect(length, bytes, at)
        return end
      }
      at += length
      this.deliver(bytes, at - length, at)
    }
    return at
  }

  protected override missing(part: Buffer, chunk: Buffer): number {
    return Math.min(HEADER - part.length, chunk.length)
  }

  protected override deliver(bytes: Buffer, start: number, end: number): void {
    if (this.#type === Chunk.identifier) {
      if (!bytes.subarray(start, end).equals(SIGNATURE)) throw bad('no stream identifier')
      this.#isIdentified = true
      return
    }
    const body = bytes.subarray(start + CHECKSUM, end)
    const plain = this.#type === Chunk.plain ? body : this.#uncompressed(body)
    if (maskedChecksum(plain) !== bytes.readUInt32LE(start)) throw bad('checksum does not match')
    if (plain.length > 0) this.#onBytes(plain)
  }

  #check(type: number, length: number): void {
    if (type === Chunk.identifier) {
      if (length !== SIGNATURE.length) throw bad('no stream identifier')
    } else if (!this.#isIdentified) {
      throw bad('no stream identifier')
    } else if (type === Chunk.compressed || type === Chunk.plain) {
      const most = type === Chunk.plain ? MAX_SNAPPY_BLOCK : MAX_COMPRESSED
      if (length < CHECKSUM || length - CHECKSUM > most) throw bad(`chunk of ${length} bytes`)
    } else if (type < Chunk.firstSkippable) {
      throw bad(`chunk of unknown type ${type}`)
    }
  }

  #uncompressed(block: Buffer): Buffer {
    const length = blockLength(block)
    if (length > MAX_SNAPPY_BLOCK) throw bad(`block of ${length} bytes`)
    try {
      return this.#uncompress(block)
    } catch (cause) {
      throw bad('a block cannot be uncompressed', cause)
    }
  }
}

/** What a block says that its bytes are: a little-endian base-128 number at its beginning. */
function blockLength(block: Buffer): number {
  let length = 0
  let unit = 1
  for (const byte of block.subarray(0, 5)) {
    length += (byte & 0x7f) * unit
    if (byte < 0x80) return length
    unit *= 0x80
  }
  throw bad('block without a length')
}

function maskedChecksum(bytes: Buffer): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function bad(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('E_BAD_FRAME', `snappy: ${what}`, { cause })
}
