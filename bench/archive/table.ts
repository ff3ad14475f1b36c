import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { ArchiveMemoryResult, ArchiveResult } from './measure.ts'

const NAMES = { ours: 'ours', official: 'official nsq_to_file', bare: 'ceiling' }
/** Of messages in flight: what the aim is about. */
const AIMED_AT = 1000

/** A table for each line: what each did with so many messages in flight. */
export function archiveTables(results: readonly ArchiveResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const ceilings = new Map(
      outcomes.flatMap(({ setting, outcome }) =>
        setting.archive === 'bare' ? [[setting.maxInFlight, outcome.median.rate]] : [],
      ),
    )
    const head = [
      `${line.what} (\`${line.name}\`)`,
      'aim',
      'messages',
      'of ceiling',
      'archive CPU',
      'nsqd CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting: { archive, maxInFlight }, outcome: { median, peakRss } }) => [
      `${NAMES[archive]}, ${maxInFlight} in flight`,
      archive === 'ours' && maxInFlight === AIMED_AT && line.aim !== undefined ? rate(line.aim) : '',
      rate(median.rate),
      archive === 'bare' ? '' : ratio(median.rate, ceilings.get(maxInFlight)),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}

export function archiveMemoryTable(results: readonly ArchiveMemoryResult[]): string {
  const head = ['archive, resident', 'rate', '1st tenth', '2nd', '4th', '6th', '8th', 'last', 'highest']
  const rows = results.map(({ line, tenths, peakRss, rate: messages }) => [
    `${line.what} (\`${line.name}\`)`,
    rate(messages),
    ...[0, 1, 3, 5, 7, 9].map(tenth => megabytes(tenths[tenth])),
    megabytes(peakRss),
  ])
  return table(head, rows)
}
