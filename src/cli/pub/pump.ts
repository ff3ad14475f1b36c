import type { Readable } from 'node:stream'
import { errorText, NsqError } from '../../util/errors.ts'
import { decodeRecord } from '../../archive/jsonl.ts'
import { checkTopic } from '../names.ts'
import { type Framing, FramingError } from '../../archive/framing.ts'
import type { Pacer } from './pacer.ts'
import type { Publisher } from './publisher.ts'

export interface PumpOptions {
  input: Readable
  framing: Framing
  /** What a message of the input is called in errors: `line`, `message`. */
  unit: string
  /** Where messages go; undefined: each record of `jsonl` names its own. */
  topic: string | undefined
  /** Messages are records, as `tail --json` prints them. */
  isJsonl: boolean
  publisher: Publisher
  pacer: Pacer
  signal: AbortSignal
}

/** Publishes an input until it ends, cannot be read, or cannot be published any more. */
export class Pump {
  /** Records of a message without a body, and empty lines between records. */
  #emptyRecords = 0
  /** Messages of the input so far, empty ones too: the number of the line an error is about. */
  #seen = 0
  readonly #options: PumpOptions
  /** The user wants no more, or nothing more can be published: also while the input is silent. */
  readonly #stop: AbortSignal

  constructor(options: PumpOptions) {
    this.#options = options
    this.#stop = AbortSignal.any([options.signal, options.publisher.failure])
  }

  /** Messages of no bytes that were left out. */
  get empty(): number {
    return this.#options.framing.empty + this.#emptyRecords
  }

  /**
   * Resolves when the input has ended, `signal` is aborted, or the publisher has failed. What was read by then is given
   * to the publisher, but for what a rate or a failure holds back.
   */
  async run(): Promise<void> {
    const { input, framing } = this.#options
    const stop = this.#stop
    const close = (): void => void input.destroy()
    stop.addEventListener('abort', close, { once: true })
    try {
      if (stop.aborted) return
      for await (const chunk of input) {
        await this.#take(bodies => framing.push(toBuffer(chunk), bodies))
        if (stop.aborted) return
      }
      await this.#take(bodies => framing.end(bodies))
    } catch (error) {
      // Destroying the input ends its iteration with an error that is not one.
      if (!stop.aborted || error instanceof NsqError) throw error
    } finally {
      stop.removeEventListener('abort', close)
      input.destroy()
    }
  }

  async #take(cut: (bodies: Buffer[]) => void): Promise<void> {
    const { framing, publisher } = this.#options
    const bodies: Buffer[] = []
    const emptyBefore = framing.empty
    let failure: unknown
    try {
      cut(bodies)
    } catch (error) {
      failure = error
    }
    // What came before the fault is good, and is published.
    if (bodies.length > 0) await this.#publish(bodies)
    this.#seen += bodies.length + framing.empty - emptyBefore
    if (failure instanceof FramingError) throw this.#badInput(this.#seen + 1, failure)
    if (failure !== undefined) throw failure
    await publisher.room()
  }

  async #publish(bodies: Buffer[]): Promise<void> {
    const { pacer, publisher } = this.#options
    for (let from = 0; from < bodies.length;) {
      const count = await pacer.take(bodies.length - from, this.#stop)
      if (count === 0 || publisher.failure.aborted) return
      const passing = count === bodies.length ? bodies : bodies.slice(from, from + count)
      if (this.#options.isJsonl) this.#publishRecords(passing, from)
      else publisher.publish(this.#options.topic ?? '', passing)
      from += count
    }
  }

  /** @param offset - place of the first line in what was cut from this chunk */
  #publishRecords(lines: readonly Buffer[], offset: number): void {
    const { publisher } = this.#options
    let run: Buffer[] = []
    let runTopic = ''
    const publishRun = (): void => {
      if (run.length > 0) publisher.publish(runTopic, run)
      run = []
    }
    try {
      for (const [index, line] of lines.entries()) {
        if (line.length === 0) {
          this.#emptyRecords++
          continue
        }
        const { topic, body } = this.#decode(line, this.#seen + offset + index + 1)
        if (topic !== runTopic) publishRun()
        runTopic = topic
        if (body.length === 0) this.#emptyRecords++
        else run.push(body)
      }
    } finally {
      publishRun()
    }
  }

  #decode(line: Buffer, number: number): { topic: string; body: Buffer } {
    try {
      const { topic, body } = decodeRecord(line)
      const destination = this.#options.topic ?? topic
      if (destination === undefined) throw new RangeError('no "topic", and no --topic for all of them')
      checkTopic(destination)
      return { topic: destination, body }
    } catch (error) {
      throw this.#badInput(number, error)
    }
  }

  #badInput(number: number, error: unknown): NsqError {
    const { unit } = this.#options
    return new NsqError('E_INPUT', `${unit} ${number} of the input: ${errorText(error)}`, {
      cause: error,
      remedy: 'What came before it was published. See --input and --max-msg-size.',
    })
  }
}

/** Streams without an encoding give Buffers; those of tests may give strings. */
function toBuffer(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
}
