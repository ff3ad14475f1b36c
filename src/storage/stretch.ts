import { ordinalAt, type Position } from './position.ts'

/** A part of a log, up to before `to`. */
export interface Stretch {
  readonly from: Position
  readonly to: Position
}

/** One that may go on to what has yet to come, as it has no end. */
export interface OpenStretch {
  readonly from: Position
  readonly to: Position | undefined
}

/** The messages that are in one or the other: in order, apart from each other, none of them empty. */
export function union(a: readonly OpenStretch[], b: readonly OpenStretch[]): OpenStretch[] {
  const joined: OpenStretch[] = []
  const sorted = [...a, ...b].filter(stretch => ordinalAt(stretch.from) < endOf(stretch))
  for (const stretch of sorted.sort((x, y) => ordinalAt(x.from) - ordinalAt(y.from))) {
    const last = joined.at(-1)
    if (last === undefined || endOf(last) < ordinalAt(stretch.from)) joined.push(stretch)
    else if (endOf(last) < endOf(stretch)) joined[joined.length - 1] = { from: last.from, to: stretch.to }
  }
  return joined
}

/** What lies between stretches that are in order and apart. */
export function between(stretches: readonly OpenStretch[]): Stretch[] {
  const gaps: Stretch[] = []
  let end: Position | undefined
  for (const { from, to } of stretches) {
    if (end !== undefined) gaps.push({ from: end, to: from })
    end = to
  }
  return gaps
}

/** How many messages of this stretch have ordinals from `start` on and before `end`. */
export function countWithin(stretch: OpenStretch, start: number, end: number): number {
  return Math.max(0, Math.min(end, endOf(stretch)) - Math.max(start, ordinalAt(stretch.from)))
}

function endOf({ to }: OpenStretch): number {
  return to === undefined ? Infinity : ordinalAt(to)
}
