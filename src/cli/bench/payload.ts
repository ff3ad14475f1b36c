import { mpub, pub } from '../../protocol/command.ts'
import { readWord, writeWord } from '../../protocol/words.ts'
import type { Load } from './settings.ts'

/**
 * A body says which message it is, and goes on with text:
 *
 *     | run u32 BE | number u32 BE | {"id":"k3f9","path":"/x1/9ab",…
 */
const NUMBER_AT = 4
export const SMALLEST_BODY = 8

/** A command that publishes, to be sent again and again with other numbers. */
export class Payload {
  readonly command: Buffer
  readonly #bodies: number
  readonly #size: number
  readonly #batch: number

  /**
   * @param run - tells the messages of this run from those that somebody else may have in the topic
   * @param seed - another one, other text
   */
  constructor(topic: string, { size, batch }: Pick<Load, 'size' | 'batch'>, run: number, seed: number) {
    const bodies = Array.from({ length: batch }, (_, index) => body(size, run, seed * batch + index))
    const [first = Buffer.alloc(0)] = bodies
    this.command = batch === 1 ? pub(topic, first) : mpub(topic, bodies)
    this.#size = size
    this.#batch = batch
    // From the end, as what is before the first body is not the same in PUB and MPUB.
    this.#bodies = this.command.length - batch * size - (batch - 1) * SIZE_FIELD
  }

  /** Numbers its messages from this one on. The bytes must have left the process before. */
  number(first: number): void {
    const step = this.#size + SIZE_FIELD
    for (let i = 0, at = this.#bodies + NUMBER_AT; i < this.#batch; i++, at += step) {
      writeWord(this.command, at, first + i)
    }
  }
}

const SIZE_FIELD = 4

/** The number of a message of this run, or -1 when it is of another. */
export function numberOf(bytes: Buffer, start: number, end: number, run: number): number {
  if (end - start < SMALLEST_BODY || readWord(bytes, start) >>> 0 !== run) return -1
  return readWord(bytes, start + NUMBER_AT) >>> 0
}

/** About as compressible as the JSON of a log is. */
function body(size: number, run: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  writeWord(bytes, 0, run)
  let text = ''
  for (let i = seed * 7919; text.length < size; i += 3) {
    text += `{"id":"${word(i)}","path":"/${word(i + 1)}/${word(i + 2)}","status":200,"ms":${hash(i) % 1000}}`
  }
  bytes.write(text, SMALLEST_BODY, 'latin1')
  return bytes
}

function word(n: number): string {
  return hash(n).toString(36)
}

/** Looks random, and is not. */
function hash(n: number): number {
  return Math.imul(n + 1, 2_654_435_761) >>> 0
}
