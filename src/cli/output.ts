import type { Writable } from 'node:stream'
import { type ColourLevel, colourLevel } from './colour.ts'

type OutputStream = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  getColorDepth?(env?: object): number
}

/** stdout or stderr: knows whether it is a terminal, and outlives a reader that goes away (`| head`). */
export class Output {
  readonly stream: OutputStream
  /** A person is looking: control characters are not welcome. */
  readonly isTerminal: boolean
  /** Spinners and redrawn lines are welcome: not on a dumb terminal, nor in the log of a build server (`CI`). */
  readonly canRedraw: boolean
  readonly colour: ColourLevel
  /** Whether the reader has gone, or writing has failed; nothing more is written. */
  broken = false
  /** What writing failed with, unless the reader has gone: that is no fault. */
  failure: Error | undefined
  #last: Promise<boolean> = Promise.resolve(true)
  #onBroken: () => void = () => {}

  constructor(stream: OutputStream, env: Readonly<Record<string, string | undefined>>) {
    this.stream = stream
    this.isTerminal = stream.isTTY === true
    const isPlain = env['TERM'] === 'dumb' || (env['CI'] ?? '') !== ''
    // A terminal without a width, as some build servers and containers have, would be redrawn without an end.
    this.canRedraw = this.isTerminal && !isPlain && stream.columns !== 0
    this.colour = colourLevel(stream, env)
    stream.on('error', error => this.#break(error))
  }

  get columns(): number | undefined {
    return this.stream.columns
  }

  get rows(): number | undefined {
    return this.stream.rows
  }

  /** Calls back once when nothing more can be written. */
  onBroken(callback: () => void): void {
    this.#onBroken = callback
  }

  line(text = ''): void {
    void this.write(`${text}\n`)
  }

  /** Resolves when the bytes have left the process: true, or false when they could not. */
  write(data: string | Uint8Array): Promise<boolean> {
    if (this.broken) return Promise.resolve(false)
    this.#last = new Promise(resolve => {
      this.stream.write(data, error => {
        if (error) this.#break(error)
        resolve(!error)
      })
    })
    return this.#last
  }

  /** Waits for everything written: process.exit would cut off what a pipe has not taken yet. */
  async drained(): Promise<void> {
    await this.#last
  }

  #break(error: Error): void {
    if (this.broken) return
    this.broken = true
    if (!('code' in error && error.code === 'EPIPE')) this.failure = error
    this.#onBroken()
  }
}
