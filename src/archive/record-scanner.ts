import type { FramingName } from './record-format.ts'

/** Counts records in bytes that come in chunks, and knows where the last whole one ends. */
export interface RecordScanner {
  /** Whole records so far. */
  readonly records: number
  /** Where the last of them ends. */
  readonly wholeBytes: number
  /** Whether nothing has come after the last whole record. */
  readonly isBetween: boolean
  /** Whether what came after it cannot become a record any more: nothing further is looked at. */
  readonly isBroken: boolean
  push(chunk: Buffer): void
}

export function recordScanner(framing: FramingName): RecordScanner {
  if (framing === 'length') return new LengthScanner()
  return new LineScanner(framing === 'jsonl')
}

const NEWLINE = 0x0a
const SPACE = 0x20
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

class LineScanner implements RecordScanner {
  records = 0
  wholeBytes = 0
  isBroken = false
  /** Lines hold anything; a JSON record begins and ends with a brace, and has no control characters. */
  readonly #isJson: boolean
  #seen = 0
  /** The last byte that was seen, a newline before the first. */
  #last = NEWLINE

  constructor(isJson: boolean) {
    this.#isJson = isJson
  }

  get isBetween(): boolean {
    return this.#seen === this.wholeBytes
  }

  push(chunk: Buffer): void {
    let start = 0
    while (start < chunk.length && !this.isBroken) {
      const at = chunk.indexOf(NEWLINE, start)
      const end = at === -1 ? chunk.length : at
      if (this.#isJson) this.#check(chunk, start, end, at !== -1)
      if (at === -1) {
        this.#last = chunk[end - 1] ?? 0
        break
      }
      if (this.isBroken) break
      this.records++
      this.wholeBytes = this.#seen + at + 1
      this.#last = NEWLINE
      start = at + 1
    }
    this.#seen += chunk.length
  }

  /** @param isEnd - whether the line ends there */
  #check(chunk: Buffer, start: number, end: number, isEnd: boolean): void {
    const first = chunk[start]
    if (this.#last === NEWLINE && first !== OPENING_BRACE) this.isBroken = true
    const last = end > start ? chunk[end - 1] : this.#last
    if (isEnd && last !== CLOSING_BRACE) this.isBroken = true
    for (let i = start; i < end; i++) {
      if ((chunk[i] ?? 0) < SPACE) this.isBroken = true
    }
  }
}

const LENGTH_BYTES = 4

class LengthScanner implements RecordScanner {
  records = 0
  wholeBytes = 0
  isBroken = false
  /** Bytes of the length that were seen, and what they say. */
  #lengthBytes = 0
  #length = 0
  /** Of the body, once its length is known. */
  #missing = 0

  get isBetween(): boolean {
    return this.#lengthBytes === 0
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.isBroken) {
      if (this.#lengthBytes < LENGTH_BYTES) {
        this.#length = this.#length * 256 + (chunk[at++] ?? 0)
        if (++this.#lengthBytes < LENGTH_BYTES) continue
        // There are no empty messages, but zeros are what a file has behind its end after a power cut.
        this.isBroken = this.#length === 0
        this.#missing = this.#length
      } else {
        const step = Math.min(this.#missing, chunk.length - at)
        at += step
        this.#missing -= step
        if (this.#missing > 0) continue
        this.records++
        this.wholeBytes += LENGTH_BYTES + this.#length
        this.#lengthBytes = 0
        this.#length = 0
      }
    }
  }
}
