import { useEffect, useState } from 'preact/hooks'
import type { Store } from './store.ts'

/** The store's value; what calls it is drawn again when that changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const [, draw] = useState(0)
  useEffect(() => {
    const seen = store.get()
    let times = 0
    const listener = () => draw(++times)
    const end = store.subscribe(listener)
    // It may have changed between drawing and here.
    if (!Object.is(seen, store.get())) listener()
    return end
  }, [store])
  return store.get()
}
