import type { Finding } from '../finding.ts'
import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { GrowthLine } from './lines.ts'
import type { GrowthResult } from './measure.ts'

const HEADS: Record<GrowthLine['kind'], string> = {
  backlog: 'messages in the backlog',
  channels: 'messages in each of 10 other channels',
  deferred: 'deferred messages',
}

export function growthFindings({ line, outcomes }: GrowthResult): Finding[] {
  const { name, what, aims } = line
  const ours = outcomes.at(-1)?.outcome.median.rate ?? 0
  return [{ name, what, unit: 'rate', ours, ceiling: outcomes[0]?.outcome.median.rate, aims }]
}

/** A table for each line, with all sizes. */
export function growthTables(results: readonly GrowthResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const smallest = outcomes[0]?.outcome.median.rate
    const head = [
      `${HEADS[line.kind]} (\`${line.name}\`)`,
      'messages',
      'of the smallest',
      'nsqd CPU',
      'to publish',
      'to consume',
      'resident',
    ]
    const rows = outcomes.map(({ size, outcome: { median, peakRss }, publishNs, consumeNs }) => [
      size.toLocaleString('en'),
      rate(median.rate),
      ratio(median.rate, smallest),
      microseconds(median.daemonNs),
      microseconds(publishNs),
      microseconds(consumeNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}
