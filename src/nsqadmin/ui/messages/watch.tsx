import { useCallback, useRef, useState } from 'preact/hooks'
import type { WatchedMessages } from '../../live-types.ts'
import { Button } from '../components/button.tsx'
import { Filter } from '../components/filter.tsx'
import { Icon } from '../components/icon.tsx'
import { Alert } from '../components/states.tsx'
import { count, plural, rate as perSecond } from '../format.ts'
import { useNow } from '../use-now.ts'
import { MessageList } from './message-list.tsx'
import { arrivalRate, EMPTY, KEPT, matching, receive, release } from './watch-list.ts'
import { useWatch, type WatchState } from './watch-stream.ts'

/** Messages a second; what nsqadmin takes. */
const RATES = [1, 5, 20, 50, 200]

type Phase = 'off' | 'on' | 'paused'

interface WatchProps {
  topic: string
  /** Whether it stands on the page of a channel, where one may expect that channel's messages. */
  isChannel: boolean
  /** Told when it begins and ends. */
  onWatching: (watching: boolean) => void
}

export function Watch({ topic, isChannel, onWatching }: WatchProps) {
  const [phase, setPhase] = useState<Phase>('off')
  const go = (to: Phase): void => {
    setPhase(to)
    onWatching(to === 'on')
  }
  const [rate, setRate] = useState(20)
  const [list, setList] = useState(EMPTY)
  const [words, setWords] = useState('')
  const reading = useRef(false)
  const box = useRef<HTMLDivElement>(null)
  const take = useCallback(
    (update: WatchedMessages) => setList(list => receive(list, update, reading.current, performance.now())),
    [],
  )
  const stream = useWatch(phase === 'on', topic, rate, take)

  const onReading = (now: boolean): void => {
    reading.current = now
    if (!now) setList(release)
  }
  const showNew = (): void => {
    box.current?.scrollTo({ top: 0 })
    setList(release)
  }

  if (phase === 'off') {
    return (
      <div class="panel-start">
        <p>
          See {isChannel ? 'the messages of the topic' : 'messages'} as they are published. They are copies,
          by a channel that nsqadmin makes for you and that goes when you stop: no consumer misses any.
        </p>
        <Button kind="primary" icon="play" onPress={() => go('on')}>
          Watch
        </Button>
      </div>
    )
  }
  const found = matching(list.shown, words)
  return (
    <div class="watch">
      <div class="panel-bar">
        {phase === 'on' ? (
          <Button icon="pause" onPress={() => go('paused')}>
            Pause
          </Button>
        ) : (
          <Button icon="play" kind="primary" onPress={() => go('on')}>
            Go on
          </Button>
        )}
        <Button icon="close" disabled={list.received === 0} onPress={() => setList(EMPTY)}>
          Clear
        </Button>
        <label class="inline">
          at most
          <select value={rate} onChange={event => setRate(Number(event.currentTarget.value))}>
            {RATES.map(value => (
              <option key={value} value={value}>
                {value}/s
              </option>
            ))}
          </select>
        </label>
        <Filter label="Filter messages" value={words} onChange={setWords} />
      </div>
      <Status
        phase={phase}
        stream={stream}
        list={list}
        found={words.trim() === '' ? undefined : found.length}
      />
      {phase === 'on' &&
        stream.problems.map(({ message, remedy }) => (
          <Alert key={message} message={message} remedy={remedy} />
        ))}
      {found.length === 0 ? (
        <p class="quiet">{emptyText(phase, stream, list.received, words)}</p>
      ) : (
        <div class="watched">
          <MessageList label={`Messages of ${topic}`} items={found} onReading={onReading} element={box} />
          {list.held.length > 0 && (
            <button
              type="button"
              class="held"
              title="Held while you read; Escape, too, shows them"
              onClick={showNew}
            >
              <Icon name="up" />
              {list.held.length === KEPT ? `${KEPT} or more` : count(list.held.length)} new
            </button>
          )}
        </div>
      )}
    </div>
  )
}

interface StatusProps {
  phase: Phase
  stream: WatchState
  list: typeof EMPTY
  found: number | undefined
}

function Status({ phase, stream, list, found }: StatusProps) {
  useNow(1000)
  const speed = phase === 'on' ? `${perSecond(arrivalRate(list, performance.now()))}/s` : 'paused'
  const state = stream.status === 'ready' || phase === 'paused' ? speed : STATES[stream.status]
  return (
    <p class="panel-status">
      <span
        class={`dot ${phase === 'on' && stream.status === 'ready' ? 'good' : 'warn'}`}
        aria-hidden="true"
      />
      <span>{state}</span>
      <span>{plural(list.received, 'message')}</span>
      {list.skipped > 0 && (
        <span class="warn-text" title="They came faster than the chosen rate, and are not shown">
          {count(list.skipped)} skipped
        </span>
      )}
      {list.received > KEPT && <span>the newest {KEPT} are kept</span>}
      {found !== undefined && <span>{count(found)} match</span>}
      {phase === 'on' && stream.ready && <span class="name quiet">{stream.ready.channel}</span>}
    </p>
  )
}

const STATES: Record<WatchState['status'], string> = {
  connecting: 'making a channel',
  ready: '',
  failed: 'waiting for an nsqd',
  missing: 'waiting for the topic',
  lost: 'reconnecting',
  refused: 'not connected',
}

function emptyText(phase: Phase, stream: WatchState, received: number, words: string): string {
  if (words.trim() !== '' && received > 0) return 'No message has these words.'
  if (phase === 'paused') return 'Paused: what is published now is not shown.'
  if (stream.status === 'missing') return 'There is no such topic. It is watched once there is.'
  if (stream.status !== 'ready') return 'Not watching yet.'
  return 'Nothing yet. What is published from now on appears here.'
}
