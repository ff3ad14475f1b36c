import { randomBytes } from 'node:crypto'

/** For how many templates it is remembered which revision comes next. */
const MAX_REMEMBERED = 1000

/** Which revision is the next for a template: what came before need not be tried again. */
export class Revisions {
  readonly #next = new Map<string, number>()

  /** 0 for a template that is new, or was not used for long. */
  next(template: string): number {
    return this.#next.get(template) ?? 0
  }

  used(template: string, revision: number): void {
    const next = Math.max(this.next(template), revision + 1)
    this.#next.delete(template)
    this.#next.set(template, next)
    if (this.#next.size <= MAX_REMEMBERED) return
    for (const oldest of this.#next.keys()) {
      this.#next.delete(oldest)
      return
    }
  }
}

/** What `<REV>` is where revisions are counted: `-000001`, as nsq_to_file has it. */
export function countedRevision(revision: number): string {
  return `-${String(revision).padStart(6, '0')}`
}

/** What `<REV>` is where a name must not have been used before, on any machine: `-20260102T150405Z-0123abcd`. */
export function uniqueRevision(nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `-${time}-${randomBytes(4).toString('hex')}`
}
