import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import { oneLine } from '../escape.ts'
import { fit, type Fittable, GAP, shorten } from '../fit.ts'
import { glyphsFor } from '../stat/glyphs.ts'

export interface Column<T> extends Fittable {
  readonly head: string
  /** Figures stand on the right. */
  readonly isFigure?: boolean
  readonly cell: (row: T) => string
}

/** Prints rows as columns of text, no wider than a terminal. Whatever daemons have made of the cells, each is on one line. */
export async function printTable<T>(
  { stdout, env }: Pick<Context, 'stdout' | 'env'>,
  columns: readonly Column<T>[],
  rows: readonly T[],
): Promise<void> {
  const { bold } = await loadPainter(stdout.colour)
  const { ellipsis } = glyphsFor(env)
  const widest = ({ head, cell }: Column<T>): number =>
    Math.max(head.length, ...rows.map(row => oneLine(cell(row)).length))
  const room = stdout.isTerminal ? (stdout.columns ?? Infinity) : Infinity
  const fitted = fit(columns, columns.map(widest), room)
  const line = (text: (column: Column<T>) => string): string =>
    fitted
      .map(({ column, width }) => {
        const shown = shorten(oneLine(text(column)), width, ellipsis)
        return column.isFigure === true ? shown.padStart(width) : shown.padEnd(width)
      })
      .join(' '.repeat(GAP))
      .trimEnd()
  const lines = [bold(line(({ head }) => head)), ...rows.map(row => line(({ cell }) => cell(row)))]
  void stdout.write(`${lines.join('\n')}\n`)
}
