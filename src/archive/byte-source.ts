/** Bytes that come in chunks, to be read in pieces of any size. */
export class ByteSource {
  readonly #input: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  #position = 0

  constructor(input: AsyncIterable<Buffer>) {
    this.#input = input[Symbol.asyncIterator]()
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#position
  }

  /** The next bytes, as many as are at hand but at least one and at most `most`; undefined at the end of the input. */
  async some(most: number = Infinity): Promise<Buffer | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#input.next()
      if (next.done === true) return undefined
      this.#chunk = next.value
    }
    const piece = this.#chunk.length > most ? this.#chunk.subarray(0, most) : this.#chunk
    this.#chunk = this.#chunk.subarray(piece.length)
    this.#position += piece.length
    return piece
  }

  /** Exactly so many bytes; fewer only at the end of the input. */
  async exactly(bytes: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    let missing = bytes
    while (missing > 0) {
      const piece = await this.some(missing)
      if (piece === undefined) break
      pieces.push(piece)
      missing -= piece.length
    }
    const [first] = pieces
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
  }

  /** To be called by who may not read to the end: whatever the bytes come from is let go of. */
  async close(): Promise<void> {
    await this.#input.return?.()
  }
}
