import { useMemo } from 'preact/hooks'
import type { TopicRow } from '../../live-types.ts'
import { Chip, GrowingChip, PausedChip } from '../components/chip.tsx'
import { Filter } from '../components/filter.tsx'
import { Icon } from '../components/icon.tsx'
import { Link } from '../components/link.tsx'
import { Count, Depth, numberColumn } from '../components/number-cells.tsx'
import { PageHead } from '../components/page-head.tsx'
import { Said } from '../components/said.tsx'
import { LiveView } from '../components/states.tsx'
import { Table, type Column } from '../components/table.tsx'
import { Tile, Tiles } from '../components/tiles.tsx'
import { useMayChange } from '../config.ts'
import { compact, count, large, plural, rate } from '../format.ts'
import { mergeTopics, type TopicsValue } from '../live-state.ts'
import { useLive } from '../live.ts'
import { useQuery } from '../navigation.ts'
import { matches } from '../sort.ts'
import { isPaused, topicTotals } from '../totals.ts'
import type { TrendBook } from '../trends.ts'

const BY_NAME = { column: 'topic', descending: false }

/** All topics of the cluster. */
export function TopicsPage() {
  const live = useLive({ view: 'topics' }, mergeTopics)
  const [query, setQuery] = useQuery('q')
  const mayChange = useMayChange()
  return (
    <>
      <PageHead title="Topics">
        <Filter label="Filter topics" value={query ?? ''} onChange={setQuery} />
        {mayChange && (
          <Link to={{ page: 'lookup' }} class="button">
            <Icon name="plus" />
            New topic
          </Link>
        )}
      </PageHead>
      <LiveView live={live}>{value => <Topics value={value} filter={query ?? ''} />}</LiveView>
    </>
  )
}

function Topics({ value, filter }: { value: TopicsValue; filter: string }) {
  const { rows, nodes, trends } = value
  const [show, setShow] = useQuery('show')
  const totals = useMemo(() => topicTotals(rows), [rows])
  const columns = useMemo(() => topicColumns(trends), [trends])
  const shown = useMemo(
    () =>
      rows.filter(
        row =>
          matches(row.topic, filter) &&
          (show === 'growing' ? row.growing : show === 'paused' ? isPaused(row) : true),
      ),
    [rows, filter, show],
  )
  const found =
    shown.length === rows.length
      ? plural(rows.length, 'topic')
      : `${count(shown.length)} of ${plural(rows.length, 'topic')}`
  const toggle = (name: string) => setShow(show === name ? null : name)
  return (
    <>
      <Tiles label="All topics">
        <Tile label="Topics" value={count(rows.length)} note={`at ${plural(nodes, 'nsqd')}`} />
        <Tile
          label="Depth"
          value={large(totals.depth)}
          note={totals.backendDepth > 0 ? `${compact(totals.backendDepth)} on disk` : ''}
        />
        <Tile label="In flight" value={large(totals.inFlight)} />
        <Tile label="Deferred" value={large(totals.deferred)} />
        <Tile label="In" value={rate(totals.rateIn)} unit="/s" />
        <Tile label="Out" value={rate(totals.rateOut)} unit="/s" note="all channels" />
      </Tiles>
      <div class="card flush fill">
        <div class="card-head">
          <h2 class="visually-hidden">List of topics</h2>
          <span class="muted">{found}</span>
          <Said text={found} when={`${show ?? ''} ${filter}`} />
          <div class="toggles" role="group" aria-label="Show only">
            <Toggle on={show === 'growing'} count={totals.growing} onPress={() => toggle('growing')}>
              Growing
            </Toggle>
            <Toggle on={show === 'paused'} count={totals.paused} onPress={() => toggle('paused')}>
              Paused
            </Toggle>
          </div>
        </div>
        <Table
          label="Topics"
          fill
          columns={columns}
          rows={shown}
          rowKey={row => row.topic}
          sort={BY_NAME}
          empty={rows.length === 0 ? <NoTopics /> : <p>No topic is like that.</p>}
        />
      </div>
    </>
  )
}

interface ToggleProps {
  on: boolean
  count: number
  onPress: () => void
  children: string
}

function Toggle({ on, count: number, onPress, children }: ToggleProps) {
  return (
    <button type="button" class="toggle" aria-pressed={on} onClick={onPress}>
      {children} <span class="muted">{count(number)}</span>
    </button>
  )
}

function NoTopics() {
  return (
    <>
      <p>There is no topic yet. One begins when somebody publishes to it or subscribes:</p>
      <p>
        <code>echo hello | nsq-ts pub --topic first</code>
      </p>
    </>
  )
}

function topicColumns(trends: TrendBook): Column<TopicRow>[] {
  return [
    { id: 'topic', title: 'Topic', text: true, value: row => row.topic, cell: row => <Name row={row} /> },
    {
      ...numberColumn('depth'),
      width: 180,
      narrow: 86,
      value: row => row.depth,
      cell: row => <Depth value={row.depth} trend={trends.of(row.topic)} />,
    },
    numberColumn('inFlight'),
    numberColumn('deferred'),
    numberColumn('rateIn'),
    numberColumn('rateOut'),
    {
      id: 'channels',
      title: 'Channels',
      width: 92,
      value: row => row.channels,
      cell: row => <Count value={row.channels} />,
    },
    numberColumn('clients'),
    numberColumn('messages'),
  ]
}

function Name({ row }: { row: TopicRow }) {
  const { topic, paused, pausedChannels, growing } = row
  return (
    <span class="row-name">
      <Link to={{ page: 'topic', topic }} title={topic}>
        {topic}
      </Link>
      {paused && <PausedChip />}
      {pausedChannels > 0 && (
        <Chip tone="warn" icon="pause" title="Channels that are paused">
          {plural(pausedChannels, 'channel')}
        </Chip>
      )}
      {growing && <GrowingChip />}
    </span>
  )
}
