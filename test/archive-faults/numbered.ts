/** Messages that can be told apart, and made again from their number: what comes back can be compared. */

/** What a body may hold: see `Numbered`. */
export type Content = 'text' | 'multiline' | 'binary'

const FIRST_TIME = Date.UTC(2026, 0, 31, 21)
/** From one message to the next: a few hours go by in a run, and a month ends. */
const STEP_MS = 700
const HEAD = /^\{"n":(\d+),/
const WORDS = [
  'page.view',
  'Größe',
  'line',
  '/products/42',
  'ok',
  '"quoted"',
  '日本',
  '10.0.0.1',
  'Mozilla/5.0',
]
const MULTILINE_WORDS = [...WORDS, '\n', '\r\n', '\\', '\\n', '\\\\']

/**
 * - `text`: a JSON object on one line, with `n` and, as RFC 3339, `at`; most have 60 to 400 bytes, a few 200,000
 * - `multiline`: the same without JSON's escapes for newlines and backslashes
 * - `binary`: the number as u32, big-endian, and any bytes
 */
export class Numbered {
  readonly content: Content
  readonly #seed: number

  constructor(content: Content, seed: number) {
    this.content = content
    this.#seed = seed >>> 0
  }

  body(number: number): Buffer {
    const next = sequence(this.#seed ^ Math.imul(number + 1, 0x9e3779b1))
    const length = lengthFrom(next)
    if (this.content === 'binary') return binary(number, length, next)
    const words = this.content === 'text' ? WORDS : MULTILINE_WORDS
    const head = `{"n":${number},"at":"${new Date(FIRST_TIME + number * STEP_MS).toISOString()}","text":"`
    let text = ''
    while (head.length + text.length < length) {
      const word = words[next() % words.length] ?? ''
      text += `${this.content === 'text' ? JSON.stringify(word).slice(1, -1) : word} ${next().toString(36)} `
    }
    return Buffer.from(`${head}${text}"}`)
  }

  /** Which message this is. Throws when it is none, or not the whole and nothing but it. */
  numberOf(body: Buffer): number {
    const number =
      this.content === 'binary'
        ? body.length >= 4
          ? body.readUInt32BE(0)
          : undefined
        : HEAD.exec(body.toString('latin1', 0, 20))?.[1]
    if (number === undefined) throw new Error(`not a message: ${shown(body)}`)
    if (!this.body(Number(number)).equals(body)) {
      throw new Error(`message ${number} is not what was published: ${body.length} bytes, ${shown(body)}`)
    }
    return Number(number)
  }
}

function lengthFrom(next: () => number): number {
  const kind = next() % 1000
  if (kind === 0) return 60_000 + (next() % 140_000)
  if (kind < 20) return 400 + (next() % 9000)
  return 60 + (next() % 340)
}

function binary(number: number, length: number, next: () => number): Buffer {
  const body = Buffer.alloc(length + 4)
  for (let at = 0; at + 4 <= body.length; at += 4) body.writeUInt32LE(next(), at)
  body.writeUInt32BE(number, 0)
  return body
}

function shown(body: Buffer): string {
  return JSON.stringify(body.toString('latin1', 0, 100))
}

/** Pseudo-random unsigned numbers of 32 bits: xorshift, which is quick enough to make each body twice. */
function sequence(seed: number): () => number {
  let x = seed >>> 0 || 1
  const next = (): number => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x
  }
  // Seeds that are alike begin alike.
  for (let i = 0; i < 4; i++) next()
  return next
}
