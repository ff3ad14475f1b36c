import type { ComponentChildren } from 'preact'

/** The numbers at the head of a page. */
export function Tiles({ children, label }: { children: ComponentChildren; label: string }) {
  return (
    <dl class="tiles" aria-label={label}>
      {children}
    </dl>
  )
}

interface TileProps {
  label: string
  value: ComponentChildren
  /** After the number, smaller: `/s`. */
  unit?: string | undefined
  /** Below, in a few words. */
  note?: ComponentChildren
  tone?: 'warn' | 'bad' | undefined
  /** A time, say, which is longer than a number. */
  isText?: boolean
}

export function Tile({ label, value, unit, note, tone, isText = false }: TileProps) {
  return (
    <div class={`tile ${tone ?? ''} ${isText ? 'words' : ''}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">
          {value}
          {unit && <span class="unit">{unit}</span>}
        </span>
        <span class="note">{note}</span>
      </dd>
    </div>
  )
}
