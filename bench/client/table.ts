import type { Finding } from '../finding.ts'
import { microseconds, rate, ratio, table } from '../table.ts'
import type { ClientResult, ClientSetting } from './measure.ts'

/** The best of ours beside the best of nsqjs, and the best ceiling. */
export function clientFindings({ line, outcomes }: ClientResult): Finding[] {
  if (line.against !== 'nsqjs') return []
  const best = (client: ClientSetting['client']): number | undefined => {
    const rates = outcomes.flatMap(({ setting, outcome: { median } }) =>
      setting.client === client ? [median.rate] : [],
    )
    return rates.length === 0 ? undefined : Math.max(...rates)
  }
  const { name, what, aims } = line
  const ours = best('ours') ?? 0
  return [{ name, what, unit: 'rate', ours, peer: best('nsqjs'), ceiling: best('bare'), aims }]
}

/** A table for each line: what each contestant did, and what that is in relation to the one compared with. */
export function clientTables(results: readonly ClientResult[]): string[] {
  return results.map(result => {
    const { line } = result
    const base = baseOf(result)
    const head = [`${line.what} (\`${line.name}\`)`, 'messages', 'ratio', 'client CPU', 'nsqd CPU']
    const rows = result.outcomes.map(({ setting, outcome: { median } }) => [
      setting.name,
      rate(median.rate),
      ratio(median.rate, base),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
    ])
    return table(head, rows)
  })
}

/** The rate that all others are compared with. */
function baseOf({ line, outcomes }: ClientResult): number {
  const first = outcomes[0]?.outcome.median.rate ?? 0
  if (line.against === 'first') return first
  return Math.max(
    ...outcomes.filter(({ setting }) => setting.client === 'nsqjs').map(({ outcome }) => outcome.median.rate),
  )
}
