import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESTART_LINES } from '../../bench/restart/lines.ts'
import { measureRestart } from '../../bench/restart/measure.ts'

const TINY = { warmMs: 20, measureMs: 500, backlog: 0.0005 }

// That everything is there again, not how fast.
for (const [name, which] of [
  ['restart-clean', 3],
  ['restart-killed', 6],
] as const) {
  test(`the line ${name} is measured`, async () => {
    const line = RESTART_LINES.find(line => line.name === name)
    assert.ok(line)
    const backlogs = line.backlogs.slice(which, which + 1).map(backlog => ({
      ...backlog,
      topics: Math.min(3, backlog.topics),
      messages: Math.max(200_000, backlog.messages),
    }))
    const options = { rounds: 1, scale: TINY, peer: '', profile: '' }
    const { backlogs: results, bare } = await measureRestart({ ...line, backlogs }, options)
    assert.equal(results.length, backlogs.length)
    assert.ok(bare > 0)
    for (const { ours, peer } of results) {
      assert.ok(ours.ready > 0 && ours.peakRss > 0)
      assert.equal(peer, undefined)
    }
  })
}
