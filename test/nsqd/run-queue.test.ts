import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RunQueue } from '../../src/nsqd/run-queue.ts'
import { seeded } from '../storage/random.ts'

describe('RunQueue', () => {
  test('gives runs back in order', () => {
    const queue = new RunQueue()
    assert.equal(queue.isEmpty, true)
    queue.push(0, 10, 100)
    queue.push(10, 11, 200)
    assert.deepEqual([queue.headFirst, queue.headEnd, queue.headDeadline], [0, 10, 100])
    queue.shift()
    assert.deepEqual([queue.headFirst, queue.headEnd, queue.headDeadline], [10, 11, 200])
    queue.shift()
    assert.equal(queue.isEmpty, true)
    queue.push(20, 30, 300)
    queue.clear()
    assert.equal(queue.isEmpty, true)
    assert.equal(queue.deadlineOf(25), undefined)
  })

  test('does as a plain list would', t => {
    const random = seeded(text => t.diagnostic(text))
    const queue = new RunQueue()
    let model: { first: number; end: number; deadline: number }[] = []
    let ordinal = 2 ** 40
    let deadline = 1_700_000_000_000.25
    for (let step = 0; step < 20_000; step++) {
      const what = random.fraction()
      if (what < 0.52) {
        // Messages with another timeout, or settled ones, lie between the runs.
        ordinal += random.pick([0, 0, 1, 50])
        const run = {
          first: ordinal,
          end: ordinal + random.int(1, 300),
          deadline: (deadline += random.fraction()),
        }
        queue.push(run.first, run.end, run.deadline)
        model.push(run)
        ordinal = run.end
      } else if (what < 0.9995) {
        if (model.length > 0) {
          queue.shift()
          model.shift()
        }
      } else {
        queue.clear()
        model = []
      }
      const [head] = model
      assert.equal(queue.isEmpty, head === undefined)
      if (head !== undefined) {
        assert.deepEqual(
          [queue.headFirst, queue.headEnd, queue.headDeadline],
          [head.first, head.end, head.deadline],
        )
      }
      const from = (head?.first ?? ordinal) - 5
      const probe = random.int(from, ordinal + 5)
      const expected = model.find(run => run.first <= probe && probe < run.end)?.deadline
      assert.equal(queue.deadlineOf(probe), expected)
    }
  })
})
