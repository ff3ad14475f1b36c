import { PerformanceObserver } from 'node:perf_hooks'

/** The `memory` object of `/stats`, with the names that the official nsqd takes from Go's runtime. */
export interface MemoryStats {
  /** Always 0: V8 does not count objects. */
  heap_objects: number
  heap_idle_bytes: number
  /** JavaScript objects, and the buffers of messages, which are outside of V8's heap. */
  heap_in_use_bytes: number
  /** Always 0: V8 does not tell. */
  heap_released_bytes: number
  gc_pause_usec_100: number
  gc_pause_usec_99: number
  gc_pause_usec_95: number
  /** Always 0: V8 decides that as it goes. */
  next_gc_bytes: number
  gc_total_runs: number
}

/** As many recent pauses as Go's runtime keeps. */
const KEPT = 256

/** The garbage collector belongs to the process, not to one daemon: the one state shared by all of them. */
const pausesUs: number[] = []
let runs = 0
let observer: PerformanceObserver | undefined

/** Begins to count garbage collections, if that has not begun yet. It costs some microseconds for each. */
export function watchGc(): void {
  if (observer) return
  observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) pausesUs[runs++ % KEPT] = Math.round(duration * 1000)
  })
  observer.observe({ entryTypes: ['gc'] })
}

export function memoryStats(): MemoryStats {
  const { heapTotal, heapUsed, external } = process.memoryUsage()
  const sorted = pausesUs.toSorted((a, b) => a - b)
  return {
    heap_objects: 0,
    heap_idle_bytes: heapTotal - heapUsed,
    heap_in_use_bytes: heapUsed + external,
    heap_released_bytes: 0,
    gc_pause_usec_100: percentile(sorted, 1),
    gc_pause_usec_99: percentile(sorted, 0.99),
    gc_pause_usec_95: percentile(sorted, 0.95),
    next_gc_bytes: 0,
    gc_total_runs: runs,
  }
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length + 0.5))] ?? 0
}
