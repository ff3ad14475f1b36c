import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesNamed } from '../../bench/lines.ts'
import { measure } from '../../bench/measure.ts'

const TINY = { warmMs: 20, measureMs: 500, backlog: 0.005 }

// One line of each kind: that everything is published and finished, not how fast. No `power`: a disk that is busy
// otherwise may not sync once in the time.
for (const name of ['idle', 'pub-1-process', 'mpub-process', 'sub-10']) {
  test(`the line ${name} is measured`, async () => {
    const [line] = linesNamed([name])
    assert.ok(line)
    const { ours, ceiling } = await measure(line, { rounds: 1, scale: TINY, peer: '', profile: '' })
    assert.equal(ours.rounds.length, 1)
    assert.ok(Number(ours.peakRss) > 0)
    if (line.load.kind === 'idle') return
    assert.ok(ours.median.rate > 0)
    assert.ok(ceiling.median.rate > 0)
  })
}

test('a name stands for the lines that it begins, and an unknown one is refused', () => {
  const names = linesNamed(['mpub']).map(line => line.name)
  assert.deepEqual(names, ['mpub-none', 'mpub-process', 'mpub-power'])
  assert.throws(() => linesNamed(['pu']), /no line named pu/)
})
