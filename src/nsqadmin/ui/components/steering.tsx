import { useState } from 'preact/hooks'
import type { ChannelRow, TopicRow } from '../../live-types.ts'
import { act, remove } from '../api.ts'
import { useMayChange } from '../config.ts'
import { count, plural } from '../format.ts'
import { navigate } from '../navigation.ts'
import { Button } from './button.tsx'
import { ask, perform, problemOf } from './confirm.tsx'
import { toast } from './toast.tsx'

const messages = (number: number) => plural(number, 'message')

interface TopicSteeringProps {
  row: TopicRow
  /** Messages in no channel yet: all that emptying a topic throws away. */
  undistributed: number
}

/** What can be done to a topic, with what it means and what would be lost. */
export function TopicSteering({ row, undistributed }: TopicSteeringProps) {
  const { topic, paused, depth, channels, nsqds } = row
  const pause = () =>
    ask({
      title: `Pause topic ${topic}?`,
      children: (
        <>
          <p>
            What is published from now on waits in the topic: none of its {plural(channels, 'channel')} gets
            it until the topic is unpaused.
          </p>
          <p>What is in the channels already goes on being delivered.</p>
        </>
      ),
      button: 'Pause topic',
      run: () => act('pause', topic),
      done: `Topic ${topic} is paused`,
    })
  const empty = () =>
    ask({
      title: `Empty topic ${topic}?`,
      children: (
        <>
          <p>
            Throws away what is in no channel yet: <strong>{messages(undistributed)}</strong> now.
          </p>
          <p>Messages that its channels have stay; each channel is emptied on its own page.</p>
        </>
      ),
      button: `Throw away ${messages(undistributed)}`,
      danger: true,
      run: () => act('empty', topic),
      done: `Topic ${topic} is emptied`,
    })
  const destroy = () =>
    ask({
      title: `Delete topic ${topic}?`,
      children: (
        <>
          <p>
            Deletes the topic with its {plural(channels, 'channel')} at {plural(nsqds, 'nsqd')}. Loses{' '}
            <strong>{plural(depth, 'waiting message')}</strong>, and disconnects its consumers.
          </p>
          <p>When somebody publishes to it or subscribes, it is there again, empty.</p>
        </>
      ),
      button: depth > 0 ? `Delete topic and ${messages(depth)}` : 'Delete topic',
      danger: true,
      typed: topic,
      run: () => remove(topic),
      done: `Topic ${topic} is deleted`,
      after: () => navigate({ page: 'topics' }),
    })
  const unpause = { run: () => act('unpause', topic), done: `Topic ${topic} goes on` }
  return <Buttons paused={paused} pause={pause} unpause={unpause} empty={empty} destroy={destroy} />
}

export function ChannelSteering({ topic, row }: { topic: string; row: ChannelRow }) {
  const { channel, paused, depth, inFlight, deferred, clients } = row
  const all = depth + inFlight + deferred
  const parts = [
    `${count(depth)} waiting`,
    ...(inFlight > 0 ? [`${count(inFlight)} in flight`] : []),
    ...(deferred > 0 ? [`${count(deferred)} deferred`] : []),
  ]
  const lost = (
    <>
      <strong>{messages(all)}</strong>
      {parts.length > 1 && ` (${parts.join(', ')})`}
    </>
  )
  const pause = () =>
    ask({
      title: `Pause channel ${channel}?`,
      children: (
        <p>
          Its {plural(clients, 'consumer')} get nothing until it is unpaused. Messages go on arriving, and
          wait: {messages(depth)} now.
        </p>
      ),
      button: 'Pause channel',
      run: () => act('pause', topic, channel),
      done: `Channel ${channel} is paused`,
    })
  const empty = () =>
    ask({
      title: `Empty channel ${channel}?`,
      children: <p>Throws away {lost}. Other channels of the topic keep theirs.</p>,
      button: `Throw away ${messages(all)}`,
      danger: true,
      run: () => act('empty', topic, channel),
      done: `Channel ${channel} is emptied`,
    })
  const destroy = () =>
    ask({
      title: `Delete channel ${channel}?`,
      children: (
        <>
          <p>
            Loses {lost}, and disconnects {plural(clients, 'consumer')}. Other channels of the topic stay.
          </p>
          <p>When a consumer subscribes to it again, it is there again, empty.</p>
        </>
      ),
      button: all > 0 ? `Delete channel and ${messages(all)}` : 'Delete channel',
      danger: true,
      run: () => remove(topic, channel),
      done: `Channel ${channel} is deleted`,
      after: () => navigate({ page: 'topic', topic }),
    })
  const unpause = { run: () => act('unpause', topic, channel), done: `Channel ${channel} goes on` }
  return <Buttons paused={paused} pause={pause} unpause={unpause} empty={empty} destroy={destroy} />
}

interface ButtonsProps {
  paused: boolean
  pause: () => void
  /** Needs no question: nothing is lost by it. */
  unpause: { run: () => Promise<{ message: string }>; done: string }
  empty: () => void
  destroy: () => void
}

function Buttons({ paused, pause, unpause, empty, destroy }: ButtonsProps) {
  const mayChange = useMayChange()
  const [busy, setBusy] = useState(false)
  if (!mayChange) return null
  const goOn = async () => {
    setBusy(true)
    try {
      await perform(unpause)
    } catch (error) {
      const { message, remedy } = problemOf(error)
      toast(`${message} ${remedy}`, 'bad')
    }
    setBusy(false)
  }
  return (
    <>
      {paused ? (
        <Button icon="play" busy={busy} onPress={() => void goOn()}>
          Unpause
        </Button>
      ) : (
        <Button icon="pause" onPress={pause}>
          Pause
        </Button>
      )}
      <Button icon="empty" onPress={empty}>
        Empty
      </Button>
      <Button icon="remove" onPress={destroy} kind="risky">
        Delete
      </Button>
    </>
  )
}
