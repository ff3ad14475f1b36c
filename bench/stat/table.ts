import type { Finding } from '../finding.ts'
import { milliseconds, table } from '../table.ts'
import type { StatResult } from './measure.ts'

export function statFindings({ line, median }: StatResult): Finding[] {
  const { name, what, aimMs } = line
  return [
    { name, what, unit: 'time', ours: median.refresh, ceiling: median.answering, aims: { ours: aimMs } },
  ]
}

export function statTable(results: readonly StatResult[]): string {
  const head = ['refresh', 'ours', 'answering', 'reading', 'sums', 'drawing', 'an answer', 'nsqd CPU']
  const rows = results.map(({ line, median: of, answerBytes }) => [
    `${line.what} (\`${line.name}\`)`,
    milliseconds(of.refresh),
    milliseconds(of.answering),
    milliseconds(of.reading),
    milliseconds(of.reporting),
    milliseconds(of.drawing),
    `${(answerBytes / 1e6).toFixed(1)} MB`,
    milliseconds(of.nsqdCpu),
  ])
  return table(head, rows)
}
