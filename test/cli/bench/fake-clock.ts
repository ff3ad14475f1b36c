import type { Clock } from '../../../src/cli/bench/clock.ts'

/** A clock that goes on when it is told to. */
export class FakeClock implements Clock {
  #now = 0
  #alarms: { time: number; callback: () => void }[] = []

  now(): number {
    return this.#now
  }

  at(time: number, callback: () => void): () => void {
    const alarm = { time, callback }
    this.#alarms.push(alarm)
    return () => {
      this.#alarms = this.#alarms.filter(each => each !== alarm)
    }
  }

  get alarms(): number {
    return this.#alarms.length
  }

  /**
   * Lets time pass, from alarm to alarm.
   *
   * @param late - by so much each comes after its time
   */
  advance(ms: number, late = 0): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = this.#alarms.toSorted((a, b) => a.time - b.time)
      if (next === undefined || next.time + late > end) break
      this.#alarms = this.#alarms.filter(each => each !== next)
      this.#now = Math.max(this.#now, next.time + late)
      next.callback()
    }
    this.#now = end
  }
}
