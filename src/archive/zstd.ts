import { errorText, NsqError } from '../util/errors.ts'
import { ByteSource } from './byte-source.ts'
import type { Compression } from './compression.ts'
import { damaged } from './damaged.ts'
import { groups } from './groups.ts'
import { readFrame, type ZstdFrame } from './zstd-frame.ts'
import { type ZstdLibrary, zstdLibrary } from './zstd-library.ts'

/** zstd's own. */
const DEFAULT_LEVEL = 3

/**
 * A member is a frame (see zstd-frame.ts).
 *
 * @param level - 1 (fastest) to 22
 * @throws NsqError `E_ZSTD` when neither this Node nor a package has zstd
 */
export async function zstdCompression(level: number = DEFAULT_LEVEL): Promise<Compression> {
  const library = await zstdLibrary()
  const compress = async (buffers: readonly Buffer[]): Promise<Buffer[]> => {
    const frames = await Promise.all(groups(buffers).map(bytes => library.compress(bytes, level)))
    return frames.flat()
  }
  return {
    name: 'zstd',
    extension: '.zst',
    compress,
    empty: async () => Buffer.concat(await library.compress(Buffer.alloc(0), level)),
    async *members(source, content) {
      try {
        for await (const bytes of contents(source, library)) {
          content(bytes)
          yield source.position
        }
      } catch (error) {
        if (!isDamage(error)) throw error
      }
    },
    decompress: input => decompress(input, library),
  }
}

/** The content of each frame. Fails with `E_ARCHIVE_DAMAGED` at one that is torn or damaged. */
async function* contents(source: ByteSource, library: ZstdLibrary): AsyncGenerator<Buffer> {
  for (;;) {
    const frame = await nextFrame(source)
    if (frame === undefined) return
    if (frame.isSkippable) continue
    let bytes: Buffer
    try {
      bytes = await library.decompress(frame.bytes, frame.contentBytes)
    } catch (error) {
      throw damaged(`zstd: ${errorText(error)}`, error)
    }
    yield bytes
  }
}

async function nextFrame(source: ByteSource): Promise<ZstdFrame | undefined> {
  try {
    return await readFrame(source)
  } catch (error) {
    if (error instanceof RangeError) throw damaged(`zstd: ${error.message}`, error)
    throw error
  }
}

async function* decompress(input: AsyncIterable<Buffer>, library: ZstdLibrary): AsyncGenerator<Buffer> {
  const source = new ByteSource(input)
  try {
    yield* contents(source, library)
    if (source.position === 0) throw damaged('zstd: there is no frame')
  } finally {
    await source.close()
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof NsqError && error.code === 'E_ARCHIVE_DAMAGED'
}
