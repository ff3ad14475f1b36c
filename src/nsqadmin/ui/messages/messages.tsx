import { useState } from 'preact/hooks'
import { Tabs } from '../components/tabs.tsx'
import { useConfig } from '../config.ts'
import { useQuery } from '../navigation.ts'
import { Peek } from './peek.tsx'
import { Publish } from './publish.tsx'
import { Watch } from './watch.tsx'

const NAMES = ['watch', 'peek', 'publish'] as const

type Name = (typeof NAMES)[number]

interface MessagesProps {
  topic: string
  channel?: string | undefined
  /** The tab that is shown at first. */
  usual?: Name
}

/** The messages of a topic, and of one of its channels when that is given: seen as they come, where they wait, and made. */
export function Messages({ topic, channel, ...props }: MessagesProps) {
  const [query, setQuery] = useQuery('messages')
  const why = useRefusal()
  const usual = props.usual ?? (channel === undefined && why === undefined ? 'watch' : 'peek')
  const chosen = NAMES.find(name => name === query) ?? usual
  const [watching, setWatching] = useState(false)
  const tabs = [
    {
      id: 'watch',
      label: watching ? (
        <>
          Watch
          <span class="dot good" aria-label=", on" role="img" />
        </>
      ) : (
        'Watch'
      ),
    },
    { id: 'peek', label: 'Peek' },
    { id: 'publish', label: 'Publish' },
  ]
  return (
    <div class="messages">
      <Tabs
        label={`Messages of ${topic}`}
        tabs={tabs}
        chosen={chosen}
        onChoose={id => setQuery(id === usual ? null : id)}
      >
        {/* What is watched goes on beside the other tabs: one publishes, and looks what comes. */}
        <div hidden={chosen !== 'watch'}>
          {why === undefined ? (
            <Watch topic={topic} isChannel={channel !== undefined} onWatching={setWatching} />
          ) : (
            <Refused why={why} what="watch messages" />
          )}
        </div>
        {chosen === 'peek' && <Peek topic={topic} channel={channel} />}
        <div hidden={chosen !== 'publish'}>
          {why === undefined ? <Publish topic={topic} /> : <Refused why={why} what="publish" />}
        </div>
      </Tabs>
    </div>
  )
}

/** Why the reader may not change anything; undefined who may. */
function useRefusal(): string | undefined {
  const { config } = useConfig()
  if (config?.readOnly === true) return 'This nsqadmin was started with --read-only.'
  if (config?.isAdmin === false) {
    const who = config.user === null ? 'You are' : `${config.user} is`
    return `${who} not among its administrators (--admin-user).`
  }
  return undefined
}

function Refused({ why, what }: { why: string; what: string }) {
  return (
    <p class="quiet panel-start">
      Here you cannot {what}. {why}
    </p>
  )
}
