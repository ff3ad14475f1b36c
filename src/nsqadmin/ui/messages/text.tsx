import { useState } from 'preact/hooks'
import { count } from '../format.ts'
import { SafeText } from '../components/safe-text.tsx'
import { clip } from './clip.ts'

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
