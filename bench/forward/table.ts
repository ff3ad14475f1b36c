import type { Finding } from '../finding.ts'
import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { ForwardSetting } from './lines.ts'
import type { ForwardResult } from './measure.ts'

const NAMES = { ours: 'ours', official: 'official nsq_to_http', bare: 'ceiling' }

export function forwardFindings({ line, outcomes }: ForwardResult): Finding[] {
  const rateOf = (forward: ForwardSetting['forward']): number | undefined =>
    outcomes.find(({ setting }) => setting.forward === forward)?.outcome.median.rate
  const { name, what, aims } = line
  const ours = rateOf('ours') ?? 0
  return [{ name, what, unit: 'rate', ours, peer: rateOf('official'), ceiling: rateOf('bare'), aims }]
}

/** A table for each line. */
export function forwardTables(results: readonly ForwardResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const ceiling = outcomes.find(({ setting }) => setting.forward === 'bare')?.outcome.median.rate
    const head = [
      `${line.what} (\`${line.name}\`)`,
      'messages',
      'of ceiling',
      'forward CPU',
      'nsqd CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting: { forward }, outcome: { median, peakRss } }) => [
      NAMES[forward],
      rate(median.rate),
      forward === 'bare' ? '' : ratio(median.rate, ceiling),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}
