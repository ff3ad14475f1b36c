import { Duplex } from 'node:stream'
import { NsqError, errorText } from '../util/errors.ts'

/** A coding of a byte stream; one object for each connection. */
export interface Coding {
  /** For people. */
  readonly name: string
  /** Of the error when what comes is not so coded. */
  readonly errorCode: string
  /** Whatever is written to it in one piece, the other side can decode as soon as it has come. */
  readonly encoder: Duplex
  /** Stops when its reader does, in the middle of a piece too: a few bytes may stand for a thousand times as many. */
  readonly decoder: Duplex
}

type WriteDone = (error?: Error | null) => void

/** Small writes that were flushed together are coded together, up to this size; 64 KiB is also a snappy block. */
const PIECE = 65_536

/**
 * A stream that is coded on its way over another.
 *
 * Nothing waits: each flush is decodable when it has arrived. Nothing is read ahead: with its reader stopped, the
 * decoder stops within a few buffers, and then the stream below. And a write is done when the stream below has taken
 * what became of it, or is about to, so that `writableLength` tells how far a slow connection is behind.
 *
 * When the stream below ends, what it has brought is still decoded, and then this one ends; bytes that lack the rest of
 * what they were coded with are dropped. Garbage destroys both.
 */
export function codedStream(below: Duplex, coding: Coding): Duplex {
  return new CodedStream(below, coding)
}

class CodedStream extends Duplex {
  readonly #below: Duplex
  readonly #encoder: Duplex
  readonly #decoder: Duplex

  constructor(below: Duplex, { name, errorCode, encoder, decoder }: Coding) {
    super({ allowHalfOpen: below.allowHalfOpen })
    this.#below = below
    this.#encoder = encoder
    this.#decoder = decoder
    const fail = (cause: Error): void => {
      this.destroy(new NsqError(errorCode, `what came is not ${name}: ${errorText(cause)}`, { cause }))
    }
    encoder.on('error', fail)
    decoder.on('error', fail)
    this.#encodeTo(below)
    this.#decodeFrom(below)
    below.on('error', error => this.destroy(error))
    below.on('close', () => this.#closedBelow())
  }

  #encodeTo(below: Duplex): void {
    const encoder = this.#encoder
    encoder.on('data', (coded: Buffer) => {
      if (below.writable && !below.write(coded)) encoder.pause()
    })
    below.on('drain', () => encoder.resume())
  }

  #decodeFrom(below: Duplex): void {
    const decoder = this.#decoder
    decoder.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) decoder.pause()
    })
    decoder.on('drain', () => below.resume())
    decoder.on('end', () => {
      this.push(null)
      // The coded bytes can have an end of their own. What follows it is nothing, but its end must be seen.
      below.resume()
    })
    // Until somebody reads.
    decoder.pause()
    below.on('data', (coded: Buffer) => {
      if (!decoder.readableEnded && !decoder.write(coded)) below.pause()
    })
    below.on('end', () => decoder.end())
    below.resume()
  }

  override _read(): void {
    this.#decoder.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    this.#encode([bytes], done)
  }

  override _writev(writes: { chunk: Buffer }[], done: WriteDone): void {
    this.#encode(
      writes.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: WriteDone): void {
    const below = this.#below
    this.#encoder.once('end', () => {
      if (below.writable) below.end(done)
      else done()
    })
    this.#encoder.end()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Frees what they have outside of the heap.
    this.#encoder.destroy()
    this.#decoder.destroy()
    this.#below.destroy()
    done(error)
  }

  #encode(parts: readonly Buffer[], done: WriteDone): void {
    const pieces = joined(parts)
    // An empty write is only waited for: an encoder might make something of it.
    if (pieces.length === 0 || !this.#below.writable) {
      done()
      return
    }
    // By place: one buffer can be there several times.
    for (const [i, piece] of pieces.entries()) {
      if (i === pieces.length - 1) this.#encoder.write(piece, done)
      else this.#encoder.write(piece)
    }
  }

  #closedBelow(): void {
    // Nothing drains any more: what waits for that goes nowhere.
    this.#encoder.resume()
    if (!this.#below.readableEnded) this.destroy()
  }
}

function joined(parts: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = []
  let small: Buffer[] = []
  let size = 0
  for (const part of parts) {
    if (size > 0 && size + part.length > PIECE) {
      pieces.push(join(small))
      small = []
      size = 0
    }
    if (part.length > 0) small.push(part)
    size += part.length
  }
  if (size > 0) pieces.push(join(small))
  return pieces
}

function join(parts: readonly Buffer[]): Buffer {
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
}
