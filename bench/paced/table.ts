import type { Finding } from '../finding.ts'
import { microseconds, milliseconds, table } from '../table.ts'
import type { PacedResult } from './measure.ts'

export function pacedFindings({ line, outcomes: { ours, ceiling, peer } }: PacedResult): Finding[] {
  const { name, what, measure, aims } = line
  return (['p99', 'p999'] as const).map(quantile => ({
    name,
    what: `${what}: ${measure}, ${quantile === 'p99' ? 'p99' : 'p99.9'}`,
    unit: 'time',
    ours: ours[quantile],
    ceiling: ceiling[quantile],
    peer: peer?.[quantile],
    aims: { ours: aims[quantile] },
  }))
}

export function pacedTable(results: readonly PacedResult[]): string {
  const [first] = results
  const head = [
    first?.line.measure ?? '',
    'p50',
    'p99',
    'p99.9',
    'max',
    'publisher p99',
    'server CPU',
    'load CPU',
  ]
  const rows = results.flatMap(({ line, outcomes }) =>
    (['ours', 'ceiling', 'peer'] as const).flatMap(who => {
      const of = outcomes[who]
      if (of === undefined) return []
      const times = [of.p50, of.p99, of.p999, of.max, of.publisher].map(milliseconds)
      return [[`${who} (\`${line.name}\`)`, ...times, microseconds(of.daemonNs), microseconds(of.loadNs)]]
    }),
  )
  return table(head, rows)
}
