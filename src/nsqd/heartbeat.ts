import { now } from './clock.ts'

/**
 * Beats at an interval, and gives up when nothing has been heard of the client for two of them: as in the official nsqd,
 * anything that it sends is an answer.
 */
export class Heartbeat {
  readonly #beat: () => void
  readonly #giveUp: () => void
  #timer: NodeJS.Timeout | undefined
  #lastHeard: number = now()

  constructor(beat: () => void, giveUp: () => void) {
    this.#beat = beat
    this.#giveUp = giveUp
  }

  /** Begins anew with this interval, in ms; 0 stops it. */
  every(interval: number): void {
    this.stop()
    if (interval <= 0) return
    this.#timer = setInterval(() => {
      if (now() - this.#lastHeard > 2 * interval) this.#giveUp()
      else this.#beat()
    }, interval)
  }

  /** The client has sent something. */
  heard(): void {
    this.#lastHeard = now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
