import { useEffect, useState } from 'preact/hooks'
import type { History, Numbers } from '../live-types.ts'
import { fetchHistory } from './api.ts'
import { emptySeries, joined, withPoint } from './series.ts'

/**
 * The last minutes of a topic or a channel: what the server remembers, asked for whenever the stream begins (as the page
 * may have been hidden meanwhile), and what each update has added since.
 */
export function useSeries(
  topic: string,
  channel: string | undefined,
  streams: number,
  time: number,
  numbers: Numbers | undefined,
): History {
  const [series, setSeries] = useState(emptySeries)
  useEffect(() => {
    if (streams === 0) return
    const asking = new AbortController()
    fetchHistory(topic, channel, asking.signal).then(
      remembered => setSeries(seen => joined(remembered, seen)),
      () => {
        // Then the charts begin with what comes; whether nsqadmin answers is said elsewhere.
      },
    )
    return () => asking.abort()
  }, [topic, channel, streams])
  useEffect(() => {
    if (numbers) setSeries(seen => withPoint(seen, time, numbers))
  }, [time, numbers])
  return series
}
