import { readFileSync } from 'node:fs'

/**
 * Tells a process from a later one that has its number, as after a reboot or in a container, where the first process
 * always has number 1.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** See `startOf`. Null where the system does not tell. */
  readonly started: string | null
}

/** Stands for the start of a process that has ended. */
const DEAD = 'dead'

/**
 * When a process started, as text that no other process with its number has: the boot and the clock tick, from
 *
 *     /proc/PID/stat: 1234 (name) S 1 1234 … starttime is the 20th field after the closing parenthesis
 */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Ended, but not yet waited for by its parent.
    if (fields[0] === 'Z' || fields[0] === 'X') return DEAD
    const tick = fields[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return tick === undefined ? null : `${boot} ${tick}`
  } catch {
    return null
  }
}

/** Whether this very process still runs. One that has our own number is us only if the system can tell. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  if (pid === process.pid && (started === null || started !== startOf(pid))) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const actual = startOf(pid)
  if (actual === DEAD) return false
  return started === null || actual === null || started === actual
}
