/** Does the work for every item, so many at a time. The results are in the order of the items. */
export async function atMost<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  const rest = items.entries()
  const one = async (): Promise<void> => {
    for (const [index, item] of rest) results.set(index, await work(item))
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, one))
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
