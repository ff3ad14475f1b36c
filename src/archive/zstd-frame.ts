import type { ByteSource } from './byte-source.ts'

/**
 * A frame, as RFC 8878 has it; numbers are little-endian.
 *
 *     | fd2fb528 | descriptor 1 | window 0-1 | dictionary 0-4 | content size 0-8 | blocks … | checksum 0 or 4 |
 *
 * and each block:
 *
 *     | last: 1 bit, type: 2, size: 21 | bytes … |
 *
 * A skippable frame is `| 184d2a5? | size 4 | bytes … |`.
 */
export interface ZstdFrame {
  /** All of it. */
  readonly bytes: Buffer
  /** How long its content is at most; what it says itself where it does. */
  readonly contentBytes: number
  readonly isSkippable: boolean
}

export const ZSTD_MAGIC = 0xfd2fb528
export const DESCRIPTOR_AT = 4
export const CHECKSUM_FLAG = 4

const SKIPPABLE_MAGIC = 0x184d2a50
const HEADER_BYTES = 5
const SINGLE_SEGMENT_FLAG = 0x20
const RESERVED_FLAG = 0x08
/** By the flag in the descriptor. */
const DICTIONARY_BYTES: readonly number[] = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES: readonly number[] = [0, 2, 4, 8]
const CHECKSUM_BYTES = 4
const BLOCK_HEADER_BYTES = 3
const LARGEST_BLOCK = 128 * 1024
const BlockType = { raw: 0, rle: 1, compressed: 2 } as const

/** Frames are decompressed as a whole: more than this, and twice it, cannot be had. Ours have about 128 KiB, or a message. */
export const LARGEST_FRAME: number = 1024 * 1024 * 1024

/** Collects the pieces of a frame. */
class Pieces {
  readonly all: Buffer[] = []
  bytes = 0
  readonly #source: ByteSource

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** @throws RangeError when there are not so many, or the frame grows too large */
  async read(count: number): Promise<Buffer> {
    if (this.bytes + count > LARGEST_FRAME) throw tooLarge()
    const piece = await this.#source.exactly(count)
    if (piece.length < count) throw new RangeError('the last frame is torn')
    this.all.push(piece)
    this.bytes += count
    return piece
  }
}

/**
 * Reads one frame. Undefined at the end of the source.
 *
 * @throws RangeError that says what is wrong with it
 */
export async function readFrame(source: ByteSource): Promise<ZstdFrame | undefined> {
  const pieces = new Pieces(source)
  const start = await source.exactly(HEADER_BYTES)
  if (start.length === 0) return undefined
  if (start.length < HEADER_BYTES) throw new RangeError('the last frame is torn')
  pieces.all.push(start)
  pieces.bytes = start.length
  const magic = start.readUInt32LE(0)
  const isSkippable = (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC
  if (!isSkippable && magic !== ZSTD_MAGIC)
    throw new RangeError('a frame begins with other bytes than a frame')
  const contentBytes = isSkippable ? await readSkippable(start, pieces) : await readData(start, pieces)
  return { bytes: Buffer.concat(pieces.all, pieces.bytes), contentBytes, isSkippable }
}

/** The first byte of its size is read already. */
async function readSkippable(start: Buffer, pieces: Pieces): Promise<number> {
  const rest = await pieces.read(3)
  await pieces.read(start.readUInt8(HEADER_BYTES - 1) + rest.readUIntLE(0, 3) * 256)
  return 0
}

async function readData(start: Buffer, pieces: Pieces): Promise<number> {
  const descriptor = start.readUInt8(DESCRIPTOR_AT)
  if ((descriptor & RESERVED_FLAG) !== 0) throw new RangeError('the header of a frame is damaged')
  const isSingleSegment = (descriptor & SINGLE_SEGMENT_FLAG) !== 0
  const dictionaryBytes = DICTIONARY_BYTES[descriptor & 3] ?? 0
  await pieces.read((isSingleSegment ? 0 : 1) + dictionaryBytes)
  const said = await readContentSize(descriptor >>> 6, isSingleSegment, pieces)
  const most = await readBlocks(pieces)
  if ((descriptor & CHECKSUM_FLAG) !== 0) await pieces.read(CHECKSUM_BYTES)
  if (said !== undefined && said > most)
    throw new RangeError('a frame says that it is larger than its blocks can be')
  return said ?? most
}

async function readContentSize(
  flag: number,
  isSingleSegment: boolean,
  pieces: Pieces,
): Promise<number | undefined> {
  if (flag === 0 && !isSingleSegment) return undefined
  const field = await pieces.read(flag === 0 ? 1 : (CONTENT_SIZE_BYTES[flag] ?? 0))
  if (field.length === 8) return Number(field.readBigUInt64LE(0))
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0)
}

/** Returns how long what is in them is at most. */
async function readBlocks(pieces: Pieces): Promise<number> {
  let most = 0
  for (;;) {
    const header = (await pieces.read(BLOCK_HEADER_BYTES)).readUIntLE(0, BLOCK_HEADER_BYTES)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    if (type > BlockType.compressed || size > LARGEST_BLOCK) throw new RangeError('a block is damaged')
    most += type === BlockType.compressed ? LARGEST_BLOCK : size
    if (most > LARGEST_FRAME) throw tooLarge()
    await pieces.read(type === BlockType.rle ? 1 : size)
    if ((header & 1) === 1) return most
  }
}

function tooLarge(): RangeError {
  return new RangeError(`a frame has more than ${LARGEST_FRAME} bytes, which only zstd -d can read`)
}
