import { trendLines, type Trend } from '../trends.ts'

const WIDTH = 72
const HEIGHT = 20

/** How a number went over the last minutes, beside the number: it says nothing to a screen reader. */
export function Sparkline({ trend }: { trend: Trend }) {
  // A line on the very edge would be cut in half.
  const lines = trendLines(trend, WIDTH, HEIGHT - 3)
  const isStill = !trend.depth.some(value => value)
  return (
    <svg
      class={`sparkline ${isStill ? 'still' : ''}`}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 -1.5 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      {lines.map(points => (
        <polyline key={points} points={points} />
      ))}
    </svg>
  )
}
