import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { ForwardResult } from './measure.ts'

const NAMES = { ours: 'ours', official: 'official nsq_to_http', bare: 'ceiling' }

/** A table for each line. */
export function forwardTables(results: readonly ForwardResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const ceiling = outcomes.find(({ setting }) => setting.forward === 'bare')?.outcome.median.rate
    const head = [
      `${line.what} (\`${line.name}\`)`,
      'aim',
      'messages',
      'of ceiling',
      'forward CPU',
      'nsqd CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting: { forward }, outcome: { median, peakRss } }) => [
      NAMES[forward],
      forward === 'ours' && line.aim !== undefined ? rate(line.aim) : '',
      rate(median.rate),
      forward === 'bare' ? '' : ratio(median.rate, ceiling),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}
