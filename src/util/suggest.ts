/** The word that `typed` was most likely meant to be; undefined when none is near. */
export function suggest(typed: string, words: Iterable<string>): string | undefined {
  const wanted = typed.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const word of words) {
    const distance =
      word.startsWith(wanted) && wanted.length > 2 ? 0 : editDistance(wanted, word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** At most `count` words that `typed` may have been meant to be, the nearest first. */
export function near(typed: string, words: Iterable<string>, count = 3): string[] {
  const left = new Set(words)
  const found: string[] = []
  while (found.length < count) {
    const word = suggest(typed, left)
    if (word === undefined) break
    found.push(word)
    left.delete(word)
  }
  return found
}

/** Optimal string alignment: insertions, deletions, substitutions and swapped neighbours, each at the price of one. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          at(last, j) + 1,
          at(row, j - 1) + 1,
          at(last, j - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
