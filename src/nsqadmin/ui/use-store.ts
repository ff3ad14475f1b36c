import { useEffect, useRef, useState } from 'preact/hooks'
import type { Store } from './store.ts'

/** The store's value; what calls it is drawn again when that changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const [, draw] = useState(0)
  const value = store.get()
  const drawn = useRef(value)
  drawn.current = value
  useEffect(() => {
    let times = 0
    const listener = () => draw(++times)
    const end = store.subscribe(listener)
    // It may have changed between drawing and here.
    if (!Object.is(drawn.current, store.get())) listener()
    return end
  }, [store])
  return value
}
