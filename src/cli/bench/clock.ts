/** The time, for what is sent at a rate; tests have one of their own. Milliseconds of `performance.now`. */
export interface Clock {
  now(): number
  /** Calls back once, never at once: at that time or, when the process is busy, after it. The function returned cancels it. */
  at(time: number, callback: () => void): () => void
}

/** A timer comes up to a millisecond late, and more where it is for less. */
const TIMER_SLACK_MS = 2

/**
 * Timers for what is far away. The last two milliseconds are spent in turns of the event loop: that takes a processor, but
 * a lateness of a millisecond would be most of what is measured on a local nsqd.
 */
export const realClock: Clock = {
  now: () => performance.now(),
  at(time, callback) {
    let timer: NodeJS.Timeout | undefined
    let turn: NodeJS.Immediate | undefined
    const wait = (): void => {
      const left = time - performance.now()
      if (left > TIMER_SLACK_MS) timer = setTimeout(look, Math.max(1, Math.floor(left - TIMER_SLACK_MS)))
      else turn = setImmediate(look)
    }
    const look = (): void => {
      if (performance.now() >= time) callback()
      else wait()
    }
    wait()
    return () => {
      clearTimeout(timer)
      clearImmediate(turn)
    }
  },
}
