import type { Session } from './session.ts'

/** The sessions of a channel in the order of their turns: the first is the one served longest ago. */
export class Rotation {
  /** How far a session is; nearer ones come first. Undefined where all are alike. */
  readonly #distanceOf: ((session: Session) => number) | undefined
  #row: Session[] = []

  constructor(distanceOf?: (session: Session) => number) {
    this.#distanceOf = distanceOf
  }

  add(session: Session): void {
    this.#row.push(session)
  }

  remove(session: Session): void {
    this.#row = this.#row.filter(other => other !== session)
  }

  clear(): void {
    this.#row = []
  }

  /** The session whose turn it is, of those with room; it goes to the end of the row. */
  next(): Session | undefined {
    const index = this.#distanceOf === undefined ? this.#row.findIndex(s => s.room() > 0) : this.#nearest()
    if (index < 0) return undefined
    const [session] = this.#row.splice(index, 1)
    if (session !== undefined) this.#row.push(session)
    return session
  }

  #nearest(): number {
    let best = -1
    let bestDistance = Infinity
    for (const [i, session] of this.#row.entries()) {
      const distance = this.#distanceOf?.(session) ?? 0
      if (session.room() > 0 && distance < bestDistance) {
        best = i
        bestDistance = distance
      }
    }
    return best
  }
}
