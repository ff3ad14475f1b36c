import type { LineResult } from './measure.ts'

/** Where the time goes, as a Markdown table. The rates themselves are findings. */
export function processorTable(results: readonly LineResult[]): string {
  const timed = results.filter(({ line }) => line.load.kind !== 'idle')
  if (timed.length === 0) return ''
  const head = [
    'processor time of a message',
    'ours',
    'load',
    'ceiling',
    'its load',
    'with file',
    'file: rate',
  ]
  const rows = timed.map(({ line, ours, ceiling, file }) => [
    `${line.what} (\`${line.name}\`)`,
    microseconds(ours.median.daemonNs),
    microseconds(ours.median.loadNs),
    microseconds(ceiling.median.daemonNs),
    microseconds(ceiling.median.loadNs),
    microseconds(file?.median.daemonNs),
    rate(file?.median.rate),
  ])
  return table(head, rows)
}

/** Messages a second. */
export function rate(value: number | undefined): string {
  if (value === undefined) return ''
  if (value >= 999_500) return `${(value / 1e6).toFixed(2)} M/s`
  if (value >= 9950) return `${Math.round(value / 1000)} k/s`
  return `${(value / 1000).toFixed(1)} k/s`
}

export function ratio(value: number, base: number | undefined): string {
  return base === undefined ? '' : (value / base).toFixed(2)
}

/** Time, given in ms. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined) return ''
  if (value < 1) return `${Math.round(value * 1000)} µs`
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

/** Processor time of a message, given in ns. */
export function microseconds(value: number | undefined): string {
  return value === undefined ? '' : `${(value / 1000).toFixed(2)} µs`
}

export function megabytes(value: number | undefined): string {
  return value === undefined ? '' : `${Math.round(value / 1e6)} MB`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(3, cell.length, ...rows.map(row => row[i]?.length ?? 0)))
  const format = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    )
    return `| ${padded.join(' | ')} |\n`
  }
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return format(head) + format(rule) + rows.map(format).join('')
}
