import { useMemo, useState } from 'preact/hooks'
import type { NodeRow, NodesUpdate } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Chip } from '../components/chip.tsx'
import { Filter } from '../components/filter.tsx'
import { Link } from '../components/link.tsx'
import { NodeChips } from '../components/node-chips.tsx'
import { Count, Rate } from '../components/number-cells.tsx'
import { PageHead } from '../components/page-head.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Said } from '../components/said.tsx'
import { Blank, LiveView } from '../components/states.tsx'
import { Table, type Column } from '../components/table.tsx'
import { Tile, Tiles } from '../components/tiles.tsx'
import { useConfig } from '../config.ts'
import { count, duration, large, plural, rate, UNKNOWN } from '../format.ts'
import { useLive } from '../live.ts'
import { newestVersion } from '../registrations.ts'
import { matches } from '../sort.ts'
import { useNow } from '../use-now.ts'

const replace = (_: NodesUpdate | undefined, update: NodesUpdate): NodesUpdate => update

/** All nsqds. */
export function NodesPage() {
  const live = useLive({ view: 'nodes' }, replace)
  return (
    <>
      <PageHead title="Nodes" />
      <LiveView live={live}>{({ rows }) => <Nodes rows={rows} />}</LiveView>
    </>
  )
}

function Nodes({ rows }: { rows: readonly NodeRow[] }) {
  const { config } = useConfig()
  const now = useNow(10_000)
  const [words, setWords] = useState('')
  const newest = newestVersion(rows)
  const hides = rows.some(row => row.tombstoned.length > 0)
  const columns = useMemo(
    () => columnsFor(newest, config?.lookupds ?? [], hides, now),
    [newest, config, hides, now],
  )
  if (rows.length === 0) {
    return (
      <Blank title="There is no nsqd">
        <p>
          No nsqd is registered with {config?.lookupds.join(', ') || 'nsqlookupd'}. Start one with
          --lookupd-tcp-address; it appears here by itself.
        </p>
      </Blank>
    )
  }
  const found = rows.filter(row => matches(`${row.node} ${row.hostname} ${row.version}`, words))
  return (
    <>
      <Totals rows={rows} />
      <Card
        title="nsqd"
        count={words.trim() === '' ? count(rows.length) : `${count(found.length)} of ${count(rows.length)}`}
        actions={
          <>
            <Filter label="Filter nodes" value={words} onChange={setWords} />
            <Said text={plural(found.length, 'nsqd')} when={words} />
          </>
        }
        flush
      >
        <Table
          label="Nodes"
          columns={columns}
          rows={found}
          rowKey={row => row.node}
          sort={{ column: 'node', descending: false }}
          empty={`No node has “${words.trim()}” in its name, host or version.`}
          firstWidth={280}
          fill
        />
      </Card>
    </>
  )
}

function Totals({ rows }: { rows: readonly NodeRow[] }) {
  const answering = rows.filter(row => row.error === null)
  const silent = rows.length - answering.length
  const ill = answering.filter(row => row.health !== null && row.health !== 'OK').length
  const sum = (of: (row: NodeRow) => number): number => answering.reduce((total, row) => total + of(row), 0)
  const sumRate = (of: (row: NodeRow) => number | null): number | null =>
    answering.every(row => of(row) === null) ? null : sum(row => of(row) ?? 0)
  return (
    <Tiles label="All nodes">
      <Tile
        label="Nodes"
        value={count(rows.length)}
        note={silent > 0 ? `${silent} without answer` : ill > 0 ? `${ill} not healthy` : 'all healthy'}
        tone={silent > 0 ? 'bad' : ill > 0 ? 'warn' : undefined}
      />
      <Tile label="Depth" value={large(sum(row => row.depth))} />
      <Tile label="In flight" value={large(sum(row => row.inFlight))} />
      <Tile label="In" value={rate(sumRate(row => row.rateIn))} unit="/s" />
      <Tile label="Out" value={rate(sumRate(row => row.rateOut))} unit="/s" />
      <Tile label="Clients" value={large(sum(row => row.clients))} />
    </Tiles>
  )
}

/** Those that are seldom of use are left out where they are not: the others then fit into a small window. */
function columnsFor(
  newest: string | undefined,
  lookupds: readonly string[],
  hides: boolean,
  now: number,
): Column<NodeRow>[] {
  return [
    {
      id: 'node',
      title: 'Node',
      text: true,
      value: row => row.node,
      cell: row => (
        <span class="row-name">
          <Link to={{ page: 'node', node: row.node }} title={row.node}>
            {row.node}
          </Link>
          <NodeChips node={row} newest={newest} lookupds={lookupds} />
        </span>
      ),
    },
    {
      id: 'host',
      title: 'Host',
      text: true,
      width: 130,
      value: row => row.hostname,
      cell: row => <GivenName text={row.hostname} />,
    },
    {
      id: 'version',
      title: 'Version',
      text: true,
      width: 80,
      value: row => row.version,
      cell: row => <GivenName text={row.version} />,
    },
    number('topics', 'Topics', 'Topics that it has', 80),
    number('clients', 'Clients', 'Consumers that are connected', 84),
    number('depth', 'Depth', 'Messages that wait in its channels, and in topics without one', 92),
    number('inFlight', 'In flight', 'Sent to consumers and not finished yet', 92),
    {
      id: 'rateIn',
      title: 'In /s',
      hint: 'Published, a second',
      width: 84,
      value: row => row.rateIn,
      cell: row => <Rate value={row.rateIn} />,
    },
    {
      id: 'rateOut',
      title: 'Out /s',
      hint: 'Finished or thrown away, a second',
      width: 84,
      value: row => row.rateOut,
      cell: row => <Rate value={row.rateOut} />,
    },
    {
      id: 'up',
      title: 'Up',
      hint: 'How long it has been running',
      width: 116,
      value: row => (row.startTime === null ? null : -row.startTime),
      cell: row => (row.startTime === null ? UNKNOWN : duration(now - row.startTime)),
    },
    ...(lookupds.length > 0 ? [registered(lookupds.length)] : []),
    ...(hides ? [HIDDEN] : []),
  ]
}

function registered(lookupds: number): Column<NodeRow> {
  return {
    id: 'lookupds',
    title: 'Registered',
    hint: 'How many of the nsqlookupds know it',
    width: 104,
    value: row => row.lookupds.length,
    cell: row => (
      <span title={row.lookupds.join('\n')}>
        {row.lookupds.length} of {lookupds}
      </span>
    ),
  }
}

const HIDDEN: Column<NodeRow> = {
  id: 'tombstones',
  title: 'Hidden',
  hint: 'Topics that nsqlookupd hides here for now: tombstones',
  width: 92,
  value: row => row.tombstoned.length,
  cell: row =>
    row.tombstoned.length === 0 ? (
      <span class="zero">0</span>
    ) : (
      <Chip tone="warn" title={`Tombstones: ${row.tombstoned.join(', ')}`}>
        {plural(row.tombstoned.length, 'topic')}
      </Chip>
    ),
}

type Counted = 'topics' | 'clients' | 'depth' | 'inFlight'

/** Of a node that did not answer these are not known. */
function number(id: Counted, title: string, hint: string, width: number): Column<NodeRow> {
  return {
    id,
    title,
    hint,
    width,
    value: row => (row.error === null ? row[id] : null),
    cell: row => (row.error === null ? <Count value={row[id]} /> : UNKNOWN),
  }
}
