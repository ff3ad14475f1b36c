/** Which lines of JSON are folded away. A fold is known by the line that opens the container. */
import type { JsonLine } from './json-lines.ts'

/** Line numbers of those to show. Of a folded container that is the line that opens it. */
export function unfoldedLines(lines: readonly JsonLine[], folds: ReadonlySet<number>): number[] {
  const shown: number[] = []
  for (let i = 0; i < lines.length; i++) {
    shown.push(i)
    if (folds.has(i)) i = lines[i]?.end ?? i
  }
  return shown
}

/**
 * What to fold between two lines so that at most `room` are shown: everything from some depth on, as deep as fits, but
 * not the outermost container.
 */
export function foldsToFit(
  lines: readonly JsonLine[],
  room: number,
  from = 0,
  to = lines.length - 1,
): number[] {
  const outermost = lines[from]?.depth ?? 0
  // Of each depth: the lines that are shown when it is folded, and those that are shown besides when it is not.
  const folded: number[] = []
  const closing: number[] = []
  for (let i = from; i <= to; i++) {
    const { depth = 0, kind } = lines[i] ?? {}
    const list = kind === 'close' ? closing : folded
    list[depth - outermost] = (list[depth - outermost] ?? 0) + 1
  }
  let depth = 1
  let shown = (folded[0] ?? 0) + (closing[0] ?? 0) + (folded[1] ?? 0)
  for (; depth < folded.length; depth++) {
    shown += (closing[depth] ?? 0) + (folded[depth + 1] ?? 0)
    if (shown > room) break
  }
  const folds: number[] = []
  for (let i = from; i <= to; i++) {
    const line = lines[i]
    if (line?.kind === 'open' && line.depth - outermost === depth) folds.push(i)
  }
  return folds
}

/** Folds it, or unfolds it by at most `room` lines, its inner containers being folded in turn. */
export function toggleFold(
  lines: readonly JsonLine[],
  folds: ReadonlySet<number>,
  line: number,
  room: number,
): Set<number> {
  const changed = new Set(folds)
  if (!changed.delete(line)) return changed.add(line)
  const end = lines[line]?.end ?? line
  for (let i = line; i <= end; i++) changed.delete(i)
  for (const fold of foldsToFit(lines, room, line, end)) changed.add(fold)
  return changed
}
