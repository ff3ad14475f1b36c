/** What a function of somebody else's returned, when it is something to wait for. Throws what its `then` throws. */
export function promiseOf(result: unknown): Promise<unknown> | undefined {
  if (result instanceof Promise) return result
  if (result === null || (typeof result !== 'object' && typeof result !== 'function')) return undefined
  return 'then' in result ? Promise.resolve(result) : undefined
}
