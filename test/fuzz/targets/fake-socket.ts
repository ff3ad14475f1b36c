import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** One end of a connection that has no system below it: what is written to it is kept, up to a limit. */
export class FakeSocket extends Duplex {
  readonly remoteAddress: string = '127.0.0.1'
  readonly remotePort: number = 1
  /** All that was written. */
  readonly written: Buffer[] = []

  /** What a connection asks a Socket for beyond a stream is here; more would be a TypeError, and so a finding. */
  asSocket(): Socket {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return this as unknown as Socket
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk)
    done()
  }
}

/** One turn of the event loop, and what it began. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
