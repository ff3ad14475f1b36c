const EVERY = 60_000

/** For what others can make happen as often as they like: said at once the first time, then once a minute at most. */
export class Seldom {
  /** How often it has happened, in all. */
  total = 0
  readonly #say: (times: number) => void
  #unsaid = 0
  #timer: NodeJS.Timeout | undefined

  /** @param say - says that it has happened, so many times since it was last said */
  constructor(say: (times: number) => void) {
    this.#say = say
  }

  happened(): void {
    this.total++
    this.#unsaid++
    if (this.#timer === undefined) this.#sayNow()
  }

  #sayNow(): void {
    const times = this.#unsaid
    this.#unsaid = 0
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#unsaid > 0) this.#sayNow()
    }, EVERY).unref()
    this.#say(times)
  }
}
