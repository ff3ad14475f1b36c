import type { Column } from './columns.ts'

/** A column, and how wide it is. */
export interface Fitted {
  readonly column: Column
  readonly width: number
}

/** Between columns. */
export const GAP = 2

/** Less is no name any more. */
const SHORTEST = 3

/**
 * The columns that a line has room for, those of low rank first; names are shortened before a column is left out, and
 * have what room remains.
 *
 * @param natural - how wide each column would like to be
 * @param room - of the line; Infinity for a pipe
 */
export function fit(columns: readonly Column[], natural: readonly number[], room: number): readonly Fitted[] {
  const wanted = columns.map((column, index) => {
    const width = natural[index] ?? 0
    return { column, width, shortest: Math.min(width, column.shortest ?? width) }
  })
  const chosen = new Set<Column>()
  let left = room + GAP
  for (const { column, shortest } of wanted.toSorted((a, b) => a.column.rank - b.column.rank)) {
    if (column.rank > 0 && left < shortest + GAP) break
    chosen.add(column)
    left -= shortest + GAP
  }
  const fitted = wanted.filter(({ column }) => chosen.has(column))
  return fitted.map(({ column, width, shortest }) => {
    if (column.shortest === undefined) return { column, width }
    // Negative where even the shortest names are too long.
    const given = Math.max(SHORTEST - shortest, Math.min(left, width - shortest))
    left -= given
    return { column, width: shortest + given }
  })
}

/** Takes out of the middle what is too long: names that begin alike often differ in the end. */
export function shorten(text: string, width: number, ellipsis: string): string {
  if (text.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return text.slice(0, width - 1 - tail) + ellipsis + text.slice(text.length - tail)
}
