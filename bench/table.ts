import type { LineResult } from './measure.ts'

/** The rates, as a Markdown table. The peer's columns are there when one was measured. */
export function rateTable(results: readonly LineResult[]): string {
  const timed = results.filter(({ line }) => line.load.kind !== 'idle')
  if (timed.length === 0) return ''
  const withPeer = timed.some(({ peer }) => peer !== undefined)
  const head = ['line', 'aim', 'ours', 'ceiling', 'ours / ceiling', 'with file', 'nsqd CPU', 'load CPU']
  if (withPeer) head.push('peer', 'ours / peer')
  const rows = timed.map(({ line, ours, peer, ceiling, file }) => {
    const cells = [
      `${line.what} (\`${line.name}\`)`,
      line.aim === undefined ? '' : rate(line.aim),
      rate(ours.median.rate),
      rate(ceiling.median.rate),
      ratio(ours.median.rate, ceiling.median.rate),
      rate(file?.median.rate),
      microseconds(ours.median.daemonNs),
      microseconds(ours.median.loadNs),
    ]
    if (withPeer) cells.push(rate(peer?.median.rate), ratio(ours.median.rate, peer?.median.rate))
    return cells
  })
  return table(head, rows)
}

/** Resident memory at its highest, of the lines that are about it. */
export function memoryTable(results: readonly LineResult[]): string {
  const about = results.filter(({ line }) => line.memoryAim !== undefined)
  if (about.length === 0) return ''
  const withPeer = about.some(({ peer }) => peer !== undefined)
  const head = ['nsqd, resident', 'aim', 'ours']
  if (withPeer) head.push('peer')
  const rows = about.map(({ line, ours, peer }) => {
    const cells = [
      `${line.what} (\`${line.name}\`)`,
      `< ${megabytes(line.memoryAim)}`,
      megabytes(ours.peakRss),
    ]
    if (withPeer) cells.push(megabytes(peer?.peakRss))
    return cells
  })
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
