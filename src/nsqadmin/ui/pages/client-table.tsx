import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ClientRow, ConsumerRow } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { Chip } from '../components/chip.tsx'
import { Link } from '../components/link.tsx'
import { Count } from '../components/number-cells.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Table, type Column } from '../components/table.tsx'
import { count, duration } from '../format.ts'

interface ChannelClientsProps {
  rows: readonly ClientRow[]
  /** Of the rows: how long a client has been connected is of then. */
  time: number
}

/** The consumers of a channel. */
export function ChannelClients({ rows, time }: ChannelClientsProps) {
  return (
    <Clients
      title="Clients"
      rows={rows}
      count={rows.length}
      time={time}
      where={NODE}
      empty={<p>No consumer is connected: what comes waits.</p>}
    />
  )
}

interface NodeConsumersProps {
  rows: readonly ConsumerRow[]
  /** All of them: not all may be among the rows. */
  count: number
  time: number
  /** In place of rows. */
  empty: string
}

/** The consumers of all channels of an nsqd. */
export function NodeConsumers(props: NodeConsumersProps) {
  return <Clients {...props} title="Consumers" where={CHANNEL} />
}

interface ClientsProps<Row extends ClientRow> {
  title: string
  rows: readonly Row[]
  count: number
  time: number
  /** What they are at, besides what the page is of. */
  where: Column<Row>
  empty: ComponentChildren
}

function Clients<Row extends ClientRow>({ title, rows, count: all, time, where, empty }: ClientsProps<Row>) {
  const hasTraits = rows.some(row => traits(row).length > 0)
  const columns = useMemo(() => clientColumns(time, hasTraits, where), [time, hasTraits, where])
  return (
    <Card
      title={title}
      count={count(all)}
      actions={all > rows.length && <span class="muted">the first {count(rows.length)} are shown</span>}
      flush
    >
      <Table
        label={title}
        query="clients"
        columns={columns}
        rows={rows}
        rowKey={row => `${row.node} ${row.remoteAddress} ${row.connectedAt}`}
        sort={{ column: 'client', descending: false }}
        firstWidth={200}
        empty={empty}
      />
    </Card>
  )
}

const NODE: Column<ClientRow> = {
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
}

const CHANNEL: Column<ConsumerRow> = {
  id: 'channel',
  title: 'Topic / channel',
  text: true,
  width: 240,
  value: row => `${row.topic} / ${row.channel}`,
  cell: ({ topic, channel }) => (
    <span title={`${topic} / ${channel}`}>
      <Link to={{ page: 'topic', topic }}>{topic}</Link>
      <span class="muted"> / </span>
      <Link to={{ page: 'channel', topic, channel }}>{channel}</Link>
    </span>
  ),
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

function clientColumns<Row extends ClientRow>(
  time: number,
  hasTraits: boolean,
  where: Column<Row>,
): Column<Row>[] {
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
    where,
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
