import { useEffect, useState } from 'preact/hooks'

/** The time (milliseconds since 1970), moved on every `everyMs`: for what counts down. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
