/** The stream behind the watch panel. It goes on while the page is hidden: what came meanwhile is what one wants to see. */
import { useEffect, useState } from 'preact/hooks'
import type { Failed, Ready, Warning, WatchedMessages } from '../../live-types.ts'
import { ApiError, connectionError, replyError } from '../api-error.ts'
import { withQuery } from '../api.ts'
import type { Problem } from '../live-state.ts'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 15_000

export interface WatchState {
  /**
   * `failed`: nsqadmin has no nsqd to watch at, and goes on trying; `missing`: there is no such topic (yet); `lost`:
   * nsqadmin is not reached; `refused`: it does not want to.
   */
  status: 'connecting' | 'ready' | 'failed' | 'missing' | 'lost' | 'refused'
  ready: Ready | undefined
  problems: readonly Problem[]
}

const CONNECTING: WatchState = { status: 'connecting', ready: undefined, problems: [] }

/** Watches a topic while `on`; `take` must be the same function each time. */
export function useWatch(
  on: boolean,
  topic: string,
  rate: number,
  take: (update: WatchedMessages) => void,
): WatchState {
  const [state, setState] = useState(CONNECTING)
  useEffect(() => {
    if (!on) return
    setState(CONNECTING)
    return openStream(withQuery('api/watch', { topic, rate }), setState, take)
  }, [on, topic, rate, take])
  return state
}

/** Returns what ends it. */
function openStream(
  path: string,
  tell: (state: WatchState) => void,
  take: (update: WatchedMessages) => void,
): () => void {
  const url = new URL(path, document.baseURI)
  let source: EventSource | undefined
  let timer: number | undefined
  let check: AbortController | undefined
  let wait = FIRST_RETRY_MS

  const open = (): void => {
    source = new EventSource(url)
    // The server's own JSON, whose types are in live-types.ts.
    const on = (name: string, handle: (text: string) => void): void =>
      source?.addEventListener(name, (event: MessageEvent<string>) => handle(event.data))
    on('ready', text => {
      const ready = parsed<Ready>(text)
      wait = FIRST_RETRY_MS
      tell({ status: 'ready', ready, problems: ready.warnings.map(problemOfWarning) })
    })
    on('messages', text => take(parsed<WatchedMessages>(text)))
    on('missing', () => tell({ ...CONNECTING, status: 'missing' }))
    on('failed', text => {
      const { message, warnings } = parsed<Failed>(text)
      const problems = warnings.length > 0 ? warnings.map(problemOfWarning) : [{ message, remedy: '' }]
      tell({ status: 'failed', ready: undefined, problems })
    })
    source.addEventListener('error', () => {
      source?.close()
      tell({ ...CONNECTING, status: 'lost' })
      void explain()
      timer = setTimeout(open, wait)
      wait = Math.min(wait * 2, LAST_RETRY_MS)
    })
  }

  /** An EventSource does not tell why it failed: the same is asked for once more, and not listened to. */
  const explain = async (): Promise<void> => {
    const asking = new AbortController()
    check = asking
    try {
      const response = await fetch(url, { signal: asking.signal })
      if (response.ok) return
      throw replyError(response.status, await response.json().catch(() => undefined))
    } catch (error) {
      if (asking.signal.aborted) return
      const { message, remedy } = error instanceof ApiError ? error : connectionError(error)
      tell({ status: 'refused', ready: undefined, problems: [{ message, remedy }] })
    } finally {
      asking.abort()
    }
  }

  open()
  return () => {
    clearTimeout(timer)
    check?.abort()
    source?.close()
  }
}

// The server's own JSON, whose types are in live-types.ts.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- says what is expected
function parsed<Data>(text: string): Data {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as Data
}

function problemOfWarning({ message, remedy }: Warning): Problem {
  return { message, remedy: remedy ?? '' }
}
