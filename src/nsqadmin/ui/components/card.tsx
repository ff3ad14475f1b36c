import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface CardProps {
  title: string
  /** How many there are. */
  count?: string
  /** At the end of its head. */
  actions?: ComponentChildren
  /** What it holds reaches its edges: a table. */
  flush?: boolean
  children: ComponentChildren
}

/** A part of a page, with a heading. */
export function Card({ title, count, actions, flush = false, children }: CardProps) {
  const id = useId()
  return (
    <section class={`card ${flush ? 'flush' : ''}`} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>
          {title}
          {count !== undefined && <span class="card-count"> {count}</span>}
        </h2>
        {actions}
      </div>
      {children}
    </section>
  )
}
