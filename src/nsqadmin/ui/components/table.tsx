import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { usePlace, useQuery } from '../navigation.ts'
import { useMedia } from '../use-media.ts'
import { holdOrder, parseSort, sortRows, sortText, type Sort, type SortValue } from '../sort.ts'
import { visibleRange } from '../window.ts'
import { Icon } from './icon.tsx'

export interface Column<Row> {
  id: string
  title: string
  /** What the title means, shown when one points at it. */
  hint?: string
  /** What it is sorted by; without, it cannot be. */
  value?: (row: Row) => SortValue
  cell: (row: Row) => ComponentChildren
  /** Words, from the left; a number is aligned right, and sorted from the largest. */
  text?: boolean
  /** Pixels; the first column takes what is left. */
  width?: number
  /** In a narrow window. */
  narrow?: number
}

interface TableProps<Row> {
  label: string
  /** The first names the row: it stays in sight when the others are scrolled sideways. */
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  sort: Sort
  /** The name of the order in the address; one of its own for each table of a page. */
  query?: string
  /** In place of rows. */
  empty: ComponentChildren
  /** As high as the window lets it be, rather than a part of the page. */
  fill?: boolean
  /** Of the first column, in pixels. */
  firstWidth?: number
}

const NARROW_FIRST = 156

/** How far each table was scrolled, for those who come back to it. */
const scrolled = new Map<string, number>()

export function Table<Row>({
  label,
  columns,
  rows,
  rowKey,
  sort: usual,
  query = 'sort',
  empty,
  fill = false,
  firstWidth = 200,
}: TableProps<Row>) {
  const [sortQuery, setSort] = useQuery(query)
  const sort =
    parseSort(
      sortQuery,
      columns.filter(each => each.value).map(each => each.id),
    ) ?? usual
  const ordered = useOrder(columns, rows, rowKey, sort)
  const { range, rowHeight, container, onScroll } = useWindow(`${location.pathname} ${label}`, rows.length)

  const choose = (column: Column<Row>) => {
    const descending = sort.column === column.id ? !sort.descending : !column.text
    setSort(sortText({ column: column.id, descending }))
  }

  const isNarrow = useMedia('(width <= 640px)')
  const widths = columns.map((column, i) => {
    if (i === 0) return isNarrow ? Math.min(firstWidth, NARROW_FIRST) : firstWidth
    return (isNarrow ? column.narrow : undefined) ?? column.width ?? 96
  })
  const width = widths.reduce((sum, each) => sum + each, 0)
  const windowed = range.end - range.first < rows.length
  return (
    <div
      class={`table-scroll ${fill ? 'fill' : ''}`}
      ref={container}
      onScroll={onScroll}
      role="region"
      aria-label={label}
      tabIndex={0}
    >
      <table style={{ minWidth: `${width}px` }} aria-rowcount={windowed ? rows.length + 1 : undefined}>
        <colgroup>
          {columns.map((column, i) => (
            <col key={column.id} style={i === 0 ? undefined : { width: `${widths[i] ?? 96}px` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={windowed ? 1 : undefined}>
            {columns.map(column => (
              <Header key={column.id} column={column} sort={sort} onChoose={() => choose(column)} />
            ))}
          </tr>
        </thead>
        <tbody {...ordered.handlers}>
          {rows.length === 0 && (
            <tr class="empty-row">
              <td colSpan={columns.length}>
                <div class="empty">{empty}</div>
              </td>
            </tr>
          )}
          <Spacer rows={range.first} height={rowHeight} />
          {ordered.rows.slice(range.first, range.end).map((row, i) => (
            <tr key={rowKey(row)} aria-rowindex={windowed ? range.first + i + 2 : undefined}>
              {columns.map((column, place) =>
                place === 0 ? (
                  <th key={column.id} scope="row" class={column.text ? 'text' : ''}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} class={column.text ? 'text' : ''}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
          <Spacer rows={rows.length - range.end} height={rowHeight} />
        </tbody>
      </table>
    </div>
  )
}

interface HeaderProps<Row> {
  column: Column<Row>
  sort: Sort
  onChoose: () => void
}

function Header<Row>({ column, sort, onChoose }: HeaderProps<Row>) {
  const name = column.text ? 'text' : ''
  if (!column.value) {
    return (
      <th scope="col" class={name} title={column.hint}>
        <span class="head-text">{column.title}</span>
      </th>
    )
  }
  const sorted = sort.column === column.id
  const order = sorted ? (sort.descending ? 'descending' : 'ascending') : undefined
  return (
    <th scope="col" class={name} aria-sort={order} title={column.hint}>
      <button type="button" class="head-button" onClick={onChoose}>
        <span>{column.title}</span>
        <span class={`order ${sorted ? 'shown' : ''}`}>
          <Icon name={sorted && !sort.descending ? 'up' : 'down'} />
        </span>
      </button>
    </th>
  )
}

/** Rows that are not drawn. */
function Spacer({ rows, height }: { rows: number; height: number }) {
  if (rows <= 0) return null
  return (
    <tr class="spacer" aria-hidden="true">
      <td style={{ height: `${rows * height}px` }} />
    </tr>
  )
}

/** Sorted anew with each update, but not under the reader's pointer or focus. */
function useOrder<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  rowKey: (row: Row) => string,
  sort: Sort,
) {
  const [held, setHeld] = useState(false)
  const before = useRef<{ sort: string; keys: string[] }>({ sort: '', keys: [] })
  const column = columns.find(each => each.id === sort.column)
  const value = column?.value ?? rowKey
  const same = before.current.sort === sortText(sort)
  const ordered =
    held && same && !column?.text
      ? holdOrder(rows, before.current.keys, rowKey)
      : sortRows(rows, sort.descending, value, rowKey)
  before.current = { sort: sortText(sort), keys: ordered.map(rowKey) }
  const hold = () => setHeld(true)
  const release = () => setHeld(false)
  return {
    rows: ordered,
    handlers: { onMouseEnter: hold, onMouseLeave: release, onFocusIn: hold, onFocusOut: release },
  }
}

function useWindow(memory: string, count: number) {
  const { back } = usePlace()
  const container = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState({ top: 0, height: 1_000, rowHeight: 36 })
  const range = visibleRange(count, seen.rowHeight, seen.top, seen.height)

  const look = () => {
    const element = container.current
    if (!element) return
    const rowHeight = Number.parseInt(getComputedStyle(element).getPropertyValue('--row'), 10) || 36
    const next = { top: element.scrollTop, height: element.clientHeight, rowHeight }
    scrolled.set(memory, next.top)
    const wanted = visibleRange(count, rowHeight, next.top, next.height)
    if (rowHeight !== seen.rowHeight || wanted.first !== range.first || wanted.end !== range.end)
      setSeen(next)
  }
  const latest = useRef(look)
  latest.current = look

  useLayoutEffect(() => {
    const element = container.current
    if (!element) return
    if (back) element.scrollTop = scrolled.get(memory) ?? 0
    const observer = new ResizeObserver(() => latest.current())
    observer.observe(element)
    return () => observer.disconnect()
    // Only when it appears: later the reader scrolls.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [memory])

  return { range, rowHeight: seen.rowHeight, container, onScroll: look }
}
