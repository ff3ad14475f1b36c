import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useConfig } from '../config.ts'
import { plural } from '../format.ts'
import type { LiveStatus } from '../live-state.ts'
import { connection } from '../live.ts'
import { useStore } from '../use-store.ts'
import { Chip } from './chip.tsx'
import { Icon } from './icon.tsx'

const WORDS: Record<LiveStatus, readonly [text: string, tone: string]> = {
  connecting: ['Connecting', 'waiting'],
  live: ['Live', 'good'],
  missing: ['Live', 'good'],
  lost: ['Reconnecting', 'waiting'],
  failed: ['No daemon answers', 'bad'],
  refused: ['Not connected', 'bad'],
}

/** Whether the numbers are of now; and which daemons did not answer, or what else is to be seen to. */
export function ConnectionState() {
  const { status, warnings } = useStore(connection)
  const { config } = useConfig()
  const [text, tone] = WORDS[status]
  return (
    <div class="connection">
      {config?.readOnly && (
        <Chip title="nsqadmin was started with --read-only: it changes nothing">read-only</Chip>
      )}
      {config && !config.readOnly && !config.isAdmin && (
        <Chip title="What changes something is for administrators: --admin-user">visitor</Chip>
      )}
      {warnings.length > 0 && <Warnings />}
      <span class={`state ${tone}`} role="status">
        <span class="dot" aria-hidden="true" />
        {text}
      </span>
    </div>
  )
}

function Warnings() {
  const { warnings } = useStore(connection)
  const [open, setOpen] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (!open) return
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && setOpen(false)
    const onPress = (event: MouseEvent) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('keydown', onKey)
    document.addEventListener('mousedown', onPress)
    return () => {
      document.removeEventListener('keydown', onKey)
      document.removeEventListener('mousedown', onPress)
    }
  }, [open])
  return (
    <div class="warnings" ref={root}>
      <button
        type="button"
        class="chip warn"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        <Icon name="warning" />
        {plural(warnings.length, 'warning')}
      </button>
      <ul id={id} class="warnings-list" hidden={!open}>
        {warnings.map(({ message, remedy }) => (
          <li key={message}>
            {message}
            {remedy && <span class="muted">{remedy}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}
