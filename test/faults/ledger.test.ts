import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ledger } from './ledger.ts'

/** The ledger and a message that was published and acknowledged. */
function one({ dueMs = 0, size = 0 } = {}): { ledger: Ledger; body: string } {
  const ledger = new Ledger()
  const body = ledger.next('t', 'p', { dueMs, size })
  ledger.acknowledged(body)
  return { ledger, body }
}

describe('the ledger', () => {
  test('numbers the messages of each producer, in bodies of the size asked for', () => {
    const ledger = new Ledger()
    assert.match(ledger.next('t', 'p'), /^t p 0 0 [0-9a-f]{8}$/)
    assert.match(ledger.next('t', 'p', { dueMs: 1234.5 }), /^t p 1 1235 /)
    assert.match(ledger.next('t', 'q'), /^t q 0 0 /)
    assert.equal(ledger.next('t', 'q', { size: 1000 }).length, 1000)
  })

  test('knows what is missing on a channel', () => {
    const { ledger, body } = one()
    ledger.next('t', 'p')
    assert.deepEqual(ledger.missing('t', 'c'), ['t p 0'])
    assert.equal(ledger.missingCount('t', 'c'), 1)
    assert.throws(() => ledger.checkComplete('t', ['c']), /1 missing on t c: t p 0/)
    ledger.delivered('c', body, 1, 0)
    assert.deepEqual(ledger.missing('t', 'c'), [])
    assert.equal(ledger.unfinishedCount('t', 'c'), 1)
    ledger.finished('c', body)
    assert.equal(ledger.unfinishedCount('t', 'c'), 0)
  })

  test('knows what came, was not finished, and never came again', () => {
    const { ledger, body } = one()
    ledger.acknowledged(body)
    ledger.delivered('c', body, 1, 0)
    assert.deepEqual(ledger.forgotten('t', 'c'), ['t p 0'])
    assert.throws(() => ledger.checkComplete('t', ['c']), /1 forgotten on t c: t p 0/)
  })

  test('lets go of what somebody has tried to finish, over a crash, too', () => {
    const { ledger, body } = one()
    ledger.acknowledged(body)
    ledger.delivered('c', body, 1, 0, { generation: 1 })
    ledger.finishing('c', body)
    ledger.crashed()
    ledger.checkComplete('t', ['c'])
  })

  const faults: [string, RegExp, (ledger: Ledger, body: string) => void][] = [
    [
      'changed bytes',
      /changed bytes: "t p 0/,
      (ledger, body) => ledger.delivered('c', body.replace(/0 (.{8})$/, '1 $1'), 1, 0),
    ],
    [
      'what was never published',
      /unknown: t p 7/,
      ledger => {
        const other = new Ledger()
        for (let i = 0; i < 7; i++) other.next('t', 'p')
        ledger.delivered('c', other.next('t', 'p'), 1, 0)
      },
    ],
    [
      'what was finished',
      /t p 0 on c, attempt 2: it was finished/,
      (ledger, body) => {
        ledger.delivered('c', body, 1, 0)
        ledger.finished('c', body)
        ledger.delivered('c', body, 2, 0)
      },
    ],
    [
      'attempts that do not grow',
      /attempt 3: it had 3 before/,
      (ledger, body) => {
        ledger.delivered('c', body, 3, 0)
        ledger.delivered('c', body, 3, 0)
      },
    ],
    [
      'a requeued one before its time',
      /100 ms too early/,
      (ledger, body) => {
        ledger.delivered('c', body, 1, 0)
        ledger.requeued('c', body, 1000)
        ledger.delivered('c', body, 2, 900)
      },
    ],
    [
      'another id',
      /its id is 00000000000000b1, and was 00000000000000a1/,
      (ledger, body) => {
        ledger.delivered('c', body, 1, 0, { id: '00000000000000a1' })
        ledger.delivered('d', body, 1, 0, { id: '00000000000000b1' })
      },
    ],
    [
      'one id for two',
      /t: 1 ids were given twice/,
      (ledger, body) => {
        ledger.delivered('c', body, 1, 0, { id: '00000000000000a1' })
        ledger.delivered('c', ledger.next('t', 'q'), 1, 0, { id: '00000000000000a1' })
      },
    ],
  ]
  for (const [name, pattern, act] of faults) {
    test(`tells of ${name}`, () => {
      const { ledger, body } = one()
      act(ledger, body)
      assert.throws(() => ledger.check(), pattern)
    })
  }

  test('tells of a deferred message before its time', () => {
    const { ledger, body } = one({ dueMs: 1000 })
    ledger.delivered('c', body, 1, 998)
    ledger.check()
    ledger.delivered('d', body, 1, 990)
    assert.throws(() => ledger.check(), /t p 0 on d, attempt 1: 10 ms too early/)
  })

  test('lets a crash undo what no later checkpoint was seen of, and nothing else', () => {
    const { ledger, body } = one()
    ledger.delivered('c', body, 1, 0, { generation: 5 })
    ledger.saved('t', 5)
    ledger.finished('c', body, 6)
    ledger.crashed()
    assert.equal(ledger.unfinishedCount('t', 'c'), 1)
    ledger.delivered('c', body, 2, 0, { generation: 7 })
    ledger.finished('c', body, 7)
    assert.equal(ledger.counts.finishedAgain, 1)
    ledger.check()
    ledger.saved('t', 7)
    ledger.crashed()
    assert.equal(ledger.unfinishedCount('t', 'c'), 0)
    ledger.delivered('c', body, 3, 0, { generation: 8 })
    assert.throws(() => ledger.check(), /it was finished/)
  })

  test('holds attempts and due times to what a checkpoint has', () => {
    const { ledger, body } = one()
    ledger.delivered('c', body, 4, 0, { generation: 1 })
    ledger.requeued('c', body, 500, 1)
    ledger.saved('t', 1)
    ledger.delivered('c', body, 5, 500, { generation: 2 })
    ledger.crashed()
    ledger.delivered('c', body, 5, 500, { generation: 3 })
    ledger.check()
    ledger.crashed()
    ledger.delivered('c', body, 4, 400, { generation: 4 })
    assert.throws(() => ledger.check(), /100 ms too early\n.*it had 4 before/)
  })

  test('lets what was published twice come twice', () => {
    const { ledger, body } = one()
    ledger.repeated(body)
    ledger.delivered('c', body, 1, 0, { id: '00000000000000a1' })
    ledger.finished('c', body)
    ledger.delivered('c', body, 1, 0, { id: '00000000000000b1' })
    ledger.check()
    assert.equal(ledger.counts.duplicates, 1)
  })
})
