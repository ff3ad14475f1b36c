/** What Linux says of a process. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** User and system time so far, of all threads, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // Behind the name, which may hold anything: state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicks()
}

/** Resident memory at its highest, in bytes. */
export function peakRssOf(pid: number): number {
  return memoryOf(pid, 'VmHWM')
}

/** Resident memory now, in bytes. */
export function rssOf(pid: number): number {
  return memoryOf(pid, 'VmRSS')
}

function memoryOf(pid: number, what: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
}

let ticks: number | undefined

function clockTicks(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'latin1' }))
  return ticks
}
