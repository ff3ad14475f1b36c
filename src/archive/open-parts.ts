import type { FileNames } from './file-name.ts'
import type { Part } from './part.ts'

export interface OpenPartsPlan {
  readonly names: FileNames
  /** 0: never. */
  readonly rotateBytes: number
  /** 0: never. */
  readonly rotateIntervalMs: number
  /** Makes a part; `predecessor` settles when the one before it of the same template is closed. */
  readonly create: (template: string, nowMs: number, predecessor: Promise<unknown>) => Part
}

/** Partitions that may be open at a time: the one that was not used for longest goes. */
const MAX_OPEN = 64
/** A partition that gets no messages for so long is complete, until the next one comes. */
const IDLE_MS = 5 * 60_000

const NOTHING = Promise.resolve()

/** The parts that messages can go to, and when they are followed by others. */
export class OpenParts {
  readonly #plan: OpenPartsPlan
  readonly #rotateBytes: number
  readonly #rotateMs: number
  readonly #isPartitioned: boolean
  /** By template: one at a time, unless names are partitioned. */
  readonly #parts = new Map<string, Part>()
  /** Sealed and not closed: the last one for each template. */
  readonly #closing = new Map<string, Part>()
  #last: Part | undefined
  /** Up to when it is known that the last part is still the right one, unless it becomes too long. */
  #checkedMs = Number.NaN

  constructor(plan: OpenPartsPlan) {
    this.#plan = plan
    this.#rotateBytes = plan.rotateBytes > 0 ? plan.rotateBytes : Infinity
    this.#rotateMs = plan.rotateIntervalMs > 0 ? plan.rotateIntervalMs : Infinity
    this.#isPartitioned = plan.names.isPartitioned
  }

  /** The part for a message of this time that comes now. */
  at(nowMs: number, messageMs: number): Part {
    const last = this.#last
    if (last !== undefined && nowMs === this.#checkedMs && last.bytes <= this.#rotateBytes) {
      if (!this.#isPartitioned || last.template === this.#plan.names.template(nowMs, messageMs)) return last
    }
    return this.#find(nowMs, this.#plan.names.template(nowMs, messageMs))
  }

  /** Seals what is due at this time without a message. */
  rotate(nowMs: number): void {
    const current = this.#isPartitioned ? undefined : this.#plan.names.template(nowMs, nowMs)
    for (const part of this.#parts.values()) {
      const isOver = this.#isPartitioned ? between(nowMs, part.usedMs) >= IDLE_MS : part.template !== current
      if (isOver || this.#isDue(part, nowMs)) this.seal(part)
    }
  }

  /** Nothing more goes to this part: the next message of its template opens another. */
  seal(part: Part): void {
    const { template } = part
    if (this.#parts.get(template) !== part) return
    this.#parts.delete(template)
    if (this.#last === part) this.#last = undefined
    this.#closing.set(template, part)
    void part.closed.finally(() => {
      if (this.#closing.get(template) === part) this.#closing.delete(template)
    })
    part.seal()
  }

  sealAll(): void {
    for (const part of this.#parts.values()) this.seal(part)
  }

  #find(nowMs: number, template: string): Part {
    let part = this.#parts.get(template)
    if (part !== undefined && this.#isDue(part, nowMs)) {
      this.seal(part)
      part = undefined
    }
    part ??= this.#open(nowMs, template)
    part.usedMs = nowMs
    this.#last = part
    this.#checkedMs = nowMs
    return part
  }

  #open(nowMs: number, template: string): Part {
    if (!this.#isPartitioned) this.sealAll()
    else if (this.#parts.size >= MAX_OPEN) this.#sealOldest()
    const part = this.#plan.create(template, nowMs, this.#closing.get(template)?.closed ?? NOTHING)
    this.#parts.set(template, part)
    return part
  }

  #isDue(part: Part, nowMs: number): boolean {
    return part.bytes > this.#rotateBytes || between(nowMs, part.openedMs) >= this.#rotateMs
  }

  #sealOldest(): void {
    let oldest: Part | undefined
    for (const part of this.#parts.values()) {
      if (oldest === undefined || part.usedMs < oldest.usedMs) oldest = part
    }
    if (oldest !== undefined) this.seal(oldest)
  }
}

/** Either way: where the clock was set back, a part would stay open until it is what it was again. */
function between(a: number, b: number): number {
  return Math.abs(a - b)
}
