import type { ComponentChildren, Ref } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { ShownMessage } from '../../live-types.ts'
import { MessageRow } from './message-row.tsx'

export interface Listed {
  key: number | string
  message: ShownMessage
  chips?: ComponentChildren
}

interface MessageListProps {
  label: string
  items: readonly Listed[]
  /** Whether somebody reads: has opened one, is in the list with the keyboard, or has scrolled down. */
  onReading?: (reading: boolean) => void
  element?: Ref<HTMLDivElement>
}

/**
 * Messages, one a line. With the keyboard: up and down, Home and End; Enter opens one, Escape closes them and leaves
 * the list.
 */
export function MessageList({ label, items, onReading, element }: MessageListProps) {
  const [open, setOpen] = useState<ReadonlySet<Listed['key']>>(new Set())
  const [current, setCurrent] = useState<Listed['key']>()
  const list = useRef<HTMLUListElement>(null)
  const reachable = items.some(({ key }) => key === current) ? current : items[0]?.key
  // What is asked below is asked later, too, when the focus has moved.
  const shown = useRef({ items, open })
  shown.current = { items, open }

  const tell = (): void => {
    const isIn = list.current?.contains(document.activeElement) === true
    const isOpen = shown.current.items.some(({ key }) => shown.current.open.has(key))
    onReading?.(isOpen || isIn || (list.current?.parentElement?.scrollTop ?? 0) > 4)
  }
  const openOnly = (opened: ReadonlySet<Listed['key']>): void => {
    setOpen(opened)
    shown.current = { items, open: opened }
    tell()
  }
  const toggle = (key: Listed['key']): void => {
    const opened = new Set(open)
    if (!opened.delete(key)) opened.add(key)
    setCurrent(key)
    openOnly(opened)
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
      list.current?.parentElement?.scrollTo({ top: 0 })
      openOnly(new Set())
      return
    }
    if (!(event.target instanceof HTMLElement) || !event.target.classList.contains('message-line')) return
    const lines = [...(list.current?.querySelectorAll<HTMLElement>('.message-line') ?? [])]
    const at = lines.indexOf(event.target)
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key]
    if (next === undefined) return
    event.preventDefault()
    const line = lines[next]
    line?.focus()
    if (line) setCurrent(items[next]?.key)
  }
  return (
    <div class="message-box" ref={element ?? null} onScroll={tell}>
      <ul
        class="message-list"
        aria-label={label}
        ref={list}
        onKeyDown={onKey}
        onFocusCapture={tell}
        // The focus has not come anywhere yet.
        onBlurCapture={() => setTimeout(tell)}
      >
        {items.map(({ key, message, chips }) => (
          <MessageRow
            key={key}
            message={message}
            open={open.has(key)}
            reachable={key === reachable}
            onToggle={() => toggle(key)}
            chips={chips}
          />
        ))}
      </ul>
    </div>
  )
}
