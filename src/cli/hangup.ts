import type { Context } from './command.ts'

/**
 * The signal that stops a command which has something to put away, for when its terminal is closed as well: SIGHUP ends a
 * process at once unless somebody listens. Where no output is a terminal, nobody does, as then it may be `nohup` that has
 * started it, and it is to go on.
 */
export function untilHangup({
  signal,
  onHangup,
  stdout,
  stderr,
}: Pick<Context, 'signal' | 'onHangup' | 'stdout' | 'stderr'>): { signal: AbortSignal; release: () => void } {
  if (!stdout.isTerminal && !stderr.isTerminal) return { signal, release: () => {} }
  const hangup = new AbortController()
  const release = onHangup(() => hangup.abort('SIGHUP'))
  return { signal: AbortSignal.any([signal, hangup.signal]), release }
}
