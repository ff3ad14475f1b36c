/** The stream behind the watch panel. It goes on while the page is hidden: what came meanwhile is what one wants to see. */
import { useEffect, useState } from 'preact/hooks'
import type { Failed, Ready, Warning, WatchedMessages } from '../../live-types.ts'
import { parsed, streamOf, withQuery } from '../api.ts'
import type { Problem } from '../live-state.ts'

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
  const stream = streamOf(path, {
    lost: () => tell({ ...CONNECTING, status: 'lost' }),
    refused: ({ message, remedy }) =>
      tell({ status: 'refused', ready: undefined, problems: [{ message, remedy }] }),
    events: {
      ready: data => {
        const ready = parsed<Ready>(data)
        tell({ status: 'ready', ready, problems: ready.warnings.map(problemOfWarning) })
      },
      messages: data => take(parsed<WatchedMessages>(data)),
      missing: () => tell({ ...CONNECTING, status: 'missing' }),
      failed: data => {
        const { message, warnings } = parsed<Failed>(data)
        const problems = warnings.length > 0 ? warnings.map(problemOfWarning) : [{ message, remedy: '' }]
        tell({ status: 'failed', ready: undefined, problems })
      },
    },
  })
  stream.open()
  return () => stream.close()
}

function problemOfWarning({ message, remedy }: Warning): Problem {
  return { message, remedy: remedy ?? '' }
}
