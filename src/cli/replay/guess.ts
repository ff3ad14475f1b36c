import type { ArchiveFiles } from '../../archive/archive-files.ts'
import { type Compression, loadCompression } from '../../archive/compression.ts'
import type { FramingName } from '../../archive/record-format.ts'
import { NsqError } from '../../util/errors.ts'

/** Enough for a compressed member to begin with, and for what a record has before its body. */
const HEAD_BYTES = 256 * 1024

/** What encodeRecord writes. */
const RECORD = /^\{"topic":"[^"]*","id":"[0-9a-f]{16}","timestamp":"/

const GZIP = Buffer.of(0x1f, 0x8b)
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd)

/** How a file is compressed, and its messages told apart, by its first bytes; undefined framing: not lines, at any rate. */
export async function guess(
  files: ArchiveFiles,
  name: string,
): Promise<{ framing: FramingName | undefined; compression: Compression['name'] }> {
  const first = (await firstOf(files.read(name, HEAD_BYTES))) ?? Buffer.alloc(0)
  const compression = first.subarray(0, 2).equals(GZIP)
    ? 'gzip'
    : first.subarray(0, 4).equals(ZSTD)
      ? 'zstd'
      : 'none'
  const codec = await loadCompression(compression)
  try {
    const head =
      compression === 'none' ? first : await firstOf(codec.decompress(files.read(name, HEAD_BYTES)))
    return { framing: framingOf(head ?? Buffer.alloc(0)), compression }
  } catch (error) {
    // Whoever reads all of it will say so.
    if (error instanceof NsqError && error.code === 'E_ARCHIVE_DAMAGED')
      return { framing: 'lines', compression }
    throw error
  }
}

async function firstOf(chunks: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  for await (const chunk of chunks) if (chunk.length > 0) return chunk
  return undefined
}

function framingOf(head: Buffer): FramingName | undefined {
  // Nothing is in it; of all kinds this one asks for nothing to be said about it.
  if (head.length === 0) return 'jsonl'
  if (head[0] === 0) return undefined
  return RECORD.test(head.toString('latin1', 0, 512)) ? 'jsonl' : 'lines'
}
