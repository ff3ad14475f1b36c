import type { Finding } from '../finding.ts'
import { megabytes, microseconds, milliseconds, rate, ratio, table } from '../table.ts'
import type { ToolBy, ToolSetting } from './lines.ts'
import type { ToolOutcome, ToolResult } from './measure.ts'

const OFFICIAL = { pub: 'official to_nsq', tail: 'official nsq_tail' }

export function toolFindings({ line, outcomes }: ToolResult): Finding[] {
  const rateOf = (by: ToolBy): number | undefined =>
    outcomes.find(({ setting }) => setting.by === by)?.outcome.median.rate
  const { name, what, aims } = line
  const ours = rateOf('ours') ?? 0
  return [{ name, what, unit: 'rate', ours, peer: rateOf('official'), ceiling: rateOf('bare'), aims }]
}

/** A table for each line. */
export function toolTables(results: readonly ToolResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const head = [
      `${line.what} (\`${line.name}\`)`,
      'messages',
      'of ceiling',
      'whole command',
      'tool CPU',
      'nsqd CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting, outcome: { median, peakRss }, wholeMs }) => [
      nameOf(setting),
      rate(median.rate),
      setting.by === 'bare' ? '' : ratio(median.rate, ceilingOf(setting, outcomes)),
      milliseconds(wholeMs),
      microseconds(median.loadNs),
      microseconds(median.daemonNs),
      megabytes(peakRss),
    ])
    return table(head, rows)
  })
}

/** The bare one with as many in flight; of pub there is one. */
function ceilingOf(setting: ToolSetting, outcomes: readonly ToolOutcome[]): number | undefined {
  return outcomes.find(
    ({ setting: other }) =>
      other.by === 'bare' &&
      (setting.tool === 'pub' || other.tool === 'pub' || other.maxInFlight === setting.maxInFlight),
  )?.outcome.median.rate
}

function nameOf(setting: ToolSetting): string {
  const { tool, by } = setting
  const who = by === 'official' ? OFFICIAL[tool] : by === 'bare' ? 'ceiling' : by
  return tool === 'pub' ? `${who}, a ${setting.input}` : `${who}, ${setting.maxInFlight} in flight`
}
