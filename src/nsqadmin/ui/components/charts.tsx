import { useMemo, useState } from 'preact/hooks'
import type { GraphiteConfig, History } from '../../live-types.ts'
import { useConfig } from '../config.ts'
import { compact, rate, UNKNOWN } from '../format.ts'
import { GRAPHITE_IMAGES, graphiteKeys, graphiteUrl, type GraphiteImage } from '../graphite.ts'
import { useNow } from '../use-now.ts'
import { Chart } from './chart.tsx'

/** On the surface of both themes. */
const GRAPHITE_LOOK = { width: 680, height: 172, foreground: '808a9a' }

interface ChartsProps {
  series: History
  topic: string
  channel?: string
}

/** How a topic or a channel went: our own last minutes, or hours from Graphite where there is one. */
export function Charts({ series, topic, channel }: ChartsProps) {
  const { config } = useConfig()
  const graphite = config?.graphite ?? null
  const [from, setFrom] = useState('live')
  return (
    <div class="charts">
      {graphite && (
        <label class="chart-source">
          Charts
          <select value={from} onChange={event => setFrom(event.currentTarget.value)}>
            <option value="live">last 5 minutes</option>
            <option value="2h">2 hours, of Graphite</option>
            <option value="24h">24 hours, of Graphite</option>
            <option value="7d">7 days, of Graphite</option>
          </select>
        </label>
      )}
      {graphite && from !== 'live' ? (
        <GraphiteCharts config={graphite} topic={topic} channel={channel} from={from} />
      ) : (
        <LiveCharts series={series} />
      )}
    </div>
  )
}

const number = (value: number | null) => (value === null ? UNKNOWN : compact(value))

function LiveCharts({ series }: { series: History }) {
  const { time, depth, inFlight, rateIn, rateOut } = series
  const depths = useMemo(
    () => [
      { label: 'Waiting', colour: '--depth', filled: true, values: depth },
      { label: 'In flight', colour: '--in-flight', dashed: true, values: inFlight },
    ],
    [depth, inFlight],
  )
  const rates = useMemo(
    () => [
      { label: 'In', colour: '--rate-in', filled: true, values: rateIn },
      { label: 'Out', colour: '--rate-out', dashed: true, values: rateOut },
    ],
    [rateIn, rateOut],
  )
  return (
    <div class="columns">
      <div class="card">
        <Chart label="Depth" time={time} lines={depths} format={number} />
      </div>
      <div class="card">
        <Chart label="Messages a second" time={time} lines={rates} format={rate} least={1} />
      </div>
    </div>
  )
}

interface GraphiteProps {
  config: GraphiteConfig
  topic: string
  channel: string | undefined
  from: string
}

function GraphiteCharts(props: GraphiteProps) {
  // Graphite knows no more than statsd has told it.
  const now = useNow(props.config.interval * 1_000)
  return (
    <div class="columns">
      {GRAPHITE_IMAGES.map(image => (
        <GraphiteChart key={image.title} {...props} image={image} now={now} />
      ))}
    </div>
  )
}

function GraphiteChart({
  config,
  image,
  now,
  ...query
}: GraphiteProps & { image: GraphiteImage; now: number }) {
  const [failed, setFailed] = useState('')
  const url = graphiteUrl(config, image, { ...query, ...GRAPHITE_LOOK, now })
  return (
    <div class="card">
      <figure class="chart">
        <figcaption>
          <span class="chart-title">{image.title}</span>
          <span class="legend">
            {graphiteKeys(image, query.channel).map(({ key, label, colour }) => (
              <span key={key} class="legend-item">
                <svg class="key" width="16" height="8" stroke={`#${colour}`} aria-hidden="true">
                  <line x1="0" y1="4" x2="16" y2="4" />
                </svg>
                {label}
              </span>
            ))}
          </span>
        </figcaption>
        {failed === url ? (
          <p class="graphite-failed">Graphite at {config.url} gave no image.</p>
        ) : (
          <img
            class="graphite"
            src={url}
            alt={`${image.title}, of Graphite`}
            onError={() => setFailed(url)}
          />
        )}
      </figure>
    </div>
  )
}
