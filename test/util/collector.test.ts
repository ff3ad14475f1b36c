import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { growthFor } from '../../src/util/collector.ts'

const MiB = 1024 * 1024
const MODULE = new URL('../../src/util/collector.ts', import.meta.url)

test('a small heap may grow by 64 MiB, and a large one as V8 says', () => {
  assert.equal(growthFor(8 * MiB), 800)
  assert.equal(growthFor(32 * MiB), 200)
  assert.equal(growthFor(64 * MiB), 0)
  assert.equal(growthFor(500 * MiB), 0)
})

/** Collects three times: as V8 does it by itself, while less is wanted, and after that. */
const PROGRAM = `
import { setTimeout as delay } from 'node:timers/promises'
gc()
const stop = collectSeldom()
await delay(600)
gc()
stop()
gc()
`

test('V8 lets the heap grow by more before it collects the whole of it, until that is ended', async t => {
  const { code } = await transform(await readFile(MODULE, 'utf8'), { loader: 'ts' })
  // A process that has loaded nothing, not even what translates TypeScript: its heap is as small as that of an nsqd.
  const flags = ['--expose-gc', '--trace-gc-verbose', '--input-type=module', '--eval', code + PROGRAM]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { env: {} })
  const limits = [...stdout.matchAll(/\[HeapController\] Limit: old size: (\d+) KB, new limit: (\d+) KB/g)]
  if (limits.length === 0) {
    t.skip('this V8 does not say its limits')
    return
  }
  const [before = 0, meanwhile = 0, after = 0] = limits
    .slice(-3)
    .map(([, old, limit]) => Number(limit) - Number(old))
  assert.ok(meanwhile >= 48 * 1024, `${meanwhile} KB`)
  assert.ok(before < meanwhile / 2 && after < meanwhile / 2, `${before}, ${meanwhile}, ${after} KB`)
})
