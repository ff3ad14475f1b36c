import type { Finding } from '../finding.ts'
import type { StartResult } from './measure.ts'

export function startFindings({ line, ours, node }: StartResult): Finding[] {
  const { name, what, aims } = line
  return [{ name, what, unit: 'time', ours, ceiling: node, aims }]
}
