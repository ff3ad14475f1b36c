import type { Output } from '../output.ts'
import { loadPainter } from '../colour.ts'
import { oneLine } from '../escape.ts'

export interface Column<T> {
  readonly head: string
  /** Figures stand on the right. */
  readonly isFigure?: boolean
  readonly cell: (row: T) => string
}

/** Between columns. */
const GAP = '  '

/** Prints rows as columns of text. Whatever daemons have made of the cells, each is on one line. */
export async function printTable<T>(
  stdout: Output,
  columns: readonly Column<T>[],
  rows: readonly T[],
): Promise<void> {
  const { bold } = await loadPainter(stdout.colour)
  const lines = [
    columns.map(({ head }) => head),
    ...rows.map(row => columns.map(({ cell }) => oneLine(cell(row)))),
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map(line => line[index]?.length ?? 0)))
  const texts = lines.map(line =>
    line
      .map((text, index) =>
        columns[index]?.isFigure === true
          ? text.padStart(widths[index] ?? 0)
          : text.padEnd(widths[index] ?? 0),
      )
      .join(GAP)
      .trimEnd(),
  )
  const [head = '', ...rest] = texts
  void stdout.write([bold(head), ...rest, ''].join('\n'))
}
