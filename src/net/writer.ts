import type { Duplex } from 'node:stream'

// A write up to this length is copied: that costs less than one more entry in a writev.
const COPY_LIMIT = 2048
const FIRST_SLAB = 1024
const LARGEST_SLAB = 16 * 1024

const NO_SLAB = Buffer.alloc(0)
const NOTHING_BELOW: readonly Duplex[] = []

/**
 * Gathers what is written to a socket until the caller flushes, usually at the end of a turn of the event loop, so
 * that a hundred small replies are one system call. Small writes are copied together into slabs; large ones are
 * queued as they are, so their bytes must not change until the socket has sent them.
 *
 * While a connection is upgraded the writer is held: what is written waits, and goes through the new layer.
 *
 * A slab is never written to again where the socket may still read: parts once flushed are left behind, and when the
 * slab is full a new one is made, larger while the connection is busy.
 */
export class SocketWriter {
  #socket: Duplex
  #below = NOTHING_BELOW
  #isHeld = false
  #queue: Buffer[] = []
  #queued = 0
  /** Bytes that were ever handed to the socket. */
  #handed = 0
  #slab: Buffer = NO_SLAB
  // The part of the slab that is not in the queue yet.
  #from = 0
  #to = 0

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Queues bytes behind everything written before. */
  write(bytes: Buffer): void {
    const length = bytes.length
    this.#queued += length
    if (length > COPY_LIMIT) {
      this.#closePart()
      this.#queue.push(bytes)
      return
    }
    if (this.#to + length > this.#slab.length) this.#openSlab(length)
    this.#slab.set(bytes, this.#to)
    this.#to += length
  }

  /** Hands everything to the socket in one write. After the socket has closed, drops it. */
  flush(): void {
    if (this.#queued === 0 || (this.#isHeld && this.#socket.writable)) return
    this.#closePart()
    const queue = this.#queue
    const length = this.#queued
    this.#queue = []
    this.#queued = 0
    // Dropped, and not counted as sent: what the socket was handed before may still be on its way.
    if (!this.#socket.writable) return
    this.#handed += length
    const several = queue.length > 1
    if (several) this.#socket.cork()
    for (const bytes of queue) this.#socket.write(bytes)
    if (several) this.#socket.uncork()
  }

  /**
   * Bytes that have not left the process: queued here, or waiting in the socket or a layer over it. A layer takes the
   * next write only when the stream below it has taken what the one before became, so that a slow connection shows
   * here in full. What is left out is only what lies between two layers: a few buffers of 64 KiB.
   */
  get pending(): number {
    return this.#queued + this.#inStreams
  }

  /** Bytes that were ever written. */
  get given(): number {
    return this.#handed + this.#queued
  }

  /** Changes whenever bytes leave the process, by whole writes, and only then. */
  get sent(): number {
    return this.#handed - this.#inStreams
  }

  /** Flushes, and from then on keeps what is written until `moveTo`. */
  hold(): void {
    this.flush()
    this.#isHeld = true
  }

  /** Writes to another stream from now on, first what was held. `below` are the streams that it writes to. */
  moveTo(stream: Duplex, below: readonly Duplex[]): void {
    this.#socket = stream
    this.#below = below
    this.#isHeld = false
    this.flush()
  }

  /** Writes the last bytes, flushes and ends the socket. */
  end(lastBytes?: Buffer): void {
    if (lastBytes !== undefined) this.write(lastBytes)
    this.flush()
    this.#socket.end()
  }

  get #inStreams(): number {
    let bytes = this.#socket.writableLength
    for (const stream of this.#below) bytes += stream.writableLength
    return bytes
  }

  #closePart(): void {
    if (this.#from === this.#to) return
    this.#queue.push(this.#slab.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #openSlab(least: number): void {
    this.#closePart()
    const size = Math.min(Math.max(2 * this.#slab.length, FIRST_SLAB), LARGEST_SLAB)
    this.#slab = Buffer.allocUnsafeSlow(Math.max(size, least))
    this.#from = 0
    this.#to = 0
  }
}
