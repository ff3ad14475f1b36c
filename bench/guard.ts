/** Keeps what was gained: a line that falls far below what it used to be, as a part of the ceiling, is a regression. */
import { type Finding, timesAsFast } from './finding.ts'

/**
 * Times as fast as the ceiling, by line: about half of what was measured, because machines differ and rounds are short.
 * The lines that are measured with `--quick`.
 */
const FLOORS: Readonly<Record<string, number>> = {
  'mpub-process': 0.15,
  'pub-pipelined-process': 0.15,
  'pub-1-process': 0.35,
  'sub-1': 0.12,
  'client-consume': 0.08,
  'archive-lines': 0.18,
  'start-version': 0.45,
}

export const GUARDED: readonly string[] = Object.keys(FLOORS)

/** Those that are below what they must be. */
export function regressions(findings: readonly Finding[]): Finding[] {
  return findings.filter(finding => {
    const times = timesAsFast(finding, finding.ceiling)
    const floor = FLOORS[finding.name]
    return times !== undefined && floor !== undefined && times < floor
  })
}

export function describe(finding: Finding): string {
  const times = timesAsFast(finding, finding.ceiling)?.toFixed(2)
  return `${finding.name}: ${times} of its ceiling, and must be ${FLOORS[finding.name]}`
}
