import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GROWTH_LINES } from '../../bench/growth/lines.ts'
import { measureGrowth } from '../../bench/growth/measure.ts'
import { growthFindings } from '../../bench/growth/table.ts'

const TINY = { warmMs: 0, measureMs: 0, backlog: 0.01 }

// What is the same for all of them is seen with one.
for (const line of GROWTH_LINES.filter(({ kind }) => kind !== 'channels')) {
  test(`the line ${line.name} is measured: as much as before is left after each round`, async () => {
    // One is enough to see that; each has an nsqd of its own.
    const sizes = line.kind === 'backlog' ? [20_000, 60_000] : [20_000]
    const result = await measureGrowth({ ...line, sizes }, { rounds: 1, scale: TINY, profile: '' })
    assert.deepEqual(
      result.outcomes.map(({ size, outcome }) => [size, outcome.rounds.length]),
      sizes.map(size => [size / 100, 1]),
    )
    const [finding] = growthFindings(result)
    assert.ok(finding && finding.ours > 0 && Number(finding.ceiling) > 0)
  })
}
