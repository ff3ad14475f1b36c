/** The sizes of chunks that are kept. Smaller ones are slices of Node's own pool, and cost nothing to forget. */
const SIZES = [16 * 1024, 64 * 1024] as const
/** Chunks of a size that are kept: 2.5 MiB in all. */
const MOST_KEPT = 32

/** The largest chunk that is kept. */
export const LARGEST_POOLED: number = SIZES[1]

/**
 * Memory for commands, used again when they have been sent. For the garbage collector a Buffer is a small object that
 * holds much memory: to free what a busy producer sends, it would go through the whole heap of the program many times
 * a second.
 */
export class ChunkPool {
  readonly #free: readonly Buffer[][] = SIZES.map(() => [])

  /** A chunk of at least this length, with anything in it. */
  take(length: number): Buffer {
    if (length <= SIZES[0] / 2) return Buffer.allocUnsafe(length)
    const index = SIZES.findIndex(size => length <= size)
    const size = SIZES[index]
    if (size === undefined) return Buffer.allocUnsafe(length)
    return this.#free[index]?.pop() ?? Buffer.allocUnsafeSlow(size)
  }

  /** Nobody uses the chunk any more; it may be of any size. */
  giveBack(chunk: Buffer): void {
    const free = this.#free[SIZES.findIndex(size => size === chunk.length)]
    if (free !== undefined && free.length < MOST_KEPT) free.push(chunk)
  }
}
