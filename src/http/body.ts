import type { IncomingMessage } from 'node:http'
import { HttpError } from './error.ts'

/** How much of a body that is too large is read and thrown away, so that its sender lives to see the reply. */
const DISCARD_LIMIT = 16 * 1024 * 1024
/** A chunk up to this length is copied: one of a single byte would take a hundred times that beside the others. */
const COPY_LIMIT = 4096
const SLAB = 64 * 1024

/**
 * Reads a whole request body.
 *
 * @throws HttpError 413 with `tooBig` as its message when there are more than `limit` bytes; nothing above the limit is kept.
 */
export function readBody(raw: IncomingMessage, limit: number, tooBig: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(new HttpError(413, tooBig))
    const announced = Number(raw.headers['content-length'] ?? 0)
    if (announced > limit + DISCARD_LIMIT) {
      refuse()
      return
    }
    const body = new Body()
    const take = (chunk: Buffer): void => {
      body.add(chunk)
      if (body.length > limit) body.forget()
      if (body.length <= limit + DISCARD_LIMIT) return
      // The rest is for who answers.
      raw.off('data', take)
      raw.pause()
      refuse()
    }
    raw.on('data', take)
    raw.on('end', () => {
      if (body.length > limit) refuse()
      else resolve(body.bytes())
    })
    raw.on('error', reject)
    raw.on('close', () => reject(new Error('the connection was lost within the body')))
  })
}

/** A body as it comes: of many small chunks as well, it takes little more memory than it has bytes. */
class Body {
  length = 0
  #parts: Buffer[] = []
  #slab: Buffer = Buffer.alloc(0)
  /** The part of the slab that is not among `parts` yet. */
  #from = 0
  #to = 0

  add(chunk: Buffer): void {
    this.length += chunk.length
    if (chunk.length > COPY_LIMIT) {
      this.#closePart()
      this.#parts.push(chunk)
      return
    }
    if (this.#to + chunk.length > this.#slab.length) {
      this.#closePart()
      // The first chunk is often all there is.
      this.#slab = Buffer.allocUnsafeSlow(this.#slab.length === 0 ? COPY_LIMIT : SLAB)
      this.#from = this.#to = 0
    }
    this.#slab.set(chunk, this.#to)
    this.#to += chunk.length
  }

  /** Keeps the length only. */
  forget(): void {
    this.#parts = []
    this.#from = this.#to
  }

  bytes(): Buffer {
    this.#closePart()
    const [only] = this.#parts
    return only !== undefined && this.#parts.length === 1 ? only : Buffer.concat(this.#parts, this.length)
  }

  #closePart(): void {
    if (this.#from === this.#to) return
    this.#parts.push(this.#slab.subarray(this.#from, this.#to))
    this.#from = this.#to
  }
}
