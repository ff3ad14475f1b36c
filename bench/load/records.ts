/** Finds records of one length in what comes in pieces. */
export class Records {
  readonly #length: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(length: number) {
    this.#length = length
  }

  /** The records that are whole by now. They may lie in `chunk` itself. */
  take(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const end = bytes.length - (bytes.length % this.#length)
    this.#rest = Buffer.from(bytes.subarray(end))
    return bytes.subarray(0, end)
  }
}
