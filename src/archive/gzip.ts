import { promisify } from 'node:util'
import { constants, createGunzip, gzip as gzipCallback } from 'node:zlib'
import type { ByteSource } from './byte-source.ts'
import type { Compression } from './compression.ts'
import { damaged } from './damaged.ts'
import { groups } from './groups.ts'
import { through } from './through.ts'

/**
 * A member as RFC 1952 has it, with its own length in an extra field, so that whoever looks for the last whole member of a
 * long file can go from one to the next. Numbers are little-endian.
 *
 *     0      2   3       4         8     9    10       12    14        16             20          -8      -4
 *     | 1f8b | 8 | flags | mtime 0 | xfl | os | xlen 8 | N Q | length 4 | member bytes | deflate …  | crc32 | size |
 *                  = 4
 */
const HEADER_BYTES = 20
const TRAILER_BYTES = 8
/** What zlib writes before the compressed bytes. */
const PLAIN_HEADER_BYTES = 10

const MAGIC: Buffer = Buffer.of(0x1f, 0x8b, 8, 4)
const EXTRA: Buffer = Buffer.from([8, 0, 'N'.charCodeAt(0), 'Q'.charCodeAt(0), 4, 0])
const EXTRA_AT = 10
const LENGTH_AT = 16

/** One call of zlib's thread pool is enough for most members. */
const OUTPUT_BYTES = 64 * 1024

const gzip = promisify(gzipCallback)

/** @param level - 1 (fastest) to 9 */
export function gzipCompression(level: number = constants.Z_DEFAULT_COMPRESSION): Compression {
  const compress = async (buffers: readonly Buffer[]): Promise<Buffer[]> => {
    const members = await Promise.all(groups(buffers).map(bytes => compressMember(bytes, level)))
    return members.flat()
  }
  return {
    name: 'gzip',
    extension: '.gz',
    compress,
    empty: async () => Buffer.concat(await compressMember(Buffer.alloc(0), level)),
    members,
    decompress,
  }
}

async function compressMember(bytes: Buffer, level: number): Promise<Buffer[]> {
  const plain = await gzip(bytes, { level, chunkSize: OUTPUT_BYTES })
  const header = Buffer.alloc(HEADER_BYTES)
  plain.copy(header, 0, 0, PLAIN_HEADER_BYTES)
  MAGIC.copy(header)
  EXTRA.copy(header, EXTRA_AT)
  header.writeUInt32LE(plain.length - PLAIN_HEADER_BYTES + HEADER_BYTES, LENGTH_AT)
  return [header, plain.subarray(PLAIN_HEADER_BYTES)]
}

async function* members(source: ByteSource, content: (bytes: Buffer) => void): AsyncGenerator<number> {
  for (;;) {
    const header = await source.exactly(HEADER_BYTES)
    const length = memberLength(header)
    if (length === undefined) return
    const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES })
    try {
      for await (const bytes of through(gunzip, member(header, source, length))) content(bytes)
    } catch (error) {
      if (isOfZlib(error)) return
      throw error
    }
    if (gunzip.bytesWritten !== length) return
    yield source.position
  }
}

/** Of the member that begins with this; undefined when it is none of ours. */
function memberLength(header: Buffer): number | undefined {
  const isOurs =
    header.length === HEADER_BYTES &&
    header.subarray(0, MAGIC.length).equals(MAGIC) &&
    header.subarray(EXTRA_AT, LENGTH_AT).equals(EXTRA)
  const length = isOurs ? header.readUInt32LE(LENGTH_AT) : 0
  return length > HEADER_BYTES + TRAILER_BYTES ? length : undefined
}

async function* member(header: Buffer, source: ByteSource, length: number): AsyncGenerator<Buffer> {
  yield header
  let missing = length - header.length
  while (missing > 0) {
    const piece = await source.some(missing)
    // It is torn, which zlib will notice.
    if (piece === undefined) return
    missing -= piece.length
    yield piece
  }
}

/** Any gzip file: zlib goes from member to member by itself. */
async function* decompress(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES })
  let given = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of input) {
      given += chunk.length
      yield chunk
    }
  }
  try {
    yield* through(gunzip, counted())
  } catch (error) {
    if (!isOfZlib(error)) throw error
    throw damaged(`gzip: ${error.message}`, error)
  }
  // It takes zeros for padding.
  if (gunzip.bytesWritten !== given) throw damaged('gzip: there are other bytes behind the last member')
}

function isOfZlib(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
