import type { Context } from './command.ts'

/**
 * The signal that stops a command which has something to put away, for when its terminal is closed as well: SIGHUP ends a
 * process at once unless somebody listens. Under `nohup` too, as Node takes back what that has set.
 */
export function untilHangup({ signal, onHangup }: Pick<Context, 'signal' | 'onHangup'>): {
  signal: AbortSignal
  release: () => void
} {
  const hangup = new AbortController()
  const release = onHangup(() => hangup.abort('SIGHUP'))
  return { signal: AbortSignal.any([signal, hangup.signal]), release }
}
