import { useMemo, useState } from 'preact/hooks'
import { SafeText } from '../components/safe-text.tsx'
import { count, plural } from '../format.ts'
import { clip } from './clip.ts'
import { foldsToFit, toggleFold, unfoldedLines } from './json-folds.ts'
import type { JsonLine } from './json-lines.ts'
import { LongText } from './text.tsx'

/** Lines that folding leaves, if it can; of a list with more members, how many lines are shown at first, and added. */
const ROOM = 60
const FIRST = 200
const STEP = 500
const STRING_ROOM = 600
const GLIMPSE = 80

export function JsonView({ text, lines }: { text: string; lines: readonly JsonLine[] }) {
  const [folds, setFolds] = useState<ReadonlySet<number>>(() => new Set(foldsToFit(lines, ROOM)))
  const [room, setRoom] = useState(FIRST)
  const shown = useMemo(() => unfoldedLines(lines, folds), [lines, folds])
  const toggle = (line: number): void => setFolds(toggleFold(lines, folds, line, ROOM))
  return (
    <div class="json">
      {shown.slice(0, room).map(number => {
        const line = lines[number]
        return (
          line && (
            <Line
              key={number}
              text={text}
              line={line}
              end={lines[line.end]}
              folded={folds.has(number)}
              toggle={line.kind === 'open' ? () => toggle(number) : undefined}
            />
          )
        )
      })}
      {shown.length > room && (
        <button type="button" class="more" onClick={() => setRoom(room + STEP)}>
          {count(Math.min(STEP, shown.length - room))} of {count(shown.length - room)} more lines
        </button>
      )}
    </div>
  )
}

interface LineProps {
  text: string
  line: JsonLine
  end: JsonLine | undefined
  folded: boolean
  toggle: (() => void) | undefined
}

function Line({ text, line, end, folded, toggle }: LineProps) {
  const { depth, key, kind } = line
  return (
    <div
      class="json-line"
      style={{ '--depth': Math.min(depth, 24) }}
      title={depth > 24 ? `level ${depth}` : ''}
    >
      {toggle && (
        <button
          type="button"
          class="fold"
          aria-expanded={!folded}
          aria-label={`${key || (line.text === '[' ? 'list' : 'object')}, ${members(line)}`}
          onClick={toggle}
        />
      )}
      {key !== '' && (
        <>
          <span class="json-key">
            <LongText text={key} room={STRING_ROOM} />
          </span>
          {': '}
        </>
      )}
      <span class={`json-${kind}`}>
        <LongText text={line.text} room={STRING_ROOM} />
      </span>
      {folded && end && (
        <>
          <span class="json-glimpse">
            <SafeText text={glimpse(text, line.from + key.length, end.from)} />
          </span>
          <span class="json-close">{end.text}</span>
        </>
      )}
      {(folded ? end?.comma : line.comma && kind !== 'open') && ','}
      {folded && <span class="json-note">{members(line)}</span>}
    </div>
  )
}

function members({ text, members }: JsonLine): string {
  return text === '[' ? plural(members, 'item') : plural(members, 'member')
}

/** What is in a folded container, as far as it goes on the line. */
function glimpse(text: string, from: number, to: number): string {
  const start = text.slice(from, Math.min(to, from + 2 * GLIMPSE)).search(/[[{]/) + from + 1
  const inside = text.slice(start, Math.min(to, start + 4 * GLIMPSE)).replace(/\s+/g, ' ')
  return clip(inside, GLIMPSE) + (inside.length > GLIMPSE || to - start > 4 * GLIMPSE ? '…' : '')
}
