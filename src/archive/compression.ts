import type { ByteSource } from './byte-source.ts'
import { gzipCompression } from './gzip.ts'

/** How the bytes of a file are compressed: as members, one after the other, each of which can be read by itself. */
export interface Compression {
  readonly name: 'none' | 'gzip' | 'zstd'
  readonly extension: '' | '.gz' | '.zst'
  /**
   * What to write for these bytes: whole members, each of about 128 KiB before compression, or of one large buffer. Off
   * the main thread where that is possible. The buffers may not be changed before it has resolved.
   */
  compress(buffers: readonly Buffer[]): Promise<Buffer[]>
  /** A file without records that other programs can read: a member of nothing. */
  empty(): Promise<Buffer>
  /**
   * Reads what `compress` has written. After each whole member it yields where the next one begins, counted from where
   * the source stood; it returns at the first that is torn or damaged. `content` gets what is in the members, piece by
   * piece, before they are known to be whole.
   */
  members(source: ByteSource, content: (bytes: Buffer) => void): AsyncIterable<number>
  /**
   * Reads any file of this compression, whoever has written it.
   *
   * @throws NsqError `E_ARCHIVE_DAMAGED`
   */
  decompress(input: AsyncIterable<Buffer>): AsyncIterable<Buffer>
}

const none: Compression = {
  name: 'none',
  extension: '',
  compress: buffers => Promise.resolve([...buffers]),
  empty: () => Promise.resolve(Buffer.alloc(0)),
  async *members(source, content) {
    for (;;) {
      const bytes = await source.some()
      if (bytes === undefined) return
      content(bytes)
      yield source.position
    }
  },
  decompress: input => input,
}

/**
 * @param level - gzip: 1 (fastest) to 9, 6 unless given. zstd: 1 to 22, 3 unless given
 * @throws NsqError `E_ZSTD` when neither this Node nor a package has zstd
 */
export async function loadCompression(name: Compression['name'], level?: number): Promise<Compression> {
  if (name === 'none') return none
  if (name === 'gzip') return gzipCompression(level)
  const { zstdCompression } = await import('./zstd.ts')
  return zstdCompression(level)
}
