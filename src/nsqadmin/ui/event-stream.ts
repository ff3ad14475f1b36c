import type { Problem } from './live-state.ts'

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 15_000
/** nsqadmin sends a beat every five seconds: when nothing comes for this long, nothing will. */
const SILENCE_MS = 15_000
const LONGEST_SILENCE_MS = 120_000
/** How long is waited for the reason why a stream cannot be had. */
const WHY_MS = 5_000

/** Of an EventSource, what is used here. */
interface Source {
  addEventListener(name: string, listener: (event: { data?: unknown }) => void): void
  close(): void
}

export interface StreamOptions {
  /** Opens it: a `new EventSource`. */
  connect: () => Source
  /** Asks once more for what could not be had, as an EventSource does not say why; undefined when it could be had. */
  why: (signal: AbortSignal) => Promise<Problem | undefined>
  /** When there was no answer to that either. */
  unanswered: Problem
  opened?: () => void
  /** It has broken, or nothing comes any more; another is on its way. */
  lost: () => void
  refused: (problem: Problem) => void
  /** What takes the data of each event, by the event's name. */
  events: Readonly<Record<string, (data: string) => void>>
}

/**
 * A stream of server-sent events that is opened again when it ends, and when it only seems to be there: a computer that
 * slept, or a network that went away without a word.
 */
export class EventStream {
  readonly #options: StreamOptions
  #source: Source | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #asking: AbortController | undefined
  #wait = FIRST_RETRY_MS
  /** Longer on a slow line, where one event may take that long. */
  #patience = SILENCE_MS

  constructor(options: StreamOptions) {
    this.#options = options
  }

  open(): void {
    if (this.#source) return
    clearTimeout(this.#retry)
    const { connect, events, opened } = this.#options
    const source = connect()
    this.#source = source
    this.#listen()
    // What was on its way when this one was closed is of no more interest.
    const on = (name: string, handle: (data: string) => void): void =>
      source.addEventListener(name, ({ data }) => {
        if (this.#source === source) handle(typeof data === 'string' ? data : '')
      })
    on('open', () => {
      this.#asking?.abort()
      this.#listen()
      opened?.()
    })
    on('beat', () => {
      this.#patience = SILENCE_MS
      this.#listen()
    })
    for (const [name, handle] of Object.entries(events)) {
      on(name, data => {
        this.#wait = FIRST_RETRY_MS
        this.#listen()
        handle(data)
      })
    }
    // The browser's own retries differ, and it has none after a reply that was not 200.
    on('error', () => this.#broke())
  }

  close(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#silence)
    this.#asking?.abort()
    this.#source?.close()
    this.#source = undefined
  }

  /** Now, rather than when the next try is due. */
  readonly retry = (): void => {
    this.#wait = FIRST_RETRY_MS
    this.close()
    this.open()
  }

  #listen(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      this.#patience = Math.min(2 * this.#patience, LONGEST_SILENCE_MS)
      this.#broke()
    }, this.#patience)
  }

  #broke(): void {
    this.close()
    this.#options.lost()
    void this.#explain()
    this.#retry = setTimeout(() => this.open(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, LAST_RETRY_MS)
  }

  async #explain(): Promise<void> {
    const { why, unanswered, refused } = this.#options
    const asking = new AbortController()
    this.#asking = asking
    const late = setTimeout(() => {
      refused(unanswered)
      asking.abort()
    }, WHY_MS)
    asking.signal.addEventListener('abort', () => clearTimeout(late))
    try {
      const problem = await why(asking.signal)
      if (problem && !asking.signal.aborted) refused(problem)
    } finally {
      asking.abort()
    }
  }
}
