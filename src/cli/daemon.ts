import { Logger, LogLevel, parseLevel } from '../util/logger.ts'
import type { Context } from './command.ts'

interface Daemon {
  start(): Promise<void>
  close(): Promise<void>
}

/** Runs a daemon until the process is told to stop, then closes it properly. */
export async function runDaemon(daemon: Daemon, signal: AbortSignal): Promise<void> {
  try {
    await daemon.start()
    await aborted(signal)
  } finally {
    await daemon.close()
  }
}

/** A logger that writes to the command's stderr. */
export function daemonLogger(prefix: string, level: string, { stderr }: Pick<Context, 'stderr'>): Logger {
  return new Logger({
    prefix,
    level: parseLevel(level) ?? LogLevel.info,
    write: line => void stderr.write(line),
  })
}

/** Resolves when the signal is aborted, at once when it already is. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
