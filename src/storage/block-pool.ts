/** Whether everything that was lent at some moment is back. */
export type IsBack = () => boolean

/** Who lends what lies in blocks to others. */
export interface Lender {
  /** What is lent now: the answer turns true when all of that is back, and stays so. */
  lent(): IsBack
}

interface Waiting {
  readonly chunks: readonly Buffer[]
  readonly isBack: IsBack
}

/** Bytes of a chunk: a block in full size. Smaller ones are not kept. */
export const CHUNK: number = 1024 * 1024
/** Chunks that are kept, with those that wait for what is lent of them; more are garbage. */
const MOST = 16

/**
 * The memory of blocks, used again. New memory for every block would have the garbage collector go through the whole heap
 * dozens of times a second, because it counts what a Buffer holds and not how little there is to look at.
 *
 * Slices of blocks are on their way to clients, without a copy: a chunk waits until all have left that were on their way
 * when its block was let go of. A chunk of which nobody knows who has a part is not given to the pool.
 */
export class BlockPool {
  readonly #lender: Lender
  readonly #free: Buffer[] = []
  /** Given back in this turn. */
  #returned: Buffer[] = []
  #waiting: Waiting[] = []
  /** Chunks in all of these. */
  #kept = 0

  constructor(lender: Lender) {
    this.#lender = lender
  }

  /** Memory for a block of this length, with anything in it. */
  take(length: number): Buffer {
    const chunk = length === CHUNK ? this.#free.pop() : undefined
    if (chunk === undefined) return Buffer.allocUnsafeSlow(length)
    this.#kept--
    return chunk
  }

  /** Nobody reads this block any more, but for those to whom some of it is lent. */
  giveBack(chunk: Buffer): void {
    if (chunk.length !== CHUNK || this.#kept === MOST) return
    this.#kept++
    this.#returned.push(chunk)
  }

  /** To be called when everything that is lent is known to the lender: at the end of a turn. */
  endTurn(): void {
    if (this.#returned.length > 0) {
      this.#waiting.push({ chunks: this.#returned, isBack: this.#lender.lent() })
      this.#returned = []
    }
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(waiting => !this.#isFree(waiting))
  }

  #isFree({ chunks, isBack }: Waiting): boolean {
    if (!isBack()) return false
    this.#free.push(...chunks)
    return true
  }
}
