import { microseconds, rate, ratio, table } from '../table.ts'
import type { ClientResult } from './measure.ts'

/** A table for each line: what each contestant did, and what that is in relation to the one compared with. */
export function clientTables(results: readonly ClientResult[]): string[] {
  return results.map(result => {
    const { line } = result
    const base = baseOf(result)
    const aim = line.aim === undefined ? '' : `, aim ${line.aim}`
    const head = [`${line.what} (\`${line.name}\`)`, 'messages', `ratio${aim}`, 'client CPU', 'nsqd CPU']
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
