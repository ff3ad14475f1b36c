/**
 * How a connection notices that nsqd is silent. After a suspended laptop or a long computation a timer comes before the
 * bytes that have been waiting meanwhile: both give them a turn of the event loop to be read first.
 */

/** Time over twice the heartbeat interval before a silent connection is given up. */
const SILENCE_SLACK_MS = 1000

/** Watches that something comes, be it a heartbeat, once it is started. */
export class SilenceWatch {
  readonly #giveUp: (silenceMs: number) => void
  #timer: NodeJS.Timeout | undefined
  #heard = 0

  /** `giveUp` is called once, with how long nothing has come. */
  constructor(giveUp: (silenceMs: number) => void) {
    this.#giveUp = giveUp
  }

  start(heartbeatIntervalMs: number): void {
    const silenceMs = 2 * heartbeatIntervalMs + SILENCE_SLACK_MS
    this.#timer = setTimeout(this.#onSilence, silenceMs, silenceMs)
  }

  /** Something has come. */
  heard(): void {
    this.#heard++
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #onSilence = (silenceMs: number): void => {
    const heard = this.#heard
    setImmediate(() => {
      if (heard === this.#heard) this.#giveUp(silenceMs)
    })
  }
}

/** Settles as `done` does. Calls `late` when that takes longer than `ms`, which is to end what `done` waits for. */
export async function inTime<T>(done: Promise<T>, ms: number, late: () => void): Promise<T> {
  let isDone = false
  const giveUp = (): void => {
    if (!isDone) late()
  }
  const timer = setTimeout(() => setImmediate(giveUp), ms)
  try {
    return await done
  } finally {
    isDone = true
    clearTimeout(timer)
  }
}
