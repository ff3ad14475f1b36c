import type { Socket } from 'node:net'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import { dial } from './dial.ts'

/** More OKs than one read holds, to compare what is read with. */
const OKS = Buffer.alloc(OK_FRAME.length * 32 * 1024)
for (let at = 0; at < OKS.length; at += OK_FRAME.length) OK_FRAME.copy(OKS, at)

/** One publishing connection: OKs are counted by their bytes. */
export class Publishing {
  readonly #onOks: (connection: Publishing, count: number) => void
  readonly #fail: (error: Error) => void
  #socket: Socket | undefined
  #received = 0

  constructor(onOks: (connection: Publishing, count: number) => void, fail: (error: Error) => void) {
    this.#onOks = onOks
    this.#fail = fail
  }

  async open(port: number): Promise<void> {
    const socket = await dial(port, (bytes, length) => this.#read(bytes, length))
    socket.on('error', this.#fail)
    socket.on('end', () => this.#fail(new Error('the server closed the connection')))
    this.#socket = socket
  }

  send(bytes: Buffer): void {
    this.#socket?.write(bytes)
  }

  close(): void {
    this.#socket?.destroy()
  }

  #read(bytes: Buffer, length: number): void {
    const phase = this.#received % OK_FRAME.length
    if (bytes.compare(OKS, phase, phase + length, 0, length) !== 0) {
      this.#fail(new Error(`not OK: ${bytes.toString('latin1', 0, Math.min(length, 200))}`))
      return
    }
    this.#received += length
    const count = Math.floor((phase + length) / OK_FRAME.length)
    if (count > 0) this.#onOks(this, count)
  }
}
