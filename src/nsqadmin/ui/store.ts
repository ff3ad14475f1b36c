/** A value that several parts of the page show, and are told of when it changes. */
export interface Store<Value> {
  get(): Value
  set(value: Value): void
  /** Returns what ends it. */
  subscribe(listener: () => void): () => void
}

export function createStore<Value>(value: Value): Store<Value> {
  let current = value
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set: next => {
      if (Object.is(next, current)) return
      current = next
      for (const listener of listeners) listener()
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
