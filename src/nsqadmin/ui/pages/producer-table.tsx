import type { ClientRow } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Chip } from '../components/chip.tsx'
import { Count } from '../components/number-cells.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Table, type Column } from '../components/table.tsx'
import { count, duration, UNKNOWN } from '../format.ts'

interface ProducersProps {
  rows: readonly ClientRow[]
  /** Of the rows. */
  time: number
  /** In place of rows. */
  empty: string
}

/** The connections to an nsqd that have published. */
export function Producers({ rows, time, empty }: ProducersProps) {
  return (
    <Card title="Producers" count={count(rows.length)} flush>
      <Table
        label="Producers"
        query="producers"
        columns={producerColumns(time)}
        rows={rows}
        rowKey={row => row.remoteAddress}
        sort={{ column: 'client', descending: false }}
        empty={empty}
      />
    </Card>
  )
}

function producerColumns(time: number): Column<ClientRow>[] {
  return [
    {
      id: 'client',
      title: 'Client',
      text: true,
      value: row => row.clientId || row.remoteAddress,
      cell: row => (
        <span class="row-name">
          <GivenName text={row.clientId || row.hostname || row.remoteAddress} title={row.hostname} />
          {row.tls && <Chip tone="good">TLS</Chip>}
          {row.snappy && <Chip>snappy</Chip>}
          {row.deflate && <Chip>deflate</Chip>}
          {row.identity !== '' && (
            <Chip>
              <GivenName text={row.identity} title="Who it is, by AUTH" />
            </Chip>
          )}
        </span>
      ),
    },
    {
      id: 'address',
      title: 'Address',
      text: true,
      width: 190,
      value: row => row.remoteAddress,
      cell: row => <GivenName text={row.remoteAddress} class="name" />,
    },
    {
      id: 'agent',
      title: 'Program',
      text: true,
      width: 180,
      value: row => row.userAgent,
      cell: row => (row.userAgent === '' ? UNKNOWN : <GivenName text={row.userAgent} />),
    },
    {
      id: 'published',
      title: 'Published',
      width: 110,
      value: row => row.published,
      cell: row => <Count value={row.published} />,
    },
    {
      id: 'connected',
      title: 'Connected',
      width: 116,
      value: row => -row.connectedAt,
      cell: row => duration(time - row.connectedAt),
    },
  ]
}
