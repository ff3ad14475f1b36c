import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Layer } from '../../net/layer.ts'
import { NsqError } from '../../util/errors.ts'

/** More than a daemon has to say here. */
const MOST_BYTES = 1024 * 1024

/** A value at the beginning of what came, and how many bytes it took. */
export interface Taken<T> {
  readonly value: T
  readonly length: number
}

/** Question and answer over a socket, each within a time. What came is kept, so that it can be seen what is there. */
export class Talk {
  readonly #timeoutMs: number
  #stream: Duplex
  #bytes: Buffer = Buffer.alloc(0)
  /** What came first, of whatever was said. */
  head: Buffer = Buffer.alloc(0)
  #end: NsqError | undefined
  #changed: () => void = () => {}

  constructor(socket: Socket, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#stream = socket
    this.#listen(socket)
  }

  write(data: Buffer): void {
    this.#stream.write(data)
  }

  /**
   * Waits until `take` finds a value in what has come.
   *
   * @throws NsqError `E_READ_TIMEOUT`, `E_DISCONNECTED`; what `take` throws
   */
  async read<T>(take: (bytes: Buffer) => Taken<T> | undefined): Promise<T> {
    const deadline = performance.now() + this.#timeoutMs
    for (;;) {
      const taken = take(this.#bytes)
      if (taken !== undefined) {
        this.#bytes = this.#bytes.subarray(taken.length)
        return taken.value
      }
      if (this.#end !== undefined) throw this.#end
      if (this.#bytes.length > MOST_BYTES) throw new NsqError('E_PROTOCOL', 'it sent more than was asked for')
      await this.#change(deadline)
    }
  }

  /** Sends what is written and closes this side; resolves when the other has, too, or the time is over. */
  async close(): Promise<void> {
    this.#stream.end()
    const deadline = performance.now() + this.#timeoutMs
    while (this.#end === undefined) {
      const isLate = await this.#change(deadline).then(
        () => false,
        () => true,
      )
      if (isLate) return
    }
  }

  /** Puts a layer, such as TLS, over what there is. */
  async upgrade(layer: Layer): Promise<Duplex> {
    const below = this.#stream
    below.removeAllListeners('data').pause()
    const timer = setTimeout(() => below.destroy(), this.#timeoutMs)
    try {
      const above = await layer(below)
      this.#stream = above
      this.#listen(above)
      return above
    } finally {
      clearTimeout(timer)
    }
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #listen(stream: Duplex): void {
    stream.on('data', (chunk: Buffer) => {
      if (this.head.length < 64) this.head = Buffer.concat([this.head, chunk.subarray(0, 64)])
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#changed()
    })
    stream.on('error', error => this.#over(error))
    stream.on('end', () => this.#over(undefined))
    stream.on('close', () => this.#over(undefined))
  }

  #over(cause: Error | undefined): void {
    const why = cause === undefined ? 'it closed the connection' : `the connection was lost: ${cause.message}`
    this.#end ??= new NsqError('E_DISCONNECTED', why, { cause })
    this.#changed()
  }

  #change(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new NsqError('E_READ_TIMEOUT', `no answer within ${this.#timeoutMs} ms`)),
        Math.max(0, deadline - performance.now()),
      )
      this.#changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
