import type { Writable } from 'node:stream'
import { type ColourLevel, colourLevel } from './colour.ts'

type OutputStream = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  getColorDepth?(env?: object): number
}

/** stdout or stderr: knows whether it is a terminal, and outlives a reader that goes away (`| head`). */
export class Output {
  readonly stream: OutputStream
  /** A person is looking: spinners and redrawn lines are welcome, control characters are not. */
  readonly isTerminal: boolean
  readonly colour: ColourLevel
  /** Whether the reader has gone; nothing more is written. */
  broken = false
  #onBroken: () => void = () => {}

  constructor(stream: OutputStream, env: Readonly<Record<string, string | undefined>>) {
    this.stream = stream
    this.isTerminal = stream.isTTY === true && env['TERM'] !== 'dumb'
    this.colour = colourLevel(stream, env)
    stream.on('error', () => {
      if (this.broken) return
      this.broken = true
      this.#onBroken()
    })
  }

  get columns(): number | undefined {
    return this.stream.columns
  }

  /** Calls back once when the reader has gone. */
  onBroken(callback: () => void): void {
    this.#onBroken = callback
  }

  line(text = ''): void {
    void this.write(`${text}\n`)
  }

  /** Resolves when the bytes have left the process: true, or false when they could not because the reader has gone. */
  write(data: string | Uint8Array): Promise<boolean> {
    if (this.broken) return Promise.resolve(false)
    return new Promise(resolve => {
      this.stream.write(data, error => resolve(error === null || error === undefined))
    })
  }

  /** Waits for everything written: process.exit would cut off what a pipe has not taken yet. */
  async drained(): Promise<void> {
    if (this.stream.writableLength > 0) await this.write('')
  }
}
