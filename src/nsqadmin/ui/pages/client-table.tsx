import { useMemo } from 'preact/hooks'
import type { ClientRow } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Chip } from '../components/chip.tsx'
import { Link } from '../components/link.tsx'
import { Count } from '../components/number-cells.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Table, type Column } from '../components/table.tsx'
import { count, duration } from '../format.ts'

interface ClientTableProps {
  rows: readonly ClientRow[]
  /** Of the rows: how long a client has been connected is of then. */
  time: number
}

/** The consumers of a channel. */
export function ClientTable({ rows, time }: ClientTableProps) {
  const hasTraits = rows.some(row => traits(row).length > 0)
  const columns = useMemo(() => clientColumns(time, hasTraits), [time, hasTraits])
  return (
    <Card title="Clients" count={count(rows.length)} flush>
      <Table
        label="Clients"
        query="clients"
        columns={columns}
        rows={rows}
        rowKey={row => `${row.node} ${row.remoteAddress} ${row.connectedAt}`}
        sort={{ column: 'client', descending: false }}
        firstWidth={200}
        empty={<p>No consumer is connected: what comes waits.</p>}
      />
    </Card>
  )
}

type Counted = 'ready' | 'inFlight' | 'finished' | 'requeued' | 'messages'

function number(id: Counted, title: string, hint: string): Column<ClientRow> {
  return { id, title, hint, width: 92, value: row => row[id], cell: row => <Count value={row[id]} /> }
}

const TRAITS: Column<ClientRow> = {
  id: 'traits',
  title: 'Connection',
  text: true,
  width: 136,
  cell: row => (
    <span class="row-name">
      {traits(row).map(([text, title]) => (
        <Chip key={text} title={title}>
          <GivenName text={text} title={title} />
        </Chip>
      ))}
    </span>
  ),
}

/** What is particular about a connection. */
function traits({ tls, snappy, deflate, sampleRate, identity }: ClientRow): [text: string, title: string][] {
  const all: [string, string][] = []
  if (tls) all.push(['TLS', 'Encrypted'])
  if (snappy) all.push(['snappy', 'Compressed'])
  if (deflate) all.push(['deflate', 'Compressed'])
  if (sampleRate > 0) all.push([`${sampleRate}%`, 'Gets this part of the messages only'])
  if (identity !== '') all.push([identity, 'Who it is, by AUTH'])
  return all
}

function clientColumns(time: number, hasTraits: boolean): Column<ClientRow>[] {
  return [
    {
      id: 'client',
      title: 'Client',
      text: true,
      value: row => row.clientId,
      cell: row => (
        <span class="row-name">
          <span>
            <GivenName text={row.clientId} title={`${row.clientId} on ${row.hostname}`} />{' '}
            {row.hostname !== row.clientId && <GivenName text={row.hostname} class="muted" />}
          </span>
        </span>
      ),
    },
    {
      id: 'address',
      title: 'Address',
      text: true,
      width: 150,
      value: row => row.remoteAddress,
      cell: row => <GivenName text={row.remoteAddress} />,
    },
    {
      id: 'node',
      title: 'nsqd',
      text: true,
      width: 180,
      value: row => row.node,
      cell: row => (
        <Link to={{ page: 'node', node: row.node }} title={row.node}>
          {row.node}
        </Link>
      ),
    },
    {
      id: 'agent',
      title: 'Program',
      hint: 'What the client calls itself',
      text: true,
      width: 124,
      value: row => row.userAgent,
      cell: row => <GivenName text={row.userAgent} />,
    },
    ...(hasTraits ? [TRAITS] : []),
    number('ready', 'Ready', 'How many messages it takes at a time'),
    number('inFlight', 'In flight', 'Sent to it and not finished yet'),
    number('finished', 'Finished', 'Since it connected'),
    number('requeued', 'Requeued', 'Given back, since it connected'),
    number('messages', 'Messages', 'Sent to it, since it connected'),
    {
      id: 'connected',
      title: 'Connected',
      width: 118,
      value: row => time - row.connectedAt,
      cell: row => duration(time - row.connectedAt),
    },
  ]
}
