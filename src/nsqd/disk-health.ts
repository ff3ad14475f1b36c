import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Complaints } from '../util/complaints.ts'
import type { Logger } from '../util/logger.ts'
import { now } from './clock.ts'

/** What the disk is asked for: each can be refused, and go well again, by itself. */
export type DiskPart =
  | 'messages'
  | 'what was not synced'
  | 'the list of topics and channels'
  | `the checkpoint of topic ${string}`

/** The file of a probe, and how long it is. */
const PROBE = 'nsqd.probe'
const PROBE_LENGTH = 64 * 1024
/** A probe is made when no publish was refused for so long, in ms. */
const PROBE_AFTER = 5000

/** What is wrong with the disk, if anything: `/ping` says so. */
export class DiskHealth {
  readonly #dataPath: string
  readonly #complaints: Complaints
  readonly #now: () => number
  readonly #faults = new Map<DiskPart, string>()
  #probeNotBefore = 0
  #isProbing = false

  /** `clock`: gives Unix ms. */
  constructor(dataPath: string, logger: Logger, clock: () => number = now) {
    this.#dataPath = dataPath
    this.#complaints = new Complaints(logger)
    this.#now = clock
  }

  /** `OK`, or `NOK - ` and what is wrong: what keeps messages from being taken before all else. */
  get text(): string {
    const fault = this.#faults.get('messages') ?? this.#faults.values().next().value
    return fault === undefined ? 'OK' : `NOK - ${fault}`
  }

  /**
   * The disk has taken this, or has refused it. Only a change is logged: what is refused is tried again and again. There may
   * be many of those, too, where it refuses one topic and not the next.
   */
  report(part: DiskPart, error: Error | null): void {
    if (error === null) {
      if (this.#faults.size > 0 && this.#faults.delete(part))
        this.#complaints.info('the disk', `the disk takes ${part} again`)
      return
    }
    if (part === 'messages') this.#probeNotBefore = this.#now() + PROBE_AFTER
    const isNew = this.#faults.get(part) !== error.message
    this.#faults.set(part, error.message)
    if (isNew) this.#complaints.error('the disk', `the disk refuses ${part}: ${error.message}`)
  }

  /** This is not asked for any more. */
  forget(part: DiskPart): void {
    this.#faults.delete(part)
  }

  /**
   * Tries the disk where it has refused messages, and none have come for a while: as long as `/ping` says so, none may be
   * sent here. To be called now and then.
   */
  async probe(): Promise<void> {
    if (this.#isProbing || !this.#faults.has('messages') || this.#now() < this.#probeNotBefore) return
    this.#isProbing = true
    try {
      await write(join(this.#dataPath, PROBE))
      if (this.#now() >= this.#probeNotBefore) this.report('messages', null)
    } catch {
      this.#probeNotBefore = this.#now() + PROBE_AFTER
    } finally {
      this.#isProbing = false
    }
  }
}

async function write(path: string): Promise<void> {
  try {
    const file = await open(path, 'w')
    try {
      await file.writeFile(Buffer.alloc(PROBE_LENGTH))
      await file.datasync()
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
}
