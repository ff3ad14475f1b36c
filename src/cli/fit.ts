/** What a column of a table may do when there is no room for all. */
export interface Fittable {
  /** Those with low numbers are shown; all with 0. */
  readonly rank: number
  /** For a name: it may be shortened to so many characters, and has more before columns of a high rank are shown. */
  readonly shortest?: number
  readonly usual?: number
}

/** A column, and how wide it is. */
export interface Fitted<C extends Fittable> {
  readonly column: C
  readonly width: number
}

/** Between columns. */
export const GAP = 2

/** Less is no name any more. */
const SHORTEST = 3

/** Columns of a higher rank are shown where names have the room that they should have. */
const LAST_BEFORE_NAMES = 4

/**
 * The columns that a line has room for, those of low rank first. Names are shortened for the most telling ones, and have
 * what room remains.
 *
 * @param natural - how wide each column would like to be
 * @param room - of the line; Infinity for a pipe
 */
export function fit<C extends Fittable>(
  columns: readonly C[],
  natural: readonly number[],
  room: number,
): readonly Fitted<C>[] {
  const widths = new Map<C, number>()
  let left = room + GAP
  const wanted = columns.map((column, index) => ({ column, width: natural[index] ?? 0 }))
  const names = wanted.filter(({ column }) => column.shortest !== undefined)
  const take = (limit: (column: C) => number): void => {
    left = widen(names, widths, left, limit)
  }
  for (const { column, width } of wanted.toSorted((a, b) => a.column.rank - b.column.rank)) {
    if (column.rank > LAST_BEFORE_NAMES) take(({ usual = 0 }) => usual)
    const least = Math.min(width, column.shortest ?? width)
    if (column.rank > 0 && left < least + GAP) break
    widths.set(column, least)
    left -= least + GAP
  }
  take(() => Infinity)
  // Where even the shortest names are too long.
  for (const { column } of names) {
    const width = widths.get(column) ?? 0
    const cut = Math.min(Math.max(0, -left), Math.max(0, width - SHORTEST))
    widths.set(column, width - cut)
    left += cut
  }
  return wanted
    .filter(({ column }) => widths.has(column))
    .map(({ column }) => ({ column, width: widths.get(column) ?? 0 }))
}

/** Gives names room, each a character in turn, up to a limit and to what they need; returns what is left. */
function widen<C>(
  names: readonly { readonly column: C; readonly width: number }[],
  widths: Map<C, number>,
  room: number,
  limit: (column: C) => number,
): number {
  let left = room
  for (let gave = true; gave && left > 0;) {
    gave = false
    for (const { column, width } of names) {
      const now = widths.get(column)
      if (left <= 0 || now === undefined || now >= Math.min(width, limit(column))) continue
      widths.set(column, now + 1)
      left--
      gave = true
    }
  }
  return left
}

/** Takes out of the middle what is too long: names that begin alike often differ in the end. */
export function shorten(text: string, width: number, ellipsis: string): string {
  if (text.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return text.slice(0, width - 1 - tail) + ellipsis + text.slice(text.length - tail)
}
