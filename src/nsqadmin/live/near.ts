import { editDistance } from '../../util/suggest.ts'

const MOST = 5
/** Names that are compared letter by letter, which takes about 5 us each; in the rest the word must occur. */
const MOST_COMPARED = 5000

/** Names that somebody may have meant who wrote `wanted`, the nearest first, five at most. */
export function nearNames(wanted: string, names: Iterable<string>): string[] {
  const word = wanted.toLowerCase()
  const farthest = Math.max(1, Math.floor(word.length / 3))
  const found: { name: string; distance: number }[] = []
  let compared = 0
  for (const name of names) {
    const other = name.toLowerCase()
    const contains = word.length > 2 && other.length > 2 && (other.includes(word) || word.includes(other))
    // No cheaper edit makes up for a difference in length.
    const isFar = Math.abs(other.length - word.length) > farthest
    if (!contains && (isFar || compared >= MOST_COMPARED)) continue
    if (!isFar) compared++
    const distance = isFar ? Infinity : editDistance(word, other)
    if (contains || distance <= farthest) found.push({ name, distance })
  }
  found.sort((a, b) => (a.distance === b.distance ? (a.name < b.name ? -1 : 1) : a.distance - b.distance))
  return found.slice(0, MOST).map(({ name }) => name)
}
