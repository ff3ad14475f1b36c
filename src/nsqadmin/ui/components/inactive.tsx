import { remove } from '../api.ts'
import { useMayChange } from '../config.ts'
import { count } from '../format.ts'
import type { Request } from '../use-request.ts'
import { Button } from './button.tsx'
import { Card } from './card.tsx'
import { ask } from './confirm.tsx'
import { Link } from './link.tsx'
import { Alert, Loading } from './states.tsx'
import { Table, type Column } from './table.tsx'

interface Row {
  topic: string
  channels: string[]
}

interface InactiveProps {
  request: Request<{ topics: Record<string, string[] | null>; message: string }>
}

/** Topics that nsqlookupd remembers and no nsqd has. */
export function Inactive({ request: { value, problem, again } }: InactiveProps) {
  const mayChange = useMayChange()
  const rows = Object.entries(value?.topics ?? {}).map(([topic, channels]) => ({
    topic,
    channels: [...(channels ?? [])].sort(),
  }))
  return (
    <Card title="Inactive topics" {...(value ? { count: count(rows.length) } : {})} flush>
      <div class="card-text">
        <p class="muted">
          nsqlookupd knows them, and no nsqd has them: nothing has been published since they were made or
          their last nsqd went. The first message makes them active, with these channels.
        </p>
        {problem && <Alert message={problem.message} remedy={problem.remedy} retry={again} />}
        {value && value.message !== '' && <Alert message={value.message} />}
      </div>
      {value ? (
        <Table
          label="Inactive topics"
          columns={columnsFor(mayChange, again)}
          rows={rows}
          rowKey={row => row.topic}
          sort={{ column: 'topic', descending: false }}
          empty="None: every topic is at an nsqd."
        />
      ) : (
        !problem && <Loading />
      )}
    </Card>
  )
}

function columnsFor(mayChange: boolean, again: () => void): Column<Row>[] {
  const columns: Column<Row>[] = [
    {
      id: 'topic',
      title: 'Topic',
      text: true,
      value: row => row.topic,
      cell: row => <Link to={{ page: 'topic', topic: row.topic }}>{row.topic}</Link>,
    },
    {
      id: 'channels',
      title: 'Channels',
      text: true,
      width: 420,
      value: row => row.channels.length,
      cell: row =>
        row.channels.length === 0 ? (
          <span class="muted">none</span>
        ) : (
          <Channels row={row} mayChange={mayChange} again={again} />
        ),
    },
  ]
  if (!mayChange) return columns
  return [
    ...columns,
    {
      id: 'delete',
      title: 'Action',
      width: 160,
      cell: ({ topic }) => (
        <Button kind="quiet" icon="remove" onPress={() => askDelete(topic, undefined, again)}>
          Delete…
        </Button>
      ),
    },
  ]
}

function Channels({
  row: { topic, channels },
  mayChange,
  again,
}: {
  row: Row
  mayChange: boolean
  again: () => void
}) {
  return (
    <ul class="chips">
      {channels.map(channel => (
        <li key={channel}>
          <span class="chip">
            {channel}
            {mayChange && (
              <button
                type="button"
                class="chip-button"
                aria-label={`Delete channel ${channel} of ${topic}`}
                title={`Delete channel ${channel}`}
                onClick={() => askDelete(topic, channel, again)}
              >
                ×
              </button>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}

function askDelete(topic: string, channel: string | undefined, again: () => void): void {
  const what = channel === undefined ? `topic ${topic}` : `channel ${channel} of ${topic}`
  ask({
    title: `Delete ${what}?`,
    children: (
      <p>
        No nsqd has it, so no message is lost: nsqlookupd forgets it. Consumers of it that still run may make
        it anew.
      </p>
    ),
    button: channel === undefined ? 'Delete topic' : 'Delete channel',
    danger: true,
    run: () => remove(topic, channel),
    done: channel === undefined ? `Topic ${topic} deleted` : `Channel ${channel} of ${topic} deleted`,
    after: again,
  })
}
