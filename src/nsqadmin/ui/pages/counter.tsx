import { useEffect, useRef, useState } from 'preact/hooks'
import type { History } from '../../live-types.ts'
import { Chart } from '../components/chart.tsx'
import { PageHead } from '../components/page-head.tsx'
import { LiveView } from '../components/states.tsx'
import { Tile, Tiles } from '../components/tiles.tsx'
import { counterAt, type Climb } from '../counter.ts'
import { count, rate } from '../format.ts'
import { mergeCounter } from '../live-state.ts'
import { useLive } from '../live.ts'

const LONGEST_CLIMB_MS = 5_000

/** How many messages the cluster has seen through: for a screen on the wall. */
export function CounterPage() {
  const live = useLive({ view: 'counter' }, mergeCounter)
  return (
    <>
      <PageHead title="Counter" />
      <LiveView live={live}>
        {({ finished, rateIn, rateOut, series }) => (
          <>
            <div class="card counter">
              <Odometer finished={finished} time={live.time} />
              <p class="muted">messages finished by all channels, since their nsqds' start</p>
            </div>
            <Tiles label="Rates">
              <Tile label="In" value={rate(rateIn)} unit="/s" />
              <Tile label="Out" value={rate(rateOut)} unit="/s" />
            </Tiles>
            <RateChart series={series} />
          </>
        )}
      </LiveView>
    </>
  )
}

function RateChart({ series }: { series: History }) {
  const { time, rateIn, rateOut } = series
  return (
    <div class="card">
      <Chart
        label="Messages a second"
        time={time}
        lines={[
          { label: 'In', colour: '--rate-in', filled: true, values: rateIn },
          { label: 'Out', colour: '--rate-out', dashed: true, values: rateOut },
        ]}
        format={rate}
        least={1}
      />
    </div>
  )
}

/** Counts up to each update until the next is due. */
function Odometer({ finished, time }: { finished: number; time: number }) {
  const [shown, setShown] = useState(finished)
  const climb = useRef<Climb>({ from: finished, to: finished, at: 0, takes: 0 })
  const lastTime = useRef(time)
  useEffect(() => {
    const at = performance.now()
    const from = counterAt(climb.current, at)
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    const takes = still ? 0 : Math.min(time - lastTime.current, LONGEST_CLIMB_MS)
    lastTime.current = time
    climb.current = { from, to: finished, at, takes }
    let frame = requestAnimationFrame(function draw(now) {
      setShown(counterAt(climb.current, now))
      if (now < at + takes) frame = requestAnimationFrame(draw)
    })
    return () => cancelAnimationFrame(frame)
  }, [finished, time])
  return <p class="odometer">{count(shown)}</p>
}
