import { useMemo, useRef, useState } from 'preact/hooks'
import type { ShownMessage } from '../../live-types.ts'
import { bytes as size } from '../format.ts'
import { bytesCut, readBody, type Reading } from './body-kind.ts'
import { bodyBytes } from './bytes.ts'
import { copyText } from './copy.ts'
import { hexDump } from './hex.ts'
import { HexView } from './hex-view.tsx'
import { JsonView } from './json-view.tsx'
import { LongText } from './text.tsx'

const TEXT_ROOM = 4000
const COPIED_MS = 1500

type View = 'json' | 'text' | 'hex'

const LABELS: Record<View, string> = { json: 'JSON', text: 'Text', hex: 'Hex' }

/** A message body, as what it seems to be, or as the reader wants it. Only text nodes: nothing in it is markup. */
export function Body({ message }: { message: Pick<ShownMessage, 'body' | 'encoding' | 'size'> }) {
  const bytes = useMemo(() => bodyBytes(message), [message])
  const cut = bytesCut(message, bytes)
  const reading = useMemo(() => readBody(message), [message])
  const [chosen, setChosen] = useState<View>()
  const views = viewsOf(reading)
  const view = chosen !== undefined && views.includes(chosen) ? chosen : (views[0] ?? 'hex')
  return (
    <div class="body">
      <div class="body-bar">
        <div class="segments" role="group" aria-label="Show the body as">
          {views.map(name => (
            <button key={name} type="button" aria-pressed={name === view} onClick={() => setChosen(name)}>
              {LABELS[name]}
            </button>
          ))}
        </div>
        <span class="body-size">
          {cut === 0 ? size(message.size) : `the first ${size(bytes.length)} of ${size(message.size)}`}
        </span>
        <CopyButton text={() => (view === 'hex' ? hexDump(bytes) : (reading.text ?? ''))} />
      </div>
      <div class="body-content" tabIndex={0} role="group" aria-label="Body" dir="ltr">
        {view === 'json' && reading.kind === 'json' && <JsonView text={reading.text} lines={reading.lines} />}
        {view === 'text' && <BodyText text={reading.text ?? ''} />}
        {view === 'hex' && <HexView bytes={bytes} />}
      </div>
      {cut > 0 && (
        <p class="body-cut">{size(cut)} of it are not shown: nsqadmin asks for the beginning only.</p>
      )}
    </div>
  )
}

function BodyText({ text }: { text: string }) {
  if (text === '') return <p class="quiet">No text.</p>
  return (
    <pre class="body-text">
      <LongText text={text} room={TEXT_ROOM} />
    </pre>
  )
}

/** What it may be shown as, the best first. */
function viewsOf({ kind, text }: Reading): View[] {
  if (kind === 'json') return ['json', 'text', 'hex']
  if (kind === 'text') return ['text', 'hex']
  return text === undefined ? ['hex'] : ['hex', 'text']
}

function CopyButton({ text }: { text: () => string }) {
  const [said, setSaid] = useState('')
  const timer = useRef<number>(undefined)
  const copy = async (): Promise<void> => {
    setSaid((await copyText(text())) ? 'Copied' : 'The browser does not allow it')
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setSaid(''), COPIED_MS)
  }
  return (
    <button type="button" class="small" onClick={() => void copy()}>
      <span aria-live="polite">{said || 'Copy'}</span>
    </button>
  )
}
