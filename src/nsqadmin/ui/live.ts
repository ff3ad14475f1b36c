/** Live numbers: a stream of server-sent events for what the page shows. */
import { useEffect, useMemo, useReducer } from 'preact/hooks'
import type { Failed, Missing, Warning } from '../live-types.ts'
import { ApiError, connectionError, replyError } from './api-error.ts'
import { withQuery } from './api.ts'
import {
  initialState,
  nextState,
  type LiveEvent,
  type LiveState,
  type LiveStatus,
  type Problem,
} from './live-state.ts'
import { createStore } from './store.ts'

/** The page's connection, for the header. */
export interface Connection {
  status: LiveStatus
  warnings: readonly Warning[]
  problem: Problem | undefined
}

export const connection = createStore<Connection>({ status: 'connecting', warnings: [], problem: undefined })

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 15_000
/** Views of before, so that Back shows something at once. */
const KEPT = 8

const kept = new Map<string, unknown>()

interface Update {
  time: number
  warnings: Warning[]
}

export interface LiveQuery {
  view: 'topics' | 'topic' | 'channel' | 'nodes' | 'node' | 'counter'
  topic?: string
  channel?: string
  node?: string
}

/**
 * The state of a view. The stream is closed while the page is hidden, and begins again when it breaks. `merge` must be
 * the same function each time.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it is of the events, and of merge
export function useLive<Value, Change extends Update>(
  query: LiveQuery,
  merge: (before: Value | undefined, update: Change) => Value,
): LiveState<Value> & { retry: () => void } {
  const { view, topic, channel, node } = query
  const path = withQuery('api/live', { view, topic, channel, node })
  const [state, change] = useReducer(
    (before: Keyed<Value>, { key, event }: { key: string; event: LiveEvent<Change> }) => ({
      key,
      state: nextState(before.key === key ? before.state : firstState<Value>(key), event, merge),
    }),
    { key: path, state: firstState<Value>(path) },
  )
  // Another address: what is known of the one before is not of this one.
  const current = state.key === path ? state.state : firstState<Value>(path)
  const stream = useMemo(
    () => new Stream<Change>(path, view, event => change({ key: path, event })),
    [path, view],
  )
  useEffect(() => stream.start(), [stream])
  useEffect(() => {
    if (current.value !== undefined) keep(path, current.value)
    const { status, warnings, problem } = current
    connection.set({ status, warnings, problem })
  }, [path, current])
  return { ...current, retry: stream.retry }
}

interface Keyed<Value> {
  key: string
  state: LiveState<Value>
}

function firstState<Value>(path: string): LiveState<Value> {
  // Kept by the same path, which names the view, which has one type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return initialState(kept.get(path) as Value | undefined)
}

function keep(path: string, value: unknown): void {
  kept.delete(path)
  kept.set(path, value)
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break
    kept.delete(oldest)
  }
}

/** The server's own JSON: live-types.ts says what each event has. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows which event it is
function parsed<Data>(text: string): Data {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as Data
}

class Stream<Change> {
  readonly #path: string
  readonly #view: string
  readonly #tell: (event: LiveEvent<Change>) => void
  #source: EventSource | undefined
  #timer: number | undefined
  #check: AbortController | undefined
  #wait = FIRST_RETRY_MS

  constructor(path: string, view: string, tell: (event: LiveEvent<Change>) => void) {
    this.#path = path
    this.#view = view
    this.#tell = tell
  }

  /** Returns what ends it. */
  start(): () => void {
    const follow = () => (document.hidden ? this.#close() : this.#open())
    document.addEventListener('visibilitychange', follow)
    follow()
    return () => {
      document.removeEventListener('visibilitychange', follow)
      this.#close()
    }
  }

  /** Now, rather than when the next try is due. */
  readonly retry = (): void => {
    this.#wait = FIRST_RETRY_MS
    this.#close()
    this.#open()
  }

  #open(): void {
    if (this.#source) return
    clearTimeout(this.#timer)
    const source = new EventSource(new URL(this.#path, document.baseURI))
    this.#source = source
    source.addEventListener('open', () => {
      this.#wait = FIRST_RETRY_MS
      this.#tell({ kind: 'opened' })
    })
    const on = (name: string, read: (text: string) => LiveEvent<Change>) =>
      source.addEventListener(name, (event: MessageEvent<string>) => this.#tell(read(event.data)))
    on(this.#view, text => ({ kind: 'update', update: parsed<Change>(text) }))
    on('missing', text => ({ kind: 'missing', missing: parsed<Missing>(text) }))
    on('failed', text => ({ kind: 'failed', failed: parsed<Failed>(text) }))
    source.addEventListener('error', () => {
      // The browser's own retries differ, and it has none after a reply that was not 200.
      this.#close()
      this.#tell({ kind: 'lost' })
      void this.#explain()
      this.#timer = setTimeout(() => this.#open(), this.#wait)
      this.#wait = Math.min(this.#wait * 2, LAST_RETRY_MS)
    })
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#check?.abort()
    this.#source?.close()
    this.#source = undefined
  }

  /** An EventSource does not tell why it failed. */
  async #explain(): Promise<void> {
    const check = new AbortController()
    this.#check = check
    try {
      const response = await fetch(new URL(this.#path, document.baseURI), { signal: check.signal })
      if (response.ok) return
      throw replyError(response.status, await response.json().catch(() => undefined))
    } catch (error) {
      if (check.signal.aborted) return
      const { message, remedy } = error instanceof ApiError ? error : connectionError(error)
      this.#tell({ kind: 'refused', problem: { message, remedy } })
    } finally {
      check.abort() // the stream that was opened only to see whether it opens
    }
  }
}
