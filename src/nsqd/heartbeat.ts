import { LOOK_EVERY } from '../net/patience.ts'
import { now } from './clock.ts'

/** What a heartbeat does. */
export interface Beating {
  beat(): void
  /** Nothing was heard. */
  giveUp(): void
  /**
   * Called before each beat, and every minute where there are none; with the time since the last such look, in ms. Says
   * whether the connection goes on.
   */
  look(passedMs: number): boolean
}

/**
 * Beats at an interval, and gives up when nothing has been heard of the client for two of them: as in the official nsqd,
 * anything that it sends is an answer.
 */
export class Heartbeat {
  readonly #client: Beating
  #timer: NodeJS.Timeout | undefined
  #lastHeard: number = now()

  constructor(client: Beating) {
    this.#client = client
  }

  /** Begins anew with this interval, in ms; 0 or less for looks only. */
  every(interval: number): void {
    this.stop()
    const beats = interval > 0
    const passed = beats ? interval : LOOK_EVERY
    const client = this.#client
    this.#timer = setInterval(() => {
      if (!client.look(passed) || !beats) return
      if (now() - this.#lastHeard > 2 * interval) client.giveUp()
      else client.beat()
    }, passed)
  }

  /** The client has sent something. */
  heard(): void {
    this.#lastHeard = now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
