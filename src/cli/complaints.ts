import type { NsqError } from '../util/errors.ts'
import type { Context } from './command.ts'

/** The same complaint is not repeated within this time. */
const PAUSE_MS = 1000
const LOST_CONNECTION: ReadonlySet<string> = new Set(['E_CONNECT', 'E_DISCONNECTED', 'E_READ_TIMEOUT'])

/** Says on stderr what goes wrong and is being dealt with, once a command is under way. */
export class Complaints {
  readonly #program: string
  readonly #around: Pick<Context, 'stderr' | 'signal'>
  readonly #last = new Map<string, number>()
  #hasBegun = false

  constructor(program: string, around: Pick<Context, 'stderr' | 'signal'>) {
    this.#program = program
    this.#around = around
  }

  /** Until now a failure ends the command, which reports it itself. */
  begin(): void {
    this.#hasBegun = true
  }

  readonly add = (error: NsqError): void => {
    const now = performance.now()
    const last = this.#last.get(error.code) ?? Number.NEGATIVE_INFINITY
    if (!this.#hasBegun || this.#around.signal.aborted || now - last < PAUSE_MS) return
    this.#last.set(error.code, now)
    const next = LOST_CONNECTION.has(error.code) ? '; trying again' : ''
    this.#around.stderr.line(`${this.#program}: ${error.message}${next}`)
  }
}
