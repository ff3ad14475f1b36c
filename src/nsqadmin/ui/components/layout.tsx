import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useConfig, useNewVersion } from '../config.ts'
import { usePlace } from '../navigation.ts'
import { routeTitle, type Route } from '../router.ts'
import { chooseTheme, nextTheme, theme } from '../theme.ts'
import { useStore } from '../use-store.ts'
import { Button } from './button.tsx'
import { ConfirmHost } from './confirm.tsx'
import { ConnectionState } from './connection-state.tsx'
import { Icon } from './icon.tsx'
import { Link } from './link.tsx'
import { Toasts } from './toast.tsx'

const PARTS = [
  ['Topics', { page: 'topics' }],
  ['Nodes', { page: 'nodes' }],
  ['Lookup', { page: 'lookup' }],
  ['Counter', { page: 'counter' }],
] as const

/** The part of the site that a page belongs to. */
const PART_OF: Partial<Record<Route['page'], string>> = {
  topic: 'topics',
  channel: 'topics',
  node: 'nodes',
}

/** What is around every page. */
export function Layout({ children }: { children: ComponentChildren }) {
  const { route } = usePlace()
  const main = useRef<HTMLElement>(null)
  const title = routeTitle(route)
  const before = useRef(title)
  useEffect(() => {
    document.title = `${title} · nsqadmin`
    // A screen reader goes on reading at the page that was asked for, not where the link was.
    if (before.current !== title) main.current?.focus({ preventScroll: true })
    before.current = title
  }, [title])
  return (
    <>
      <a class="skip" href="#main" onClick={event => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <header class="top">
        <Link to={{ page: 'topics' }} class="brand">
          <Mark />
          nsqadmin
        </Link>
        <nav class="parts" aria-label="Parts">
          {PARTS.map(([label, to]) => (
            <Link
              key={label}
              to={to}
              current={route.page === to.page ? 'page' : PART_OF[route.page] === to.page ? 'true' : undefined}
            >
              {label}
            </Link>
          ))}
        </nav>
        <ConnectionState />
        <ThemeButton />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <NewVersion />
        {children}
      </main>
      <Footer />
      <Toasts />
      <ConfirmHost />
    </>
  )
}

function NewVersion() {
  const version = useNewVersion()
  // Always there: what is put into it is read out.
  return (
    <div class="no-box" role="status">
      {version !== undefined && (
        <div class="alert note">
          <Icon name="warning" />
          <div>
            <p>nsqadmin is of version {version} now. This page is of another, and may not fit.</p>
          </div>
          <Button onPress={() => location.reload()}>Reload</Button>
        </div>
      )}
    </div>
  )
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 10h14M9 16h9M9 22h4" />
    </svg>
  )
}

function ThemeButton() {
  const current = useStore(theme)
  const name = { auto: 'as the system', light: 'light', dark: 'dark' }[current]
  return (
    <button
      type="button"
      class="plain-icon"
      aria-label={`Colours: ${name}. Change`}
      title={`Colours: ${name}`}
      onClick={() => chooseTheme(nextTheme(current))}
    >
      <Icon name={({ auto: 'system', light: 'sun', dark: 'moon' } as const)[current]} />
    </button>
  )
}

function Footer() {
  const { config } = useConfig()
  if (!config) return <footer />
  const { version, lookupds, user, readOnly, isAdmin } = config
  const facts = [
    `nsq-ts ${version}`,
    lookupds.length > 0 ? `nsqlookupd ${lookupds.join(', ')}` : 'nsqds given one by one, no nsqlookupd',
    ...(user ? [user] : []),
    ...(readOnly ? ['read-only'] : isAdmin ? [] : ['not an administrator']),
  ]
  return (
    <footer>
      {facts.map(fact => (
        <span key={fact}>{fact}</span>
      ))}
    </footer>
  )
}
