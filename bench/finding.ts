import { megabytes, milliseconds, rate, table } from './table.ts'

/** What was measured of a line, beside its aims. A line may have several: a latency's p99 and p99.9, say. */
export interface Finding {
  /** The line's name. */
  readonly name: string
  readonly what: string
  /** `rate`: messages a second. `time`: ms. `memory`: bytes. Of a rate more is better, of the others less. */
  readonly unit: 'rate' | 'time' | 'memory'
  readonly ours: number
  /** The official tool or daemon, nsqjs, or whatever else does the same. */
  readonly peer?: number | undefined
  /** The least that a program on this machine could do for the same: bare node:net, a bare file. */
  readonly ceiling?: number | undefined
  readonly aims?: Aims | undefined
}

export interface Aims {
  /** In the finding's unit: at least, of a rate; at most, of time and memory. */
  readonly ours?: number | undefined
  /** At least so many times as fast as the peer. */
  readonly ofPeer?: number | undefined
  /** At least so many times as fast as the ceiling; 0.5 is half as fast, or twice the time. */
  readonly ofCeiling?: number | undefined
}

const FORMATS = { rate, time: milliseconds, memory: megabytes }

/** How many times as fast ours is: 0.5 is half as fast. Of memory: how many times as frugal. */
export function timesAsFast({ unit, ours }: Finding, other: number | undefined): number | undefined {
  if (other === undefined) return undefined
  return unit === 'rate' ? ours / other : other / ours
}

/** Whether every aim is met; undefined when there is none that was measured. */
export function isMet(finding: Finding): boolean | undefined {
  const { aims = {}, ours, unit } = finding
  const checks: boolean[] = []
  if (aims.ours !== undefined) checks.push(unit === 'rate' ? ours >= aims.ours : ours <= aims.ours)
  for (const [aim, other] of [
    [aims.ofPeer, finding.peer],
    [aims.ofCeiling, finding.ceiling],
  ] as const) {
    const times = timesAsFast(finding, other)
    if (aim !== undefined && times !== undefined) checks.push(times >= aim)
  }
  return checks.length === 0 ? undefined : checks.every(Boolean)
}

/** One row for each finding, as a Markdown table: what everything came to. */
export function findingsTable(findings: readonly Finding[]): string {
  if (findings.length === 0) return ''
  const head = ['line', 'aim', 'ours', 'ceiling', 'ours / ceiling', 'peer', 'ours / peer', 'met']
  const rows = findings.map(finding => {
    const { name, what, unit, ours, ceiling, peer } = finding
    const format = FORMATS[unit]
    const met = isMet(finding)
    return [
      `${what} (\`${name}\`)`,
      aimOf(finding),
      format(ours),
      format(ceiling),
      times(timesAsFast(finding, ceiling)),
      format(peer),
      times(timesAsFast(finding, peer)),
      met === undefined ? '' : met ? 'yes' : 'no',
    ]
  })
  return table(head, rows)
}

function aimOf({ aims = {}, unit }: Finding): string {
  const parts: string[] = []
  if (aims.ours !== undefined) parts.push(`${unit === 'rate' ? '≥' : '≤'} ${FORMATS[unit](aims.ours)}`)
  if (aims.ofCeiling !== undefined) parts.push(`≥ ${times(aims.ofCeiling)} of ceiling`)
  if (aims.ofPeer !== undefined) parts.push(`≥ ${times(aims.ofPeer)} × peer`)
  return parts.join(', ')
}

function times(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2)
}
