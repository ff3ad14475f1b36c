import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Problem } from './live-state.ts'
import { problemOf } from './components/confirm.tsx'

export interface Request<Value> {
  /** The last that came; it stays while the next is asked for, and when that fails. */
  value: Value | undefined
  problem: Problem | undefined
  busy: boolean
  /** When `value` came, in milliseconds since 1970; 0 before. */
  time: number
  again: () => void
}

/**
 * Asks at once, again when `ask` is another function, and `everyMs` after each answer while the page is seen: on a slow
 * line no question is given up for the next. What was known is forgotten with the function.
 */
export function useRequest<Value>(
  ask: (signal: AbortSignal) => Promise<Value>,
  everyMs?: number,
): Request<Value> {
  const [times, setTimes] = useState(0)
  const [state, setState] = useState<{ of: typeof ask; value?: Value; problem?: Problem; time: number }>()
  const [busy, setBusy] = useState(true)
  const again = useCallback(() => setTimes(count => count + 1), [])
  useEffect(() => {
    const asking = new AbortController()
    let timer: number | undefined
    setBusy(true)
    const answer = async (): Promise<void> => {
      try {
        const value = await ask(asking.signal)
        if (!asking.signal.aborted) setState({ of: ask, value, time: Date.now() })
      } catch (error) {
        if (asking.signal.aborted) return
        const problem = problemOf(error)
        setState(before => ({ ...(before?.of === ask ? before : { of: ask, time: 0 }), problem }))
      }
      if (asking.signal.aborted) return
      setBusy(false)
      if (everyMs !== undefined) timer = setInterval(() => !document.hidden && again(), everyMs)
    }
    void answer()
    return () => {
      asking.abort()
      clearInterval(timer)
    }
  }, [ask, times, everyMs, again])
  const { value, problem, time = 0 } = state?.of === ask ? state : {}
  return { value, problem, busy, time, again }
}
