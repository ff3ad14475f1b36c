import { Duplex, type Transform } from 'node:stream'

/** A coding of a byte stream, one for each connection. */
export interface Codec {
  /** Each write is coded so that the other side can decode all of it at once. */
  readonly encoder: Transform
  /** Stops when its reader does, in the middle of a chunk too: a few bytes may stand for a thousand times as many. */
  readonly decoder: Transform
}

/** What is written together is coded in pieces of this size at most, unless it was one buffer; 64 KiB is a snappy block. */
const PIECE = 65_536

/**
 * A stream coded over another. What is flushed in one write is coded together and goes out at once; a slow reader
 * stops the stream below, and a slow stream below the writer: a write is done when `below` has taken it.
 */
export function codedStream(below: Duplex, codec: Codec): Duplex {
  return new CodedStream(below, codec)
}

class CodedStream extends Duplex {
  readonly #below: Duplex
  readonly #encoder: Transform
  readonly #decoder: Transform

  constructor(below: Duplex, { encoder, decoder }: Codec) {
    super({ allowHalfOpen: below.allowHalfOpen })
    this.#below = below
    this.#encoder = encoder
    this.#decoder = decoder
    const destroy = (error: Error): void => {
      this.destroy(error)
    }
    encoder.on('error', destroy)
    encoder.on('data', (coded: Buffer) => {
      if (below.writable && !below.write(coded)) encoder.pause()
    })
    decoder.on('error', destroy)
    decoder.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) decoder.pause()
    })
    decoder.on('end', () => this.push(null))
    decoder.on('drain', () => below.resume())
    // Until somebody reads.
    decoder.pause()
    below.on('error', destroy)
    below.on('close', () => this.#closedBelow())
    below.on('drain', () => encoder.resume())
    below.on('end', () => decoder.end())
    below.on('data', (coded: Buffer) => {
      if (!decoder.write(coded)) below.pause()
    })
  }

  override _read(): void {
    this.#decoder.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#encode([bytes], done)
  }

  override _writev(writes: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#encode(
      writes.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: (error?: Error | null) => void): void {
    
  }
}
