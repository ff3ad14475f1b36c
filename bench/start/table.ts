import { ratio, table } from '../table.ts'
import type { StartLine } from './lines.ts'
import type { StartResult } from './measure.ts'

export function startTable(results: readonly StartResult[]): string {
  const rows = results.map(({ line, ours, node }) => [
    `${line.what} (\`${line.name}\`)`,
    aim(line),
    milliseconds(ours),
    milliseconds(node),
    ratio(ours, node),
  ])
  return table(['start', 'aim', 'ours', '`node -e 0`', 'ratio'], rows)
}

function aim({ aim }: StartLine): string {
  return 'ms' in aim ? `< ${milliseconds(aim.ms)}` : `< ${aim.times} times`
}

function milliseconds(value: number): string {
  return `${Math.round(value)} ms`
}
