/** Live numbers: a stream of server-sent events for what the page shows. */
import { useEffect, useMemo, useReducer } from 'preact/hooks'
import type { Failed, Missing, Warning } from '../live-types.ts'
import { parsed, streamOf, withQuery } from './api.ts'
import { refreshConfig } from './config.ts'
import type { EventStream } from './event-stream.ts'
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
    () => new ViewStream<Change>(path, view, event => change({ key: path, event })),
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

/** The stream of a view, as long as the page is seen. */
class ViewStream<Change> {
  readonly #stream: EventStream
  readonly #tell: (event: LiveEvent<Change>) => void
  #hasBroken = false

  constructor(path: string, view: string, tell: (event: LiveEvent<Change>) => void) {
    this.#tell = tell
    this.#stream = streamOf(path, {
      opened: () => {
        if (this.#hasBroken) void refreshConfig()
        this.#hasBroken = false
        tell({ kind: 'opened' })
      },
      lost: () => this.#lost(),
      refused: problem => tell({ kind: 'refused', problem }),
      events: {
        [view]: data => tell({ kind: 'update', update: parsed<Change>(data) }),
        missing: data => tell({ kind: 'missing', missing: parsed<Missing>(data) }),
        failed: data => tell({ kind: 'failed', failed: parsed<Failed>(data) }),
      },
    })
  }

  get retry(): () => void {
    return this.#stream.retry
  }

  /** Returns what ends it. */
  start(): () => void {
    const follow = (): void => {
      if (document.hidden) {
        this.#stream.close()
      } else {
        // What is known is of when the page was last seen.
        this.#lost()
        this.#stream.open()
      }
    }
    document.addEventListener('visibilitychange', follow)
    if (!document.hidden) this.#stream.open()
    return () => {
      document.removeEventListener('visibilitychange', follow)
      this.#stream.close()
    }
  }

  #lost(): void {
    this.#hasBroken = true
    this.#tell({ kind: 'lost' })
  }
}
