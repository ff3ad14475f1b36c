import type { Cell, CellStyle, Column } from './columns.ts'
import { fit, type Fitted, GAP, shorten } from '../fit.ts'
import type { Numbers, Row } from './report.ts'
import type { Sort } from './sort.ts'

/** Cells of a table, laid out in columns. */
export interface Sheet {
  readonly columns: readonly Fitted<Column>[]
  /** The head, the rows, and the totals. */
  readonly lines: readonly (readonly Cell[])[]
}

/** Keeps the widths that columns once had, so that they do not move with every figure that comes and goes. */
export type Widths = Map<string, number>

export interface SheetOptions {
  readonly columns: readonly Column[]
  readonly style: CellStyle
  /** Of a line, in characters. */
  readonly room: number
  readonly widths: Widths
  /** Its column is pointed out. */
  readonly sort: Sort | undefined
}

export function layOut(rows: readonly Row[], totals: Numbers, options: SheetOptions): Sheet {
  const { columns, style, room, widths, sort } = options
  const { bold, cyan } = style.painter
  const lines: Cell[][] = [
    columns.map(column => ({
      text: column.head,
      paint: column.sort !== undefined && column.sort === sort ? text => bold(cyan(text)) : bold,
    })),
    ...rows.map(row => columns.map(({ cell }) => cell(row, style))),
    columns.map(({ total }, index) => {
      if (index === 0) return { text: 'TOTAL', paint: bold }
      return total?.(totals, style) ?? { text: style.isPlain ? '-' : '' }
    }),
  ]
  const natural = columns.map(({ head }, index) => {
    let width = widths.get(head) ?? 0
    for (const line of lines) width = Math.max(width, line[index]?.text.length ?? 0)
    widths.set(head, width)
    return width
  })
  const fitted = fit(columns, natural, room)
  const places = fitted.map(({ column }) => columns.indexOf(column))
  return {
    columns: fitted,
    lines: lines.map(line =>
      fitted.map(({ width }, index) => {
        const { text, paint } = line[places[index] ?? 0] ?? { text: '' }
        return { text: shorten(text, width, style.glyphs.ellipsis), paint }
      }),
    ),
  }
}

const SIDES = ['top', 'bottom', 'left', 'right', 'mid'].flatMap(side => [
  side,
  `${side}-mid`,
  `${side}-left`,
  `${side}-right`,
])
const ONLY_GAPS = { ...Object.fromEntries(SIDES.map(name => [name, ''])), middle: ' '.repeat(GAP) }

/** The lines of a table on a screen. */
export type DrawTable = (sheet: Sheet) => readonly string[]

export async function loadTable(): Promise<DrawTable> {
  const { default: Table } = await import('cli-table3')
  return ({ columns, lines }) => {
    const table = new Table({
      chars: ONLY_GAPS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
      colWidths: columns.map(({ width }) => width),
      colAligns: columns.map(({ column }) => column.align),
    })
    for (const line of lines) table.push(line.map(({ text, paint }) => paint?.(text) ?? text))
    return table.toString().split('\n')
  }
}

/** The same, however many lines there are: cli-table3 takes a second for each few thousand. */
export function printTable({ columns, lines }: Sheet): string {
  return lines
    .map(line => {
      const cells = line.map(({ text, paint }, index) => {
        const { width = 0, column } = columns[index] ?? {}
        const blank = ' '.repeat(Math.max(0, width - text.length))
        const painted = paint?.(text) ?? text
        return column?.align === 'right' ? blank + painted : painted + blank
      })
      return `${cells.join(' '.repeat(GAP)).trimEnd()}\n`
    })
    .join('')
}
