import type { Logger } from '../util/logger.ts'

/** What the disk is asked for: each can be refused, and go well again, by itself. */
export type DiskPart = 'messages' | 'the list of topics and channels' | `the checkpoint of topic ${string}`

/** What is wrong with the disk, if anything: `/ping` says so. */
export class DiskHealth {
  readonly #logger: Logger
  readonly #faults = new Map<DiskPart, string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** `OK`, or `NOK - ` and what is wrong: what keeps messages from being taken before all else. */
  get text(): string {
    const fault = this.#faults.get('messages') ?? this.#faults.values().next().value
    return fault === undefined ? 'OK' : `NOK - ${fault}`
  }

  /** The disk has taken this, or has refused it. Only a change is logged: what is refused is tried again and again. */
  report(part: DiskPart, error: Error | null): void {
    if (error === null) {
      if (this.#faults.size > 0 && this.#faults.delete(part))
        this.#logger.info(`the disk takes ${part} again`)
      return
    }
    const isNew = this.#faults.get(part) !== error.message
    this.#faults.set(part, error.message)
    if (isNew) this.#logger.error(`the disk refuses ${part}: ${error.message}`)
  }

  /** This is not asked for any more. */
  forget(part: DiskPart): void {
    this.#faults.delete(part)
  }
}
