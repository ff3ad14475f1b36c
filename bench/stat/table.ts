import { table } from '../table.ts'
import type { StatResult } from './measure.ts'

export function statTable(results: readonly StatResult[]): string {
  const head = ['refresh', 'aim', 'ours', 'answering', 'reading', 'sums', 'drawing', 'an answer', 'nsqd CPU']
  const rows = results.map(({ line, median: of, answerBytes }) => [
    `${line.what} (\`${line.name}\`)`,
    `< ${milliseconds(line.aimMs)}`,
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

function milliseconds(value: number): string {
  return `${Math.round(value)} ms`
}
