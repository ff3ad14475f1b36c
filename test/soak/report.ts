import type { SoakResult } from './soak.ts'

/** For people: what went through, a line for each quantity, and what was wrong. */
export function report(result: SoakResult): string {
  const { published, failed, deliveries, repeated, restarts, late, samples, problems, grown } = result
  const lines = [
    `${published} messages acknowledged, ${failed} refused, ${deliveries} delivered, ${repeated} of them again`,
    `${restarts} restarts, ${late} FINs too late, ${samples} samples`,
    '',
    row('', 'first third', 'last third', 'most'),
    ...result.verdicts.map(({ name, unit, verdict: { first, last, most } }) =>
      row(unit === '' ? name : `${name}, ${unit}`, ...[first, last, most].map(value => value.toFixed(1))),
    ),
    '',
    problems.length === 0 ? 'nothing lost' : ['FAILED', ...problems].join('\n'),
    grown.length === 0 ? 'nothing grown' : grown.join('\n'),
  ]
  return `${lines.join('\n')}\n`
}

function row(name: string, ...cells: readonly string[]): string {
  return [name.padEnd(30), ...cells.map(cell => cell.padStart(12))].join('')
}
