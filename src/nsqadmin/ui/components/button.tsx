import type { ComponentChildren, Ref } from 'preact'
import { Icon, type IconName } from './icon.tsx'

interface ButtonProps {
  children: ComponentChildren
  onPress?: () => void
  /** Risky: leads to something dangerous; danger does it. */
  kind?: 'plain' | 'primary' | 'danger' | 'risky' | 'quiet'
  icon?: IconName
  /** Works on it: shown, and it cannot be pressed again meanwhile. */
  busy?: boolean
  disabled?: boolean
  submit?: boolean
  title?: string
  element?: Ref<HTMLButtonElement>
}

export function Button({
  children,
  onPress,
  kind = 'plain',
  icon,
  busy = false,
  disabled = false,
  submit = false,
  title,
  element,
}: ButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${kind}`}
      onClick={event => (busy ? event.preventDefault() : onPress?.())}
      disabled={disabled && !busy}
      // Not disabled: a browser takes the focus from what is.
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      title={title}
      ref={element ?? null}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  )
}
