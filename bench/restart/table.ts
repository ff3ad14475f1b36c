import type { Finding } from '../finding.ts'
import { megabytes, milliseconds, table } from '../table.ts'
import type { RestartResult } from './measure.ts'

export function restartFindings({ line, backlogs, bare }: RestartResult): Finding[] {
  const { name, what, aims } = line
  const [first] = backlogs
  if (first === undefined) return []
  const { ours, peer } = first
  return [{ name, what, unit: 'time', ours: ours.ready, peer: peer?.ready, ceiling: bare, aims }]
}

/** How it grows with what waits. */
export function restartTable(results: readonly RestartResult[]): string {
  const head = ['nsqd again', 'stop', 'ready', 'processor time', 'resident', 'peer', 'peer: resident']
  const rows = results.flatMap(({ line, backlogs, bare }) => [
    ...backlogs.map(({ backlog, ours, peer }) => [
      `${backlog.what} (\`${line.name}\`)`,
      milliseconds(ours.stopped),
      milliseconds(ours.ready),
      milliseconds(ours.cpuSeconds * 1000),
      megabytes(ours.peakRss),
      milliseconds(peer?.ready),
      megabytes(peer?.peakRss),
    ]),
    [`a bare program listens (\`${line.name}\`)`, '', milliseconds(bare), '', '', '', ''],
  ])
  return table(head, rows)
}
