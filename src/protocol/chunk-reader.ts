const NOTHING = Buffer.alloc(0)

/**
 * Cuts a stream of chunks into values without joining the chunks. What lies whole in a chunk is read where it is. A
 * line or header that spans chunks is joined with just the bytes it lacks, and a body that spans chunks is copied
 * once into a buffer of its exact size: the subclass asks for that only after it has checked the size.
 */
export abstract class ChunkReader {
  /** A handler sets this to read no further than the present value. Later chunks are kept until `resume`. */
  paused = false
  /**
   * Changes whenever a line, a header or a body comes to its end. Who finds it as it was, and `isAmid`, knows that the
   * other side has begun something and not finished it.
   */
  progress = 0

  #busy = false
  // Chunks that came while paused, and the rest of the one in which that happened.
  #held: Buffer[] = []
  // The beginning of a line or header.
  #part: Buffer = NOTHING
  // The chunk in which a body is collected, how long that is, and how much of it has come.
  #body: Buffer | undefined
  #size = 0
  #filled = 0

  /** Whether the beginning of a value has come, and not yet its end. */
  get isAmid(): boolean {
    return this.#part.length > 0 || this.#body !== undefined
  }

  /** The whole length, in bytes, of the body of which only a part has come; 0 when there is none. */
  get bodySize(): number {
    return this.#body === undefined ? 0 : this.#size
  }

  /**
   * Reads every complete value in what came so far.
   *
   * @throws ProtocolError from the reader, and whatever the handler throws. After that, push nothing more.
   */
  push(chunk: Buffer): void {
    if (this.paused || this.#busy || this.#held.length > 0) this.#held.push(chunk)
    else this.#consume(chunk)
  }

  /** Goes on after `paused`, with what was kept meanwhile. Throws what `push` throws. */
  resume(): void {
    this.paused = false
    // Called by a handler: the reader that called it goes on by itself.
    if (this.#busy) return
    while (!this.paused) {
      const chunk = this.#held.shift()
      if (chunk === undefined) return
      this.#consume(chunk)
    }
  }

  /** Takes what was kept while paused: after a switch to TLS or compression it belongs to the new layer. */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.#held)
    this.#held = []
    return rest
  }

  /**
   * Reads complete values from `at`, and returns where it stopped: at the end, before a line or header that is not
   * complete, or after the value whose handler paused it. Returns at once when paused.
   */
  protected abstract read(bytes: Buffer, at: number): number

  /** How many bytes of `chunk`, at most all, complete the line or header that begins with `part`. */
  protected abstract missing(part: Buffer, chunk: Buffer): number

  /** Takes a body that was collected. */
  protected abstract deliver(bytes: Buffer, start: number, end: number): void

  /** Called by `read` for a body of which only the beginning, from `at`, is there. */
  protected collect(size: number, bytes: Buffer, at: number): void {
    this.#body = this.takeChunk(size)
    this.#size = size
    this.#filled = bytes.copy(this.#body, 0, at)
  }

  /** A chunk for a body of this size, or longer. */
  protected takeChunk(size: number): Buffer {
    return Buffer.allocUnsafe(size)
  }

  /** The body in this chunk was delivered, and who got it is done with it. */
  protected giveChunkBack(_chunk: Buffer): void {
    // Garbage.
  }

  #consume(chunk: Buffer): void {
    this.#busy = true
    try {
      let at = this.#part.length > 0 ? this.#readPart(chunk) : 0
      if (this.#body !== undefined) at = this.#fill(this.#body, chunk, at)
      if (at < chunk.length) {
        const begin = at
        at = this.read(chunk, begin)
        if (at > begin) this.progress++
      }
      if (at < chunk.length) this.#keep(chunk.subarray(at))
    } finally {
      this.#busy = false
    }
  }

  /** Completes what the last chunk began with; returns how much of this chunk was used. */
  #readPart(chunk: Buffer): number {
    const used = this.missing(this.#part, chunk)
    const joined = Buffer.concat([this.#part, chunk.subarray(0, used)])
    if (this.read(joined, 0) < joined.length) {
      this.#part = joined
    } else {
      this.#part = NOTHING
      this.progress++
    }
    return used
  }

  #fill(body: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(body, this.#filled, at, at + this.#size - this.#filled)
    this.#filled += copied
    if (this.#filled === this.#size) {
      this.#body = undefined
      this.progress++
      this.deliver(body, 0, this.#size)
      // Who has paused the reader may still have something to do with it.
      if (!this.paused) this.giveChunkBack(body)
    }
    return at + copied
  }

  #keep(rest: Buffer): void {
    if (this.paused) this.#held.unshift(rest)
    // A copy, so that a few bytes do not hold their whole chunk in memory.
    else this.#part = Buffer.from(rest)
  }
}
