import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { memoryStats, watchGc } from '../../src/nsqd/memory.ts'

test('memoryStats counts garbage collections once they are watched', async () => {
  watchGc()
  watchGc()
  const before = memoryStats().gc_total_runs
  let garbage: unknown[] = []
  for (let turn = 0; memoryStats().gc_total_runs === before; turn++) {
    assert.ok(turn < 1000, 'no garbage collection was seen')
    garbage = Array.from({ length: 100_000 }, (_, i) => ({ i }))
    await delay(1)
  }
  assert.equal(garbage.length, 100_000)
  const stats = memoryStats()
  assert.ok(stats.gc_pause_usec_100 >= stats.gc_pause_usec_99)
  assert.ok(stats.gc_pause_usec_99 >= stats.gc_pause_usec_95)
})
