import { Socket } from 'node:net'

/** A socket whose other side is this test: what is pushed is read, and what is written is kept until it is taken. */
export class FakeSocket extends Socket {
  written = ''
  /** The other side takes nothing. */
  isStuck = false
  #taken: (() => void) | undefined

  override _read(): void {
    // What there is, the test pushes.
  }

  override _write(chunk: Buffer, _: string, taken: () => void): void {
    this.written += chunk.toString('latin1')
    if (this.isStuck) this.#taken = taken
    else taken()
  }

  override _writev(chunks: { chunk: Buffer }[], taken: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', taken)
  }

  override _final(done: () => void): void {
    done()
  }

  /** Takes the write that is under way. */
  takeWrite(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}
