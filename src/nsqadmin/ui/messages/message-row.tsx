import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import type { ShownMessage } from '../../live-types.ts'
import { bytes as size } from '../format.ts'
import { Link } from '../components/link.tsx'
import { SafeText } from '../components/safe-text.tsx'
import { Body } from './body.tsx'
import { bodyText } from './bytes.ts'
import { clip } from './clip.ts'
import { clockMs, dateTimeMs, publishedAt } from './message-time.ts'

const PREVIEW = 240

interface MessageRowProps {
  message: ShownMessage
  open: boolean
  /** Whether Tab leads to it: one of a list's rows. */
  reachable: boolean
  onToggle: () => void
  /** What else is to be said about it, before its text. */
  chips?: ComponentChildren
}

/** A message as one line, and below it all of it when it is opened. */
export function MessageRow({ message, open, reachable, onToggle, chips }: MessageRowProps) {
  const { timestamp, attempts } = message
  const preview = useMemo(() => previewOf(message), [message])
  const published = publishedAt(timestamp)
  return (
    <li class={open ? 'message open' : 'message'}>
      <button
        type="button"
        class="message-line"
        aria-expanded={open}
        tabIndex={reachable ? 0 : -1}
        onClick={onToggle}
      >
        <time title={dateTimeMs(published)}>{clockMs(published)}</time>
        <span class="message-size">{size(message.size)}</span>
        <span class="message-text">
          {chips}
          {attempts > 1 && <span class="chip warn">attempt {attempts}</span>}
          <bdi dir="ltr">{preview === undefined ? <i>bytes</i> : <SafeText text={preview} />}</bdi>
        </span>
      </button>
      {open && <Details message={message} published={published} />}
    </li>
  )
}

function Details({ message, published }: { message: ShownMessage; published: number }) {
  const { id, node, attempts } = message
  return (
    <div class="message-details">
      <dl class="facts">
        <div>
          <dt>Id</dt>
          <dd class="name">{id}</dd>
        </div>
        <div>
          <dt>Published</dt>
          <dd>{dateTimeMs(published)}</dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>{attempts}</dd>
        </div>
        <div>
          <dt>nsqd</dt>
          <dd>
            <Link to={{ page: 'node', node }}>{node}</Link>
          </dd>
        </div>
      </dl>
      <Body message={message} />
    </div>
  )
}

/** The beginning of a text on one line; undefined for what is none. */
function previewOf(message: ShownMessage): string | undefined {
  // No more of a long one is decoded than a line has room for; the size keeps that it was cut.
  const beginning =
    message.encoding === 'utf8'
      ? message
      : { ...message, body: message.body.slice(0, 4 * PREVIEW), size: Number.MAX_SAFE_INTEGER }
  const text = bodyText(beginning)
  if (text === undefined) return undefined
  const start = text.slice(0, 4 * PREVIEW)
  // Not \s: that would hide what is shown by name.
  const line = start.replace(/[ \t\r\n]+/g, ' ')
  const isAll = start.length === text.length && line.length <= PREVIEW && message.body.length <= 4 * PREVIEW
  return isAll ? line : `${clip(line, PREVIEW)}…`
}
