import { useCallback } from 'preact/hooks'
import type { Tombstones as TombstonesReply } from '../../live-types.ts'
import { call } from '../api.ts'
import { untilText } from '../countdown.ts'
import { clock, count, dateTime } from '../format.ts'
import { useNow } from '../use-now.ts'
import { useRequest } from '../use-request.ts'
import { Card } from './card.tsx'
import { Link } from './link.tsx'
import { Alert, Loading } from './states.tsx'
import { Table, type Column } from './table.tsx'

const EVERY_MS = 5000

type Row = TombstonesReply['tombstones'][number]

/** Topics that nsqlookupd hides at an nsqd for a while, and until when. */
export function Tombstones() {
  const ask = useCallback(
    (signal: AbortSignal) => call<TombstonesReply>('GET', 'api/tombstones', undefined, signal),
    [],
  )
  const { value, problem, again } = useRequest(ask, EVERY_MS)
  const now = useNow(1000)
  const rows = value?.tombstones.filter(row => row.until > now) ?? []
  return (
    <Card title="Tombstones" {...(value ? { count: count(rows.length) } : {})} flush>
      <div class="card-text">
        <p class="muted">
          Here nsqlookupd hides an nsqd from consumers who look for the topic. It ends by itself; one is set
          on the page of the <Link to={{ page: 'nodes' }}>node</Link>.
        </p>
        {problem && <Alert message={problem.message} remedy={problem.remedy} retry={again} />}
        {value?.warnings.map(({ message, remedy }) => (
          <Alert key={message} message={message} remedy={remedy ?? ''} />
        ))}
        {value && value.unsupported.length > 0 && (
          <p class="warn-text">
            {value.unsupported.join(', ')} cannot tell: an official nsqlookupd does not say what it hides, nor
            until when. Tombstones there are marked at the nodes.
          </p>
        )}
      </div>
      {value ? (
        <Table
          label="Tombstones"
          query="tombstones"
          columns={columnsFor(now)}
          rows={rows}
          rowKey={row => `${row.topic} ${row.node} ${row.lookupd}`}
          sort={{ column: 'ends', descending: false }}
          empty="None: nothing is hidden."
        />
      ) : (
        !problem && <Loading />
      )}
    </Card>
  )
}

function columnsFor(now: number): Column<Row>[] {
  return [
    {
      id: 'topic',
      title: 'Topic',
      text: true,
      value: row => row.topic,
      cell: row => <Link to={{ page: 'topic', topic: row.topic }}>{row.topic}</Link>,
    },
    {
      id: 'node',
      title: 'Hidden at',
      text: true,
      width: 220,
      value: row => row.node,
      cell: row => <Link to={{ page: 'node', node: row.node }}>{row.node}</Link>,
    },
    {
      id: 'ends',
      title: 'Ends',
      width: 140,
      value: row => row.until,
      cell: row => <span title={dateTime(row.until)}>{untilText(row.until, now)}</span>,
    },
    {
      id: 'since',
      title: 'Since',
      width: 104,
      value: row => row.since,
      cell: row => <span title={dateTime(row.since)}>{clock(row.since)}</span>,
    },
    {
      id: 'lookupd',
      title: 'By',
      text: true,
      width: 200,
      value: row => row.lookupd,
      cell: row => row.lookupd,
    },
  ]
}
