/** Of a long list of rows of one height, those that are to be drawn: the ones in sight and a few on either side. */
export interface Range {
  first: number
  /** One after the last. */
  end: number
}

/** Shorter lists are drawn whole, so that the browser's own search finds everything. */
const WHOLE = 120
const MARGIN = 12

export function visibleRange(count: number, rowHeight: number, scrollTop: number, height: number): Range {
  if (count <= WHOLE) return { first: 0, end: count }
  // By blocks, so that not every pixel of scrolling draws again.
  const inSight = Math.floor(scrollTop / rowHeight / MARGIN) * MARGIN
  const first = Math.max(0, Math.min(inSight, count) - MARGIN)
  const end = Math.min(count, inSight + Math.ceil(height / rowHeight) + 2 * MARGIN)
  return { first, end }
}
