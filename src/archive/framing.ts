/**
 * Cuts a stream of bytes into messages, whatever the chunks. split2 is not used here: it decodes UTF-8, makes a string and
 * an event of every line, and takes one delimiter as a pattern; these look for bytes and return views of the chunk.
 */

/** Input that cannot be cut into messages. */
export class FramingError extends Error {
  override readonly name = 'FramingError'
}

export interface Framing {
  /** Messages of no bytes that were left out: NSQ has no empty messages. */
  readonly empty: number
  /** Adds the messages that this chunk completes to `bodies`; they are views, valid as long as the chunk is. */
  push(chunk: Buffer, bodies: Buffer[]): void
  /** The input has ended: adds what is left. */
  end(bodies: Buffer[]): void
}

/** Bytes of one message seen so far, over several chunks; joined once, when it is whole. */
class Partial {
  length = 0
  readonly #maxSize: number
  #parts: Buffer[] = []

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  /** Throws FramingError when the message grows too large, so that no input can fill the memory. */
  add(part: Buffer): void {
    this.length += part.length
    if (this.length > this.#maxSize) throw tooLarge(this.#maxSize)
    if (part.length > 0) this.#parts.push(part)
  }

  take(): Buffer {
    const [first] = this.#parts
    const whole = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts)
    this.#parts = []
    this.length = 0
    return whole
  }

  /** The last `count` bytes, fewer when there are not so many. */
  last(count: number): Buffer {
    const tail: Buffer[] = []
    let missing = count
    for (let i = this.#parts.length - 1; i >= 0 && missing > 0; i--) {
      const part = this.#parts[i]?.subarray(-missing)
      if (part === undefined) break
      tail.unshift(part)
      missing -= part.length
    }
    return Buffer.concat(tail)
  }
}

/** Messages that end with a delimiter of one byte or more; the last one may lack it. */
export class DelimitedFraming implements Framing {
  empty = 0
  readonly #delimiter: Buffer
  /** indexOf is fastest for a number. */
  readonly #needle: number | Buffer
  readonly #maxSize: number
  readonly #keepsEmpty: boolean
  readonly #partial: Partial

  /** @param keepsEmpty - hand out empty messages too, for a reader that counts lines */
  constructor(delimiter: Buffer, maxSize: number, keepsEmpty = false) {
    if (delimiter.length === 0) throw new RangeError('a delimiter has at least one byte')
    this.#delimiter = delimiter
    this.#needle = delimiter.length === 1 ? delimiter.readUInt8(0) : delimiter
    this.#maxSize = maxSize
    this.#keepsEmpty = keepsEmpty
    // Up to all but one byte of a delimiter may be waiting behind the largest message.
    this.#partial = new Partial(maxSize + delimiter.length - 1)
  }

  push(chunk: Buffer, bodies: Buffer[]): void {
    const width = this.#delimiter.length
    let start = this.#partial.length > 0 && width > 1 ? this.#finishAcross(chunk, bodies) : 0
    for (;;) {
      const end = chunk.indexOf(this.#needle, start)
      if (end === -1) break
      if (this.#partial.length > 0) {
        this.#partial.add(chunk.subarray(start, end))
        this.#emit(this.#partial.take(), bodies)
      } else {
        this.#emit(chunk.subarray(start, end), bodies)
      }
      start = end + width
    }
    if (start < chunk.length) this.#partial.add(chunk.subarray(start))
  }

  end(bodies: Buffer[]): void {
    if (this.#partial.length > 0) this.#emit(this.#partial.take(), bodies)
  }

  /** Looks for a delimiter that begins in an earlier chunk; returns where the next message begins in this one. */
  #finishAcross(chunk: Buffer, bodies: Buffer[]): number {
    const before = this.#partial.last(this.#delimiter.length - 1)
    const seam = Buffer.concat([before, chunk.subarray(0, this.#delimiter.length - 1)])
    const at = seam.indexOf(this.#delimiter)
    if (at === -1) return 0
    const body = this.#partial.take()
    this.#emit(body.subarray(0, body.length - (before.length - at)), bodies)
    return at + this.#delimiter.length - before.length
  }

  #emit(body: Buffer, bodies: Buffer[]): void {
    if (body.length === 0 && !this.#keepsEmpty) this.empty++
    else if (body.length > this.#maxSize) throw tooLarge(this.#maxSize)
    else bodies.push(body)
  }
}

const BACKSLASH = 0x5c
const ESCAPED: Readonly<Record<number, number>> = { 0x5c: 0x5c, 0x6e: 0x0a, 0x72: 0x0d }

/** Delimited messages in which `\\`, `\n` and `\r` stand for a backslash, a newline and a carriage return. */
export class UnescapedFraming implements Framing {
  empty = 0
  readonly #lines: DelimitedFraming
  readonly #maxSize: number

  constructor(delimiter: Buffer, maxSize: number) {
    // Each byte of the message may have become two.
    this.#lines = new DelimitedFraming(delimiter, maxSize * 2, true)
    this.#maxSize = maxSize
  }

  push(chunk: Buffer, bodies: Buffer[]): void {
    this.#cut(lines => this.#lines.push(chunk, lines), bodies)
  }

  end(bodies: Buffer[]): void {
    this.#cut(lines => this.#lines.end(lines), bodies)
  }

  #cut(into: (lines: Buffer[]) => void, bodies: Buffer[]): void {
    const lines: Buffer[] = []
    try {
      into(lines)
    } finally {
      // Also when a line is too long: those before it are messages, or have an earlier fault.
      for (const line of lines) this.#add(unescape(line), bodies)
    }
  }

  #add(body: Buffer, bodies: Buffer[]): void {
    if (body.length > this.#maxSize) throw tooLarge(this.#maxSize, body.length)
    if (body.length === 0) this.empty++
    else bodies.push(body)
  }
}

/** A line without backslashes is its own body. */
function unescape(line: Buffer): Buffer {
  let from = line.indexOf(BACKSLASH)
  if (from === -1) return line
  const body = Buffer.allocUnsafe(line.length)
  let to = line.copy(body, 0, 0, from)
  for (; from < line.length; from++) {
    const byte = line[from] ?? 0
    if (byte !== BACKSLASH) {
      body[to++] = byte
      continue
    }
    const escape = line.subarray(from, ++from + 1)
    const meant = ESCAPED[line[from] ?? -1]
    if (meant === undefined) throw badEscape(escape)
    body[to++] = meant
  }
  return body.subarray(0, to)
}

function badEscape(escape: Buffer): FramingError {
  const known = 'a backslash is written \\\\, a newline \\n, a carriage return \\r'
  const [, byte] = escape
  if (byte === undefined) return new FramingError(`it ends with a single backslash; ${known}`)
  const isPrintable = byte > 0x20 && byte < 0x7f
  const what = isPrintable ? `\\${String.fromCharCode(byte)}` : `a backslash before byte ${byte}`
  return new FramingError(`${what} is no escape; ${known}`)
}

const LENGTH_BYTES = 4

/** Binary messages: `[length u32, big-endian][body]`, one after the other. */
export class LengthFraming implements Framing {
  empty = 0
  readonly #maxSize: number
  readonly #header: Partial
  readonly #body: Partial
  /** Of the message whose body is being read; -1 while reading a length. */
  #length = -1

  constructor(maxSize: number) {
    this.#maxSize = maxSize
    this.#header = new Partial(LENGTH_BYTES)
    this.#body = new Partial(maxSize)
  }

  push(chunk: Buffer, bodies: Buffer[]): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#length === -1) {
        const part = chunk.subarray(at, at + LENGTH_BYTES - this.#header.length)
        at += part.length
        this.#header.add(part)
        if (this.#header.length === LENGTH_BYTES) this.#begin(this.#header.take().readUInt32BE(0))
      } else {
        const part = chunk.subarray(at, at + this.#length - this.#body.length)
        at += part.length
        this.#body.add(part)
        if (this.#body.length === this.#length) {
          bodies.push(this.#body.take())
          this.#length = -1
        }
      }
    }
  }

  end(): void {
    if (this.#length !== -1) {
      throw new FramingError(`the input ends after ${this.#body.length} of ${this.#length} bytes`)
    }
    if (this.#header.length > 0) throw new FramingError('the input ends within a length')
  }

  #begin(length: number): void {
    if (length > this.#maxSize) throw tooLarge(this.#maxSize, length)
    if (length === 0) this.empty++
    else this.#length = length
  }
}

/** All of the input is one message. */
export class WholeFraming implements Framing {
  empty = 0
  readonly #partial: Partial

  constructor(maxSize: number) {
    this.#partial = new Partial(maxSize)
  }

  push(chunk: Buffer): void {
    this.#partial.add(chunk)
  }

  end(bodies: Buffer[]): void {
    if (this.#partial.length === 0) this.empty++
    else bodies.push(this.#partial.take())
  }
}

function tooLarge(maxSize: number, size?: number): FramingError {
  return new FramingError(`it is ${size === undefined ? '' : `${size} bytes, `}larger than ${maxSize} bytes`)
}
