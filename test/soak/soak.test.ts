/** The short form of `npm run soak`: everything that the hour has, in seconds. Whether something grows they cannot tell. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../storage/random.ts'
import { report } from './report.ts'
import { soak } from './soak.ts'

test('mixed load with restarts: nothing is lost', async t => {
  const { seed } = seeded(text => t.diagnostic(text))
  const lines: string[] = []
  const result = await soak({
    seed,
    ms: 8000,
    rate: 150,
    sampleMs: 1000,
    restartMs: 3000,
    toolsMs: 4000,
    csv: line => lines.push(line),
  })
  assert.deepEqual(result.problems, [], report(result))
  assert.ok(result.restarts > 0)
  assert.equal(lines.length, result.samples + 1)
  for (const { name, verdict } of result.verdicts) assert.ok(verdict.most > 0, `${name} was not measured`)
  for (const line of lines) assert.equal(line.split(',').length, result.verdicts.length + 1)
})
