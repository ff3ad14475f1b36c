import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'accent'

interface ChipProps {
  tone?: Tone
  icon?: IconName
  title?: string
  children: ComponentChildren
}

/** A state in a word or two. */
export function Chip({ tone = 'plain', icon, title, children }: ChipProps) {
  return (
    <span class={`chip ${tone}`} title={title}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </span>
  )
}

export function PausedChip() {
  return (
    <Chip tone="warn" icon="pause" title="Nothing is delivered until it is unpaused">
      paused
    </Chip>
  )
}

export function OrphanedChip() {
  return (
    <Chip
      tone="bad"
      icon="warning"
      title="Messages wait, and no consumer has come for --orphan-after of nsqd"
    >
      orphaned
    </Chip>
  )
}

export function GrowingChip() {
  return (
    <Chip tone="bad" icon="up" title="More and more messages wait: the depth has grown over the last minute">
      growing
    </Chip>
  )
}
