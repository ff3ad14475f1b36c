import type { Percentile } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Charts } from '../components/charts.tsx'
import { Chip, GrowingChip, OrphanedChip, PausedChip } from '../components/chip.tsx'
import { NumbersTiles } from '../components/numbers-tiles.tsx'
import { PageHead } from '../components/page-head.tsx'
import { LiveView } from '../components/states.tsx'
import { ChannelSteering } from '../components/steering.tsx'
import { Tile } from '../components/tiles.tsx'
import { milliseconds, percentile } from '../format.ts'
import { mergeChannel } from '../live-state.ts'
import { useLive } from '../live.ts'
import { Messages } from '../messages/messages.tsx'
import type { Route } from '../router.ts'
import { useSeries } from '../use-series.ts'
import { ChannelClients } from './client-table.tsx'
import { ShareTable } from './share-table.tsx'

export function ChannelPage({ topic, channel }: { topic: string; channel: string }) {
  const live = useLive({ view: 'channel', topic, channel }, mergeChannel)
  const { value, streams, time } = live
  const row = value?.channel
  const series = useSeries(topic, channel, streams, time, row)
  return (
    <>
      <PageHead
        title={channel}
        path={[
          ['Topics', { page: 'topics' }],
          [topic, { page: 'topic', topic }],
        ]}
        chips={
          <>
            {row?.paused && <PausedChip />}
            {row?.orphaned && <OrphanedChip />}
            {row?.growing && <GrowingChip />}
            {value?.topicPaused && (
              <Chip tone="warn" icon="pause" title={`Nothing comes in until topic ${topic} is unpaused`}>
                topic paused
              </Chip>
            )}
          </>
        }
      >
        {row && <ChannelSteering topic={topic} row={row} />}
      </PageHead>
      <LiveView
        live={live}
        missing={{
          title: `Topic ${topic} has no channel ${channel}`,
          links: (name): Route => ({ page: 'channel', topic, channel: name }),
        }}
      >
        {({ channel: row, clients, nodes }) => (
          <>
            <NumbersTiles label={`Channel ${channel}`} numbers={row} growing={row.growing}>
              <LatencyTile latency={row.latency} />
            </NumbersTiles>
            <Charts series={series} topic={topic} channel={channel} />
            <ChannelClients rows={clients} time={time} />
            <Card title="Messages">
              <Messages topic={topic} channel={channel} />
            </Card>
            <ShareTable rows={nodes} />
          </>
        )}
      </LiveView>
    </>
  )
}

/** The highest percentile that nsqd keeps, and below it the others. */
function LatencyTile({ latency }: { latency: readonly Percentile[] }) {
  const highest = latency.at(-1)
  if (!highest) return null
  const others = latency.slice(0, -1).map(({ quantile, ms }) => `${percentile(quantile)} ${milliseconds(ms)}`)
  return (
    <Tile
      label={`Latency ${percentile(highest.quantile)}`}
      value={milliseconds(highest.ms)}
      note={<span title={others.join(', ')}>{others.join(' · ')}</span>}
    />
  )
}
