import type { Finding } from '../finding.ts'
import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { MirrorSetting } from './lines.ts'
import type { MirrorResult } from './measure.ts'

const NAMES = { ours: 'ours', official: 'official nsq_to_nsq', bare: 'ceiling' }
/** Of messages in flight: our default, which the aim is about. */
const AIMED_AT = 2500

/** With as many in flight as by default. */
export function mirrorFindings({ line, outcomes }: MirrorResult): Finding[] {
  const rateOf = (mirror: MirrorSetting['mirror']): number | undefined =>
    outcomes.find(({ setting }) => setting.mirror === mirror && setting.maxInFlight === AIMED_AT)?.outcome
      .median.rate
  const { name, what, aims } = line
  const ours = rateOf('ours') ?? 0
  return [{ name, what, unit: 'rate', ours, peer: rateOf('official'), ceiling: rateOf('bare'), aims }]
}

/** A table for each line: what each did with so many messages in flight. */
export function mirrorTables(results: readonly MirrorResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const ceilings = new Map(
      outcomes.flatMap(({ setting, outcome }) =>
        setting.mirror === 'bare' ? [[setting.maxInFlight, outcome.median.rate]] : [],
      ),
    )
    const head = [
      `${line.what} (\`${line.name}\`)`,
      'messages',
      'of ceiling',
      'mirror CPU',
      'nsqds CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting: { mirror, maxInFlight }, outcome: { median, peakRss } }) => [
      `${NAMES[mirror]}, ${maxInFlight} in flight`,
      rate(median.rate),
      mirror === 'bare' ? '' : ratio(median.rate, ceilings.get(maxInFlight)),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}
