import type { ComponentChildren } from 'preact'
import { useCallback, useState } from 'preact/hooks'
import type { Peek as PeekReply, PeekedMessage } from '../../live-types.ts'
import { call, withQuery } from '../api.ts'
import { Button } from '../components/button.tsx'
import { Chip } from '../components/chip.tsx'
import { Alert } from '../components/states.tsx'
import { untilText } from '../countdown.ts'
import { clock, plural } from '../format.ts'
import { useNow } from '../use-now.ts'
import { useRequest } from '../use-request.ts'
import { MessageList } from './message-list.tsx'
import { fetchChannels } from './topic-facts.ts'

/** What nsqadmin gives at once. */
const COUNTS = [10, 25, 50, 100]

interface PeekProps {
  topic: string
  channel?: string | undefined
}

/** What waits, without taking it. Of a topic one chooses the channel, or what is in none yet. */
export function Peek({ topic, channel }: PeekProps) {
  return channel === undefined ? <TopicPeek topic={topic} /> : <Look topic={topic} channel={channel} />
}

/** Its first channel at first: what is in none yet is seldom anything. */
function TopicPeek({ topic }: { topic: string }) {
  const [chosen, setChosen] = useState<string>()
  const ask = useCallback((signal: AbortSignal) => fetchChannels(topic, signal), [topic])
  const { value: channels = [], busy } = useRequest(ask)
  if (busy && channels.length === 0) return <p class="quiet panel-start">Loading…</p>
  const from = chosen ?? channels[0] ?? ''
  return (
    <Look topic={topic} channel={from === '' ? undefined : from}>
      <label class="inline">
        of channel
        <select value={from} onChange={event => setChosen(event.currentTarget.value)}>
          {channels.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          <option value="">none yet</option>
        </select>
      </label>
    </Look>
  )
}

function Look({ topic, channel, children }: PeekProps & { children?: ComponentChildren }) {
  const [n, setN] = useState(10)
  const ask = useCallback(
    (signal: AbortSignal) =>
      call<PeekReply>('GET', withQuery('api/peek', { topic, channel, n }), undefined, signal),
    [topic, channel, n],
  )
  const { value, problem, busy, time, again } = useRequest(ask)
  return (
    <div class="peek">
      <div class="panel-bar">
        <Button kind="primary" busy={busy} onPress={again}>
          {value ? 'Look again' : 'Look'}
        </Button>
        <label class="inline">
          the next
          <select value={n} onChange={event => setN(Number(event.currentTarget.value))}>
            {COUNTS.map(each => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        {children}
      </div>
      <p class="panel-status quiet">
        Nothing is taken or changed: consumers get these messages as if nobody had looked.
        {time > 0 && <span>Seen at {clock(time)}.</span>}
      </p>
      {problem && <Alert message={problem.message} remedy={problem.remedy} retry={again} />}
      {value && (
        <Result
          reply={value}
          none={channel === undefined ? 'Every message is in a channel.' : `No message is in ${channel}.`}
          n={n}
        />
      )}
    </div>
  )
}

function Result({ reply, none, n }: { reply: PeekReply; none: string; n: number }) {
  const { messages, unsupported, warnings } = reply
  return (
    <>
      {unsupported.length > 0 && (
        <Alert
          message={`${unsupported.join(', ')} cannot be peeked: only the nsqd of nsq-ts has this, the official one has not.`}
          remedy="To see what is published from now on there, watch the topic."
        />
      )}
      {warnings.map(({ message, remedy }) => (
        <Alert key={message} message={message} remedy={remedy ?? ''} />
      ))}
      {messages.length > 0 ? (
        <>
          <PeekedList messages={messages} />
          <p class="quiet">
            {messages.length < n
              ? `All there is: ${plural(messages.length, 'message')}.`
              : `The first ${n}; there may be more.`}
          </p>
        </>
      ) : (
        unsupported.length === 0 && <p class="quiet">{none}</p>
      )}
    </>
  )
}

function PeekedList({ messages }: { messages: readonly PeekedMessage[] }) {
  const now = useNow(1000)
  const items = messages.map((message, i) => ({
    key: `${message.node} ${message.id} ${i}`,
    message,
    chips: <StateChip message={message} now={now} />,
  }))
  return <MessageList label="Messages" items={items} />
}

function StateChip({ message: { state, until }, now }: { message: PeekedMessage; now: number }) {
  const when = until === null ? '' : untilText(until, now)
  switch (state) {
    case 'inFlight':
      return (
        <Chip tone="accent" title="A consumer has it; unless it answers, it comes again then">
          in flight, times out {when}
        </Chip>
      )
    case 'deferred':
      return (
        <Chip tone="warn" title="It is delivered then">
          deferred, due {when}
        </Chip>
      )
    default:
      return <Chip>waiting</Chip>
  }
}
