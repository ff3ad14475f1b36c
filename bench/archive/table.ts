import type { Finding } from '../finding.ts'
import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { ArchiveSetting } from './lines.ts'
import type { ArchiveMemoryResult, ArchiveResult } from './measure.ts'

const NAMES = { ours: 'ours', official: 'official nsq_to_file', bare: 'ceiling' }
/** Of messages in flight: what the aim is about. */
const AIMED_AT = 1000

/** With 1000 in flight. */
export function archiveFindings({ line, outcomes }: ArchiveResult): Finding[] {
  const rateOf = (archive: ArchiveSetting['archive']): number | undefined =>
    outcomes.find(({ setting }) => setting.archive === archive && setting.maxInFlight === AIMED_AT)?.outcome
      .median.rate
  const { name, what, aims } = line
  const ours = rateOf('ours') ?? 0
  return [{ name, what, unit: 'rate', ours, peer: rateOf('official'), ceiling: rateOf('bare'), aims }]
}

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
      'messages',
      'of ceiling',
      'archive CPU',
      'nsqd CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting: { archive, maxInFlight }, outcome: { median, peakRss } }) => [
      `${NAMES[archive]}, ${maxInFlight} in flight`,
      rate(median.rate),
      archive === 'bare' ? '' : ratio(median.rate, ceilings.get(maxInFlight)),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}

export function archiveMemoryFindings({ line, peakRss }: ArchiveMemoryResult): Finding[] {
  const { name, what } = line
  return [{ name, what: `${what}: resident`, unit: 'memory', ours: peakRss }]
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
