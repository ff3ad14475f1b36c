import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { axisNumber, clock } from '../format.ts'
import { CHART_MS, niceMaximum } from '../series.ts'
import { theme } from '../theme.ts'
import { useMedia } from '../use-media.ts'
import { useStore } from '../use-store.ts'

export interface Line {
  label: string
  /** The name of a CSS variable. */
  colour: string
  /** Told apart from the others without colour. */
  dashed?: boolean
  /** Filled down to the axis. */
  filled?: boolean
  values: readonly (number | null)[]
}

interface ChartProps {
  label: string
  /** Milliseconds since 1970, one for each value. */
  time: readonly number[]
  lines: readonly Line[]
  /** Of the values in the legend. */
  format: (value: number | null) => string
  /** The end of the axis is at this at least. */
  least?: number
}

const HEIGHT = 172
/** All charts of the page show the same moment under the pointer. */
const TOGETHER = 'charts'

/** Lines over the last minutes, with the values of now, or of the moment under the pointer or chosen by the arrow keys. */
export function Chart({ label, time, lines, format, least = 5 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const [at, setAt] = useState<number | null>(null)
  /** What a screen reader is told of the chosen moment; not of each new one, which nobody asked for. */
  const [said, setSaid] = useState('')
  const systemDark = useMedia('(prefers-color-scheme: dark)')
  const chosen = useStore(theme)
  const dark = chosen === 'auto' ? systemDark : chosen === 'dark'

  const shape = lines.map(line => `${line.label} ${line.colour}`).join()
  const latest = useRef({ time, lines })
  latest.current = { time, lines }
  useLayoutEffect(() => {
    const element = place.current
    if (!element) return
    const chart = new uPlot(
      options(element, latest.current.lines, least, setAt),
      plotData(latest.current.time, latest.current.lines),
      element,
    )
    plot.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
      plot.current = undefined
    }
    // Drawn in the theme's colours: anew when it changes.
  }, [shape, dark, least])

  useEffect(() => plot.current?.setData(plotData(time, lines)), [time, lines])

  const index = at === null ? time.length - 1 : Math.min(at, time.length - 1)
  const moment = time[index]
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step === undefined || !plot.current) return
    event.preventDefault()
    const next = Math.max(0, Math.min(time.length - 1, index + step))
    moveCursor(plot.current, next)
    const values = lines.map(line => `${line.label} ${format(line.values[next] ?? null)}`)
    setSaid(`${clock(time[next] ?? 0)}: ${values.join(', ')}`)
  }
  const onBlur = () => {
    if (plot.current) moveCursor(plot.current, null)
    setSaid('')
  }
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">
          {label}
          {at !== null && moment !== undefined && <span class="moment">{clock(moment)}</span>}
        </span>
        <span class="legend">
          {lines.map(line => (
            <span key={line.label} class="legend-item">
              <svg class={`key ${line.colour.slice(2)}`} width="16" height="8" aria-hidden="true">
                <line x1="0" y1="4" x2="16" y2="4" stroke-dasharray={line.dashed ? '4 3' : undefined} />
              </svg>
              {line.label} <b>{format(line.values[index] ?? null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div
        class="plot"
        ref={place}
        role="group"
        tabIndex={0}
        onKeyDown={onKey}
        onBlur={onBlur}
        aria-label={`${label}: the last five minutes. The arrow keys choose a moment.`}
      />
      <span class="visually-hidden" role="status">
        {said || null}
      </span>
    </figure>
  )
}

function plotData(time: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [time.map(ms => ms / 1_000), ...lines.map(line => [...line.values])]
}

function moveCursor(plot: uPlot, index: number | null): void {
  const time = index === null ? undefined : plot.data[0][index]
  const left = time === undefined ? -10 : plot.valToPos(time, 'x')
  plot.setCursor({ left, top: left < 0 ? -10 : 1 })
}

function options(
  element: HTMLElement,
  lines: readonly Line[],
  least: number,
  setAt: (index: number | null) => void,
): uPlot.Options {
  const colour = (name: string) => resolvedColour(element, name)
  const font = `11px ${getComputedStyle(element).fontFamily}`
  const axis = {
    stroke: colour('--muted'),
    font,
    ticks: { show: false },
    grid: { stroke: colour('--line'), width: 1 },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: TOGETHER, scales: ['x', null] },
      points: {
        size: 7,
        width: 2,
        fill: colour('--surface'),
        stroke: (_, i) => colour(lines[i - 1]?.colour ?? ''),
      },
    },
    scales: {
      x: { time: true, range: (_, _min, max) => [(max ?? 0) - CHART_MS / 1_000, max ?? 0] },
      y: { range: (_, _min, max) => [0, niceMaximum(max ?? 0, least)] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 6,
        space: 56,
        incrs: [60, 120, 300],
        grid: { show: false },
        values: (_, splits) => splits.map(minute),
      },
      { ...axis, size: 48, gap: 8, space: 34, values: (_, splits) => splits.map(axisNumber) },
    ],
    series: [
      {},
      ...lines.map(line => ({
        stroke: colour(line.colour),
        width: 1.75,
        points: { show: false },
        ...(line.dashed ? { dash: [5, 4] } : {}),
        ...(line.filled ? { fill: colour(`${line.colour}-fill`) } : {}),
      })),
    ],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          const inside = (cursor.left ?? -1) >= 0
          setAt(inside ? (cursor.idx ?? null) : null)
        },
      ],
    },
  }
}

/** What a canvas understands, of a CSS variable that has one colour for each theme. */
function resolvedColour(element: HTMLElement, name: string): string {
  // In forced colours all would be the one of text, and what is filled a block of it.
  element.style.forcedColorAdjust = 'none'
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.color = ''
  element.style.forcedColorAdjust = ''
  return color
}

function minute(seconds: number): string {
  return clock(seconds * 1_000).slice(0, 5)
}
