/** Which rows a table shows, and in which order. */

export interface Sort {
  column: string
  descending: boolean
}

export type SortValue = string | number | boolean | null

const natural = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** `-depth`: how a table's order stands in the address. */
export function sortText(sort: Sort): string {
  return `${sort.descending ? '-' : ''}${sort.column}`
}

/** Undefined when `text` names none of `columns`. */
export function parseSort(text: string | null, columns: readonly string[]): Sort | undefined {
  if (text === null) return undefined
  const descending = text.startsWith('-')
  const column = descending ? text.slice(1) : text
  return columns.includes(column) ? { column, descending } : undefined
}

/** Names as people count (`t-2` before `t-10`); what is not known is last, however it is sorted. */
export function compareValues(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0)
  const order =
    typeof a === 'string' && typeof b === 'string'
      ? natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
      : Number(a) - Number(b)
  return descending ? -order : order
}

/** Sorted; rows that are equal by the column are sorted by their key. */
export function sortRows<Row>(
  rows: readonly Row[],
  descending: boolean,
  value: (row: Row) => SortValue,
  key: (row: Row) => string,
): Row[] {
  return [...rows].sort(
    (a, b) => compareValues(value(a), value(b), descending) || compareValues(key(a), key(b), false),
  )
}

/**
 * In the order of before, for a reader who is about to press one of them: `keys` are those shown. New rows come last,
 * in the order that they have.
 */
export function holdOrder<Row>(
  rows: readonly Row[],
  keys: readonly string[],
  key: (row: Row) => string,
): Row[] {
  const places = new Map(keys.map((name, place) => [name, place]))
  const place = (row: Row) => places.get(key(row)) ?? Number.MAX_SAFE_INTEGER
  return [...rows].sort((a, b) => place(a) - place(b))
}

/** Whether `text` has every word of the filter, in any case. */
export function matches(text: string, filter: string): boolean {
  const lower = text.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every(word => lower.includes(word))
}
