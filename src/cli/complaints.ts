import type { NsqError } from '../util/errors.ts'
import { printable } from './escape.ts'

/** The same complaint is not repeated within this time. */
const PAUSE_MS = 1000
const LOST_CONNECTION: ReadonlySet<string> = new Set(['E_CONNECT', 'E_DISCONNECTED', 'E_READ_TIMEOUT'])

/** Says on stderr what goes wrong and is being dealt with, once a command is under way. */
export class Complaints {
  readonly #say: (text: string) => void
  readonly #signal: AbortSignal
  readonly #last = new Map<string, number>()
  #hasBegun = false

  /** @param signal - once it is aborted nobody needs to know */
  constructor(say: (text: string) => void, signal: AbortSignal) {
    this.#say = say
    this.#signal = signal
  }

  /** Until now a failure ends the command, which reports it itself. */
  begin(): void {
    this.#hasBegun = true
  }

  readonly add = (error: NsqError): void => {
    const now = performance.now()
    const last = this.#last.get(error.code) ?? Number.NEGATIVE_INFINITY
    if (!this.#hasBegun || this.#signal.aborted || now - last < PAUSE_MS) return
    this.#last.set(error.code, now)
    const next = LOST_CONNECTION.has(error.code) ? '; trying again' : ''
    // It may have words of a daemon in it.
    this.#say(`${printable(Buffer.from(error.message)).replaceAll('\n', ' ')}${next}`)
  }
}
