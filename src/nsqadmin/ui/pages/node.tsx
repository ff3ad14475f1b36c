import { useMemo, useState } from 'preact/hooks'
import type { NodeRow, NodeUpdate, TopicRow } from '../../live-types.ts'
import { tombstone } from '../api.ts'
import { Button } from '../components/button.tsx'
import { Card } from '../components/card.tsx'
import { Chip, PausedChip } from '../components/chip.tsx'
import { ask } from '../components/confirm.tsx'
import { Filter } from '../components/filter.tsx'
import { Link } from '../components/link.tsx'
import { NodeChips } from '../components/node-chips.tsx'
import { Count, numberColumn } from '../components/number-cells.tsx'
import { PageHead } from '../components/page-head.tsx'
import { GivenName } from '../components/safe-text.tsx'
import { Said } from '../components/said.tsx'
import { Alert, LiveView } from '../components/states.tsx'
import { Table, type Column } from '../components/table.tsx'
import { Tile, Tiles } from '../components/tiles.tsx'
import { useConfig, useMayChange } from '../config.ts'
import { count, dateTime, duration, large, plural, rate, UNKNOWN } from '../format.ts'
import { useLive } from '../live.ts'
import { matches } from '../sort.ts'
import { useNow } from '../use-now.ts'
import { NodeConsumers } from './client-table.tsx'
import { Producers } from './producer-table.tsx'

const NOT_KNOWN = 'Not known: it did not answer.'

const replace = (_: NodeUpdate | undefined, update: NodeUpdate): NodeUpdate => update

/** One nsqd. */
export function NodePage({ node }: { node: string }) {
  const live = useLive({ view: 'node', node }, replace)
  const { config } = useConfig()
  const row = live.status === 'missing' ? undefined : live.value?.node
  return (
    <>
      <PageHead
        title={node}
        isMono
        path={[['Nodes', { page: 'nodes' }]]}
        chips={row && <NodeChips node={row} lookupds={config?.lookupds ?? []} />}
      />
      <LiveView
        live={live}
        missing={{ title: `There is no nsqd ${node}`, links: name => ({ page: 'node', node: name }) }}
      >
        {value => <Node value={value} time={live.time} />}
      </LiveView>
    </>
  )
}

function Node({ value, time }: { value: NodeUpdate; time: number }) {
  const { node, topics, consumers, producers } = value
  return (
    <>
      {node.error !== null && (
        <Alert
          message={node.error}
          remedy="It is asked again and again; the numbers come back by themselves."
        />
      )}
      {node.error === null && node.health !== null && node.health !== 'OK' && (
        <Alert message={node.health} remedy="These are the nsqd's own words; its log says more." />
      )}
      <Numbers node={node} />
      <Facts node={node} />
      <Topics node={node} topics={topics} />
      <NodeConsumers
        rows={consumers}
        count={node.clients}
        time={time}
        empty={node.error === null ? 'No consumer is connected.' : NOT_KNOWN}
      />
      <Producers
        rows={producers}
        time={time}
        empty={
          node.error === null ? 'No connection has published. What comes over HTTP has none.' : NOT_KNOWN
        }
      />
    </>
  )
}

function Numbers({ node }: { node: NodeRow }) {
  const now = useNow(10_000)
  const known = (text: string): string => (node.error === null ? text : UNKNOWN)
  return (
    <Tiles label={`Numbers of ${node.node}`}>
      <Tile label="Depth" value={known(large(node.depth))} />
      <Tile label="In flight" value={known(large(node.inFlight))} />
      <Tile label="In" value={rate(node.rateIn)} unit="/s" note={known(`${count(node.messages)} in all`)} />
      <Tile label="Out" value={rate(node.rateOut)} unit="/s" />
      <Tile label="Clients" value={known(large(node.clients))} />
      <Tile
        label="Up"
        isText
        value={node.startTime === null ? UNKNOWN : duration(now - node.startTime)}
        note={node.startTime !== null && `since ${dateTime(node.startTime)}`}
      />
    </Tiles>
  )
}

function Facts({ node }: { node: NodeRow }) {
  const { config } = useConfig()
  const lookupds = config?.lookupds ?? []
  return (
    <dl class="facts card">
      <div>
        <dt>Host</dt>
        <dd>{node.hostname === '' ? UNKNOWN : <GivenName text={node.hostname} />}</dd>
      </div>
      <div>
        <dt>For clients</dt>
        <dd class="name">{node.tcpAddress || UNKNOWN}</dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>{node.version === '' ? UNKNOWN : <GivenName text={node.version} />}</dd>
      </div>
      {lookupds.length > 0 && (
        <div>
          <dt>Registered at</dt>
          <dd>
            <ul class="chips">
              {lookupds.map(lookupd => (
                <li key={lookupd}>
                  {node.lookupds.includes(lookupd) ? (
                    <Chip tone="good" icon="check">
                      {lookupd}
                    </Chip>
                  ) : (
                    <Chip tone="warn" icon="warning" title="Consumers who ask this nsqlookupd do not find it">
                      not at {lookupd}
                    </Chip>
                  )}
                </li>
              ))}
            </ul>
          </dd>
        </div>
      )}
    </dl>
  )
}

interface TopicsProps {
  node: NodeRow
  topics: readonly TopicRow[]
}

function Topics({ node, topics }: TopicsProps) {
  const mayChange = useMayChange()
  const { config } = useConfig()
  const [words, setWords] = useState('')
  const found = topics.filter(row => matches(row.topic, words))
  // A tombstone is nsqlookupd's.
  const mayHide = mayChange && (config?.lookupds.length ?? 0) > 0
  const { node: name, tombstoned } = node
  const hidden = tombstoned.join('\n')
  const columns = useMemo(
    () => topicColumns(name, hidden === '' ? [] : hidden.split('\n'), mayHide),
    [name, hidden, mayHide],
  )
  return (
    <Card
      title="Topics"
      count={count(topics.length)}
      actions={
        topics.length > 5 && (
          <>
            <Filter label="Filter topics" value={words} onChange={setWords} />
            <Said text={plural(found.length, 'topic')} when={words} />
          </>
        )
      }
      flush
    >
      <Table
        label={`Topics of ${node.node}`}
        columns={columns}
        rows={found}
        rowKey={row => row.topic}
        sort={{ column: 'topic', descending: false }}
        empty={emptyText(node, topics.length, words)}
      />
    </Card>
  )
}

function emptyText(node: NodeRow, topics: number, words: string): string {
  if (topics > 0) return `No topic has “${words.trim()}” in its name.`
  return node.error === null ? 'It has no topic.' : NOT_KNOWN
}

function topicColumns(node: string, tombstoned: readonly string[], mayHide: boolean): Column<TopicRow>[] {
  const columns: Column<TopicRow>[] = [
    {
      id: 'topic',
      title: 'Topic',
      text: true,
      value: row => row.topic,
      cell: row => (
        <span class="row-name">
          <Link to={{ page: 'topic', topic: row.topic }} title={row.topic}>
            {row.topic}
          </Link>
          {row.paused && <PausedChip />}
          {tombstoned.includes(row.topic) && (
            <Chip tone="warn" icon="warning" title="nsqlookupd hides it here for now; see Lookup">
              tombstone
            </Chip>
          )}
        </span>
      ),
    },
    {
      id: 'channels',
      title: 'Channels',
      width: 92,
      value: row => row.channels,
      cell: row => <Count value={row.channels} />,
    },
    numberColumn('depth'),
    numberColumn('inFlight'),
    numberColumn('deferred'),
    numberColumn('rateIn'),
    numberColumn('rateOut'),
    numberColumn('clients'),
    numberColumn('messages'),
  ]
  if (!mayHide) return columns
  return [
    ...columns,
    {
      id: 'tombstone',
      title: 'Action',
      width: 168,
      cell: row => (
        <Button kind="quiet" onPress={() => askTombstone(node, row)}>
          Tombstone…
        </Button>
      ),
    },
  ]
}

function askTombstone(node: string, { topic, depth, inFlight, deferred }: TopicRow): void {
  const lost = depth + inFlight + deferred
  ask({
    title: `Tombstone ${topic} at ${node}?`,
    children: (
      <>
        <p>
          nsqlookupd hides this nsqd for a while from consumers who look for <span class="name">{topic}</span>
          , and the topic is deleted there.
        </p>
        <p>
          {lost > 0 ? (
            <strong>{plural(lost, 'message')} on this nsqd will be lost.</strong>
          ) : (
            'No message waits there at present.'
          )}{' '}
          Unless its producers go elsewhere first, the next thing they publish there makes the topic anew.
        </p>
      </>
    ),
    button: lost > 0 ? `Tombstone, and lose ${plural(lost, 'message')}` : 'Tombstone',
    danger: true,
    run: () => tombstone(node, topic),
    done: `${topic} tombstoned at ${node}`,
  })
}
