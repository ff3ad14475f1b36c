import type { Random } from '../storage/random.ts'

/** What parsers are most likely to get wrong. */
const WORDS = [
  0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x7fffffff,
  0x80000000, 0xfffffffe, 0xffffffff,
] as const

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '00',
  '255',
  '4096',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '99999999999999999999999',
  '1e3',
  '1e308',
  '1e400',
  '0.5',
  '0x10',
  '١',
] as const

const BYTES = [
  0x00, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2e, 0x2f, 0x5c, 0x7f, 0x80, 0xc3, 0xff,
] as const

/** One in so many inputs goes as it is, and one in so many repeats a part of itself until it is as long as it may be. */
const AS_IT_IS = 12
const REPEATED = 1500

/**
 * Makes inputs of valid ones: bits are flipped, parts cut off, left out, doubled, moved or taken from another input, numbers
 * replaced by those at the limits, and words of the format put in. The same random numbers give the same input.
 */
export class Mutator {
  readonly #corpus: readonly Buffer[]
  readonly #tokens: readonly Buffer[]
  readonly #work: Buffer
  #length = 0

  /** @param maxLength - of an input, in bytes */
  constructor(corpus: readonly Buffer[], tokens: readonly (string | Buffer)[], maxLength: number) {
    this.#corpus = corpus
    this.#tokens = tokens.map(token => (typeof token === 'string' ? Buffer.from(token) : token))
    this.#work = Buffer.alloc(maxLength)
  }

  next(random: Random): Buffer {
    const base = random.pick(this.#corpus)
    this.#length = base.copy(this.#work, 0, 0, this.#work.length)
    if (random.int(1, AS_IT_IS) > 1) {
      const changes = 1 << random.int(0, 3)
      for (let i = random.int(1, changes); i > 0; i--) this.#change(random)
      if (random.int(1, REPEATED) === 1) this.#repeat(random)
    }
    return Buffer.from(this.#work.subarray(0, this.#length))
  }

  #change(random: Random): void {
    const work = this.#work
    const length = this.#length
    const at = length === 0 ? 0 : random.int(0, length - 1)
    switch (random.int(0, 13)) {
      case 0:
      case 1:
        if (length > 0) work[at] = (work[at] ?? 0) ^ (1 << random.int(0, 7))
        return
      case 2:
        if (length > 0) work[at] = random.pick(BYTES)
        return
      case 3:
        if (length > 0) work[at] = random.int(0, 255)
        return
      case 4:
        this.#length = at
        return
      case 5:
        this.#remove(at, this.#few(random, length - at))
        return
      case 6:
        this.#double(random, at)
        return
      case 7:
        if (length >= at + 4) work.writeUInt32BE(random.pick(WORDS), at)
        return
      case 8:
        if (length >= at + 4) work.writeUInt32LE(random.pick(WORDS), at)
        return
      case 9:
        if (this.#tokens.length > 0) this.#insert(at, random.pick(this.#tokens))
        return
      case 10:
        this.#replaceNumber(at, random.pick(NUMBERS))
        return
      case 11:
        this.#splice(random, at)
        return
      case 12:
        this.#insert(at, Buffer.from([random.pick(BYTES), random.int(0, 255)]))
        return
      default:
        this.#nudge(random, at)
    }
  }

  /** Mostly few, and seldom many. */
  #few(random: Random, most: number): number {
    return Math.min(most, random.chance(0.8) ? random.int(1, 8) : random.int(1, Math.max(1, most)))
  }

  #remove(at: number, count: number): void {
    this.#work.copyWithin(at, at + count, this.#length)
    this.#length -= count
  }

  #insert(at: number, bytes: Buffer): void {
    const count = Math.min(bytes.length, this.#work.length - this.#length)
    this.#work.copyWithin(at + count, at, this.#length)
    bytes.copy(this.#work, at, 0, count)
    this.#length += count
  }

  #double(random: Random, at: number): void {
    const count = this.#few(random, this.#length - at)
    this.#insert(random.int(0, this.#length), Buffer.from(this.#work.subarray(at, at + count)))
  }

  /** Goes on with what another input has from somewhere on. */
  #splice(random: Random, at: number): void {
    const other = random.pick(this.#corpus)
    const from = random.int(0, other.length)
    if (random.chance(0.5)) this.#length = at
    this.#insert(at, other.subarray(from, from + this.#few(random, other.length - from) * 8))
  }

  /** One more or less, where a length may be. */
  #nudge(random: Random, at: number): void {
    const work = this.#work
    if (at < this.#length) work[at] = ((work[at] ?? 0) + random.pick([1, -1, 2, -4, 16])) & 0xff
  }

  /** The first number in digits from there on. */
  #replaceNumber(from: number, number: string): void {
    const work = this.#work
    const isDigit = (at: number): boolean => (work[at] ?? 0) >= 0x30 && (work[at] ?? 0) <= 0x39
    let at = from
    while (at < this.#length && !isDigit(at)) at++
    let end = at
    while (end < this.#length && isDigit(end)) end++
    if (end === at) return
    this.#remove(at, end - at)
    this.#insert(at, Buffer.from(number))
  }

  /** What takes more than linear time shows in what is long. */
  #repeat(random: Random): void {
    const start = random.int(0, Math.max(0, this.#length - 1))
    const part = Buffer.from(
      this.#work.subarray(start, start + random.pick([1, 1, 2, 3, 8, 64, this.#length])),
    )
    if (part.length === 0) return
    const tail = random.chance(0.5) ? Buffer.from(this.#work.subarray(start, this.#length)) : part
    const end = random.int(this.#length, this.#work.length)
    this.#length = start
    while (this.#length + part.length <= end) {
      part.copy(this.#work, this.#length)
      this.#length += part.length
    }
    this.#length += tail.copy(this.#work, this.#length)
  }
}
