import { useMemo } from 'preact/hooks'
import type { ChannelRow, TopicUpdate } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Charts } from '../components/charts.tsx'
import { GrowingChip, OrphanedChip, PausedChip } from '../components/chip.tsx'
import { Link } from '../components/link.tsx'
import { Depth, numberColumn } from '../components/number-cells.tsx'
import { NumbersTiles } from '../components/numbers-tiles.tsx'
import { PageHead } from '../components/page-head.tsx'
import { LiveView } from '../components/states.tsx'
import { TopicSteering } from '../components/steering.tsx'
import { Table, type Column } from '../components/table.tsx'
import { useMayChange } from '../config.ts'
import { count, milliseconds, percentile, plural, UNKNOWN } from '../format.ts'
import { mergeTopic } from '../live-state.ts'
import { useLive } from '../live.ts'
import { Messages } from '../messages/messages.tsx'
import { nameProblem } from '../name-rule.ts'
import type { Route } from '../router.ts'
import type { TrendBook } from '../trends.ts'
import { useSeries } from '../use-series.ts'
import { ShareTable } from './share-table.tsx'

const BY_NAME = { column: 'channel', descending: false }

export function TopicPage({ topic }: { topic: string }) {
  const live = useLive({ view: 'topic', topic }, mergeTopic)
  const { value, streams, time } = live
  const series = useSeries(topic, undefined, streams, time, value?.topic)
  const row = value?.topic
  const mayChange = useMayChange()
  return (
    <>
      <PageHead
        title={topic}
        path={[['Topics', { page: 'topics' }]]}
        chips={
          <>
            {row?.paused && <PausedChip />}
            {row?.growing && <GrowingChip />}
          </>
        }
      >
        {value && <TopicSteering row={value.topic} undistributed={value.undistributed} />}
      </PageHead>
      <LiveView
        live={live}
        missing={{
          title: `There is no topic ${topic}`,
          links: (name): Route => ({ page: 'topic', topic: name }),
        }}
      >
        {value => (
          <>
            <NumbersTiles
              label={`Topic ${topic}`}
              numbers={value.topic}
              growing={value.topic.growing}
              outNote={plural(value.topic.channels, 'channel')}
            />
            <Charts series={series} topic={topic} />
            <Channels topic={topic} update={value} trends={value.channelTrends} />
            <Card title="Messages">
              <Messages topic={topic} />
            </Card>
            <ShareTable rows={value.nodes} />
          </>
        )}
      </LiveView>
      {live.status === 'missing' && mayChange && nameProblem(topic) === undefined && (
        <Card title="Messages">
          <Messages topic={topic} usual="publish" />
        </Card>
      )}
    </>
  )
}

interface ChannelsProps {
  topic: string
  update: TopicUpdate
  trends: TrendBook
}

function Channels({ topic, update, trends }: ChannelsProps) {
  const { channels, undistributed } = update
  const hasLatency = channels.some(row => row.latency.length > 0)
  const hasDropped = channels.some(row => row.dropped > 0)
  const hasExpired = channels.some(row => row.expired > 0)
  const columns = useMemo(
    () => channelColumns(topic, trends, { hasLatency, hasDropped, hasExpired }),
    [topic, trends, hasLatency, hasDropped, hasExpired],
  )
  return (
    <Card
      title="Channels"
      count={count(channels.length)}
      flush
      actions={
        undistributed > 0 && (
          <span class="muted">{count(undistributed)} of the messages are in no channel yet</span>
        )
      }
    >
      <Table
        label="Channels"
        columns={columns}
        rows={channels}
        rowKey={row => row.channel}
        sort={BY_NAME}
        empty={
          <p>
            No channel yet: messages wait in the topic until the first consumer subscribes, which begins one.
          </p>
        }
      />
    </Card>
  )
}

/** What few have gets a column where some channel has it. */
interface Some {
  hasLatency: boolean
  hasDropped: boolean
  hasExpired: boolean
}

function channelColumns(topic: string, trends: TrendBook, some: Some): Column<ChannelRow>[] {
  const latency: Column<ChannelRow> = {
    id: 'latency',
    title: 'Latency',
    hint: 'From publish to finish: the highest percentile that nsqd keeps, of the worst nsqd',
    width: 130,
    value: row => row.latency.at(-1)?.ms ?? null,
    cell: row => {
      const worst = row.latency.at(-1)
      return worst ? (
        <>
          <span class="muted">{percentile(worst.quantile)}</span> {milliseconds(worst.ms)}
        </>
      ) : (
        UNKNOWN
      )
    },
  }
  return [
    {
      id: 'channel',
      title: 'Channel',
      text: true,
      value: row => row.channel,
      cell: ({ channel, paused, orphaned, growing }) => (
        <span class="row-name">
          <Link to={{ page: 'channel', topic, channel }} title={channel}>
            {channel}
          </Link>
          {paused && <PausedChip />}
          {orphaned && <OrphanedChip />}
          {growing && <GrowingChip />}
        </span>
      ),
    },
    {
      ...numberColumn('depth'),
      width: 180,
      narrow: 86,
      value: row => row.depth,
      cell: row => <Depth value={row.depth} trend={trends.of(row.channel)} />,
    },
    numberColumn('inFlight'),
    numberColumn('deferred'),
    numberColumn('rateIn'),
    numberColumn('rateOut'),
    numberColumn('requeued'),
    numberColumn('timedOut'),
    numberColumn('clients'),
    ...(some.hasDropped ? [numberColumn('dropped')] : []),
    ...(some.hasExpired ? [numberColumn('expired')] : []),
    ...(some.hasLatency ? [latency] : []),
  ]
}
