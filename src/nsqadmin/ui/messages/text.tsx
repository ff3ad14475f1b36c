import { useState } from 'preact/hooks'
import { count } from '../format.ts'
import { clip } from './clip.ts'
import { visibleRuns } from './visible.ts'

/** Text of a message, where what a browser would hide, or let turn the line around, is shown by name. */
export function SafeText({ text }: { text: string }) {
  return (
    <>
      {visibleRuns(text).map((run, i) =>
        'text' in run ? (
          run.text
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- runs have nothing else, and keep no state
          <span key={i} class="hidden-char" title={run.title}>
            {run.label}
          </span>
        ),
      )}
    </>
  )
}

/** The beginning of a long text, and a button for more of it: ten times as much each time. */
export function LongText({ text, room }: { text: string; room: number }) {
  const [shown, setShown] = useState(room)
  const part = clip(text, shown)
  const left = text.length - part.length
  return (
    <>
      <SafeText text={part} />
      {left > 0 && (
        <button type="button" class="more" onClick={() => setShown(shown * 10)}>
          {left > shown * 9 ? `${count(shown * 9)} more` : `all ${count(left)} more`} characters
        </button>
      )}
    </>
  )
}
