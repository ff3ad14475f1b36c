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
 * Asks at once, again when `ask` is another function, and every `everyMs` while the page is seen. What was known is
 * forgotten with the function.
 */
export function useRequest<Value>(
  ask: (signal: AbortSignal) => Promise<Value>,
  everyMs?: number,
): Request<Value> {
  const [times, setTimes] = useState(0)
  const [state, setState] = useState<{ of: typeof ask; value?: Value; problem?: Problem; time: number }>()
  const [busy, setBusy] = useState(true)
  useEffect(() => {
    const asking = new AbortController()
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
      if (!asking.signal.aborted) setBusy(false)
    }
    void answer()
    return () => asking.abort()
  }, [ask, times])
  const again = useCallback(() => setTimes(count => count + 1), [])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden) again()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, again])
  const { value, problem, time = 0 } = state?.of === ask ? state : {}
  return { value, problem, busy, time, again }
}
