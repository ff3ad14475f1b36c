import type { ComponentChildren } from 'preact'
import type { LiveState } from '../live-state.ts'
import type { Route } from '../router.ts'
import { clock } from '../format.ts'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import { Link } from './link.tsx'
import { SafeText } from './safe-text.tsx'

/** Something is wrong; said where it is, and to a screen reader at once. */
export function Alert({ message, remedy, retry }: { message: string; remedy?: string; retry?: () => void }) {
  return (
    <div class="alert" role="alert">
      <Icon name="warning" />
      <div>
        <p>{message}</p>
        {remedy && <p class="muted">{remedy}</p>}
      </div>
      {retry && <Button onPress={retry}>Retry</Button>}
    </div>
  )
}

/** In place of a page or a part of it, when there is nothing else to show. */
export function Blank({
  title,
  children,
  bad,
}: {
  title: string
  children?: ComponentChildren
  bad?: boolean
}) {
  return (
    <div class={`blank ${bad ? 'bad' : ''}`} role={bad ? 'alert' : undefined}>
      <h2>
        <SafeText text={title} />
      </h2>
      {children}
    </div>
  )
}

/** The places of what will come: nothing moves when it does. */
export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <div class="loading" role="status" aria-label={label}>
      <div class="bone tiles-bone" />
      <div class="bone" />
      <div class="bone" />
      <div class="bone" />
    </div>
  )
}

interface LiveViewProps<Value> {
  live: LiveState<Value> & { retry: () => void }
  /** What is shown when there is no such thing. */
  missing?: { title: string; links: (name: string) => Route }
  children: (value: Value) => ComponentChildren
}

/** The one of a view's states that it is in: never a blank. What was known before stays, and says from when it is. */
export function LiveView<Value>({ live, missing, children }: LiveViewProps<Value>) {
  const { status, value, problem, near, time, retry } = live
  if (status === 'missing') {
    return (
      <Blank title={missing?.title ?? 'There is nothing here'}>
        <p>If it comes, it appears here by itself.</p>
        {near.length > 0 && missing && (
          <>
            <p>Did you mean one of these?</p>
            <ul class="near">
              {near.map(name => (
                <li key={name}>
                  <Link to={missing.links(name)}>{name}</Link>
                </li>
              ))}
            </ul>
          </>
        )}
      </Blank>
    )
  }
  if (value === undefined) {
    if (!problem) return <Loading />
    return (
      <Blank title={problem.message} bad>
        <p>{problem.remedy}</p>
        <Button onPress={retry}>Retry</Button>
      </Blank>
    )
  }
  return (
    <>
      {problem && (
        <Alert
          message={`${problem.message}${time > 0 ? ` The numbers below are of ${clock(time)}.` : ''}`}
          remedy={problem.remedy}
          retry={retry}
        />
      )}
      {children(value)}
    </>
  )
}
