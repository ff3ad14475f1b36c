import type { ShareRow } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Link } from '../components/link.tsx'
import { numberColumn } from '../components/number-cells.tsx'
import { Chip } from '../components/chip.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Table, type Column } from '../components/table.tsx'
import { count } from '../format.ts'

const COLUMNS: readonly Column<ShareRow>[] = [
  {
    id: 'node',
    title: 'nsqd',
    text: true,
    value: row => row.node,
    cell: row => (
      <span class="row-name">
        <Link to={{ page: 'node', node: row.node }} title={row.node}>
          {row.node}
        </Link>
        {row.hostname !== row.node.replace(/:\d+$/, '') && <GivenName text={row.hostname} class="muted" />}
        {row.paused && (
          <Chip tone="warn" icon="pause">
            paused
          </Chip>
        )}
      </span>
    ),
  },
  numberColumn('depth'),
  numberColumn('inFlight'),
  numberColumn('deferred'),
  numberColumn('rateIn'),
  numberColumn('rateOut'),
  numberColumn('clients'),
  numberColumn('messages'),
  numberColumn('requeued'),
  numberColumn('timedOut'),
]

/** How a topic or a channel is spread over the nsqds. */
export function ShareTable({ rows }: { rows: readonly ShareRow[] }) {
  return (
    <Card title="nsqds" count={count(rows.length)} flush>
      <Table
        label="nsqds"
        query="nsqds"
        columns={COLUMNS}
        rows={rows}
        rowKey={row => row.node}
        sort={{ column: 'node', descending: false }}
        empty={<p>No nsqd has it.</p>}
      />
    </Card>
  )
}
