import { useEffect, useRef, useState } from 'preact/hooks'

/** So long after the last key that somebody who types is not talked into. */
const REST_MS = 700

interface SaidProps {
  text: string
  /** What the reader has chosen. Numbers that change by themselves are not read out. */
  when: string
}

/** Tells a screen reader what has come of a choice: how many rows a filter leaves. */
export function Said({ text, when }: SaidProps) {
  const [said, setSaid] = useState('')
  const latest = useRef(text)
  latest.current = text
  const before = useRef(when)
  useEffect(() => {
    if (before.current === when) return
    before.current = when
    const timer = setTimeout(() => setSaid(latest.current), REST_MS)
    return () => clearTimeout(timer)
  }, [when])
  return (
    <span class="visually-hidden" role="status">
      {said || null}
    </span>
  )
}
