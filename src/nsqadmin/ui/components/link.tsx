import type { ComponentChildren } from 'preact'
import { href, navigate } from '../navigation.ts'
import type { Route } from '../router.ts'

interface LinkProps {
  to: Route
  children: ComponentChildren
  class?: string
  /** Whether it leads to what is shown, or to what that is part of. */
  current?: 'page' | 'true' | undefined
  title?: string
}

/** A link to another page here: a real one, so that it opens in a new tab and can be copied. */
export function Link({ to, children, class: name, current, title }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a href={href(to)} onClick={follow} class={name} aria-current={current} title={title}>
      {children}
    </a>
  )
}
