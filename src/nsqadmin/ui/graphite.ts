/** The charts of those who have Graphite: images, of the names that nsqd's statsd push gives (--statsd-prefix). */
import type { GraphiteConfig } from '../live-types.ts'

const COUNTERS = new Set(['message_count', 'requeue_count', 'timeout_count'])

export interface GraphiteImage {
  title: string
  keys: readonly { key: string; label: string; colour: string }[]
}

/** The same two charts as ours. */
export const GRAPHITE_IMAGES: readonly GraphiteImage[] = [
  {
    title: 'Depth',
    keys: [
      { key: 'depth', label: 'Waiting', colour: '5b7fe8' },
      { key: 'in_flight_count', label: 'In flight', colour: 'd08a2e' },
    ],
  },
  { title: 'Messages a second', keys: [{ key: 'message_count', label: 'In', colour: '1f9e97' }] },
]

export interface GraphiteQuery {
  topic: string
  channel?: string | undefined
  /** Graphite's: `2h`. */
  from: string
  width: number
  height: number
  /** Of text and axes, six hex digits. */
  foreground: string
  /** Another moment is another image; it says nothing to Graphite. */
  now: number
}

/** Those of a topic or of a channel: a topic has no messages in flight, only its channels have. */
export function graphiteKeys(image: GraphiteImage, channel: string | undefined): GraphiteImage['keys'] {
  return image.keys.filter(({ key }) => channel !== undefined || key !== 'in_flight_count')
}

/** Where the image of a chart is. */
export function graphiteUrl(config: GraphiteConfig, image: GraphiteImage, query: GraphiteQuery): string {
  const params = new URLSearchParams({
    from: `-${query.from}`,
    until: '-1min',
    width: String(query.width),
    height: String(query.height),
    bgcolor: 'ff000000', // transparent
    fgcolor: query.foreground,
    yMin: '0',
    lineMode: 'connected',
    drawNullAsZero: 'false',
    hideLegend: 'true',
    _salt: String(query.now),
  })
  const keys = graphiteKeys(image, query.channel)
  params.set('colorList', keys.map(({ colour }) => `#${colour}`).join(','))
  for (const { key } of keys) params.append('target', target(config, query, key))
  return `${config.url.replace(/\/$/, '')}/render?${params.toString()}`
}

function target(config: GraphiteConfig, { topic, channel }: GraphiteQuery, key: string): string {
  const prefix = config.prefix.replaceAll('%s', '*')
  const start = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`
  const of = channel === undefined ? `topic.${topic}` : `topic.${topic}.channel.${channel}`
  const counter = COUNTERS.has(key)
  const format = counter ? config.counterFormat : config.gaugeFormat
  const name = `${start}${of}.${key}`
  const sum = `sumSeries(${format === '' ? name : format.replaceAll('%s', name)})`
  // Counters are of a whole interval of statsd.
  const each = counter ? `scale(${sum},${1 / config.interval})` : sum
  return `summarize(${each},"${config.interval}sec","avg")`
}
