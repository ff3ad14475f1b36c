import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** So many bytes may come to be between two collections of the whole heap. */
const ROOM = 64 * 1024 * 1024
/** How often it is looked how large the heap is, in ms: it may not grow by much meanwhile. */
const INTERVAL = 250

/**
 * By how much the heap may grow before the whole of it is collected, in percent of what was left the last time, when so
 * many bytes are in use; 0 leaves it to V8.
 */
export function growthFor(usedBytes: number): number {
  return usedBytes >= ROOM ? 0 : Math.round((100 * ROOM) / usedBytes)
}

/**
 * Has V8 collect the whole heap less often, as long as that is small; returns what ends this. It is the same for the
 * whole process.
 *
 * V8 counts buffers as if they were objects, and allows a small heap 8 MiB of both. What goes through a daemon is all
 * buffers, so that at 50,000 messages a second the few objects that stay would be looked through again and again, one
 * and a half times a second, and everything waits for it: up to 13 ms.
 */
export function collectSeldom(): () => void {
  let growth = 0
  const set = (wanted: number): void => {
    // To within a fifth: objects come and go.
    if (wanted === growth || (wanted > 0 && Math.abs(wanted - growth) < growth / 5)) return
    growth = wanted
    // V8 reads it at the end of each collection, so that it may change while the process runs.
    setFlagsFromString(`--heap-growing-percent=${growth}`)
  }
  const timer = setInterval(() => set(growthFor(getHeapStatistics().used_heap_size)), INTERVAL)
  timer.unref()
  return () => {
    clearInterval(timer)
    set(0)
  }
}
