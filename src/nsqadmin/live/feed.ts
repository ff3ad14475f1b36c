import type { EventSink } from '../../http/events.ts'
import type { Failed } from '../live-types.ts'
import type { Look } from './look.ts'
import type { LiveEvent, View } from './views.ts'
import { toWarning } from './warnings.ts'

interface Viewer {
  /** Whether it has got the last state, so that what has changed since is enough. */
  isCurrent: boolean
  /** Whether it has not got any yet. */
  isNew: boolean
}

/** One view and those who look at it: it is asked for and made into JSON once for all of them. */
export class Feed {
  readonly #view: View
  readonly #signal: AbortSignal
  readonly #viewers = new Map<EventSink, Viewer>()
  #state: LiveEvent | undefined
  /** What `#state` was made of. */
  #look: Look | undefined
  #isBusy = false
  /** Came while it was busy. */
  #next: { look: Look; isFresh: boolean } | undefined

  constructor(view: View, signal: AbortSignal) {
    this.#view = view
    this.#signal = signal
  }

  get size(): number {
    return this.#viewers.size
  }

  /** A viewer gets the last state at once, if there is one. */
  join(sink: EventSink): void {
    const viewer = { isCurrent: false, isNew: true }
    this.#viewers.set(sink, viewer)
    if (this.#state !== undefined) this.#sendWhole(new Map([[sink, viewer]]), this.#state)
  }

  leave(sink: EventSink): void {
    this.#viewers.delete(sink)
  }

  /**
   * Sends what a look has shown. One that is not fresh, as nobody had watched, is better than nothing; but not to say that
   * there is no such thing.
   */
  async update(look: Look, isFresh = true): Promise<void> {
    if (this.#isBusy) {
      this.#next = { look, isFresh }
      return
    }
    this.#isBusy = true
    let current: { look: Look; isFresh: boolean } | undefined = { look, isFresh }
    while (current !== undefined) {
      const state = await this.#stateOf(current.look)
      if (this.#signal.aborted) return
      if (current.isFresh || state.event !== 'missing') this.#send(current.look, state)
      current = this.#next
      this.#next = undefined
    }
    this.#isBusy = false
  }

  async #stateOf(look: Look): Promise<LiveEvent> {
    const { time, failed } = look
    if (failed !== undefined) return { event: 'failed', data: { time, ...failed } satisfies Failed }
    try {
      return await this.#view.state(look, this.#signal)
    } catch (error) {
      const warning = toWarning(error)
      const data: Failed = { time, message: warning.message, warnings: [...look.warnings, warning] }
      return { event: 'failed', data }
    }
  }

  #send(look: Look, state: LiveEvent): void {
    const before = this.#state
    this.#state = state
    this.#look = look
    const current = new Map<EventSink, Viewer>()
    const others = new Map<EventSink, Viewer>()
    for (const [sink, viewer] of this.#viewers) {
      const target = viewer.isCurrent && !viewer.isNew ? current : others
      target.set(sink, viewer)
    }
    this.#sendWhole(others, state)
    if (current.size === 0) return
    const changes = before === undefined ? state : (this.#view.changes?.(before, state) ?? state)
    deliver(current, changes)
  }

  #sendWhole(viewers: ReadonlyMap<EventSink, Viewer>, state: LiveEvent): void {
    const fresh = new Map([...viewers].filter(([, { isNew }]) => isNew))
    const others = new Map([...viewers].filter(([, { isNew }]) => !isNew))
    deliver(others, state)
    if (fresh.size === 0) return
    const isThere = state.event !== 'missing' && state.event !== 'failed'
    const past = isThere && this.#look !== undefined ? this.#view.past?.(this.#look) : undefined
    deliver(fresh, { event: state.event, data: { ...state.data, ...past } })
    for (const viewer of fresh.values()) if (isThere && viewer.isCurrent) viewer.isNew = false
  }
}

function deliver(viewers: ReadonlyMap<EventSink, Viewer>, { event, data }: LiveEvent): void {
  if (viewers.size === 0) return
  const json = JSON.stringify(data)
  for (const [sink, viewer] of viewers) viewer.isCurrent = sink.sendJson(event, json)
}
