/** Shorter chunks are slices of Node's own pool, and cost nothing to forget. */
const SHORTEST = 8 * 1024
/** The sizes of chunks that are kept, and how many of each: 2.5 MiB in all. */
const SIZES = [16 * 1024, 64 * 1024]
const MOST_KEPT = 32

/** The largest chunk that is kept, unless other sizes are asked for. */
export const LARGEST_POOLED: number = 64 * 1024

/**
 * Memory that is used again. For the garbage collector a Buffer is a small object that holds much memory: to free what a
 * busy program sends or receives, it would go through the whole heap many times a second.
 */
export class ChunkPool {
  readonly #sizes: readonly number[]
  readonly #mostKept: number
  readonly #free: readonly Buffer[][]

  /** `sizes`: of the chunks that are kept, the smallest first; of each so many. */
  constructor(sizes: readonly number[] = SIZES, mostKept: number = MOST_KEPT) {
    this.#sizes = sizes
    this.#mostKept = mostKept
    this.#free = sizes.map(() => [])
  }

  /** A chunk of at least this length, with anything in it. */
  take(length: number): Buffer {
    if (length <= SHORTEST) return Buffer.allocUnsafe(length)
    const index = this.#sizes.findIndex(size => length <= size)
    const size = this.#sizes[index]
    if (size === undefined) return Buffer.allocUnsafe(length)
    return this.#free[index]?.pop() ?? Buffer.allocUnsafeSlow(size)
  }

  /** Nobody uses the chunk any more; it may be of any size. */
  giveBack(chunk: Buffer): void {
    const free = this.#free[this.#sizes.indexOf(chunk.length)]
    if (free !== undefined && free.length < this.#mostKept) free.push(chunk)
  }
}
