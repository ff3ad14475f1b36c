import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { realClock } from '../../../src/cli/bench/clock.ts'
import { Schedule } from '../../../src/cli/bench/schedule.ts'
import { type Line, Sender } from '../../../src/cli/bench/sender.ts'
import type { Reply } from '../../../src/client/connection/connection.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { FakeClock } from './fake-clock.ts'

/** Keeps what is sent over it, and answers when it is told to. */
class FakeLine implements Line {
  readonly sent: number[] = []
  readonly waiting: Reply[] = []
  readonly #clock: FakeClock
  answersAtOnce = false

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  ask(_command: Buffer, reply: Reply): void {
    this.sent.push(this.#clock.now())
    if (this.answersAtOnce) queueMicrotask(() => reply.ok('OK'))
    else this.waiting.push(reply)
  }

  answer(count = this.waiting.length): void {
    for (const reply of this.waiting.splice(0, count)) reply.ok('OK')
  }
}

interface Rig {
  clock: FakeClock
  lines: FakeLine[]
  sender: Sender
  /** By command: its first message, from when it counts, and when it was answered. */
  acknowledged: [first: number, from: number, now: number][]
  /** The numbers that were written, in order. */
  numbers: number[]
}

function rig(given: { rate?: number; batch?: number; pipeline?: number; lines?: number }): Rig {
  const { rate, batch = 1, pipeline = 10 } = given
  const clock = new FakeClock()
  const lines = Array.from({ length: given.lines ?? 1 }, () => new FakeLine(clock))
  const acknowledged: Rig['acknowledged'] = []
  const numbers: number[] = []
  const sender = new Sender({
    lines,
    pipeline,
    batch,
    schedule: new Schedule(0, rate, batch),
    clock,
    payload: () => ({ command: Buffer.alloc(0), number: first => numbers.push(first) }),
    acknowledged: (...args) => acknowledged.push(args),
  })
  return { clock, lines, sender, acknowledged, numbers }
}

describe('Sender at a rate', () => {
  test('sends each command when it is due, over the lines in turn', () => {
    const { clock, lines, sender } = rig({ rate: 100, lines: 2 })
    sender.start()
    for (let ms = 0; ms < 1000; ms += 10) {
      clock.advance(10)
      lines.forEach(line => line.answer())
    }
    const [first, second] = lines
    assert.deepEqual(first?.sent.slice(0, 4), [0, 20, 40, 60])
    assert.deepEqual(second?.sent.slice(0, 4), [10, 30, 50, 70])
    // From 0 to 1000 ms, both included.
    assert.equal((first?.sent.length ?? 0) + (second?.sent.length ?? 0), 101)
  })

  test('counts messages, not commands', () => {
    const { clock, lines, sender, numbers } = rig({ rate: 1000, batch: 100, pipeline: 100 })
    sender.start()
    clock.advance(350)
    assert.deepEqual(lines[0]?.sent, [0, 100, 200, 300])
    assert.deepEqual(numbers, [0, 100, 200, 300])
  })

  test('what an nsqd that stands still keeps back counts from when it was due', () => {
    const { clock, lines, sender, acknowledged } = rig({ rate: 1000, pipeline: 2 })
    const [line] = lines
    sender.start()
    clock.advance(100)
    // Two of a hundred and one were sent; then it answers again, each command at once.
    assert.equal(line?.sent.length, 2)
    while (acknowledged.length < 101) line?.answer(1)
    const waits = acknowledged.map(([, from, now]) => now - from)
    assert.deepEqual(
      waits,
      Array.from({ length: 101 }, (_, i) => 100 - i),
    )
    // None of that is this process's own lateness.
    assert.equal(sender.lateness.percentile(100) < 0.001, true)
    clock.advance(5)
    assert.deepEqual(line?.sent.slice(-2), [101, 102])
  })

  test('its own lateness is known', () => {
    const { clock, lines, sender, acknowledged } = rig({ rate: 100, pipeline: 100 })
    sender.start()
    clock.advance(100, 3)
    const [line] = lines
    assert.deepEqual(line?.sent.slice(0, 3), [0, 13, 23])
    assert.ok(Math.abs(sender.lateness.percentile(50) - 3) < 0.01)
    line?.answer(2)
    // It is part of the latencies, too.
    assert.deepEqual(acknowledged[1], [1, 10, 100])
  })

  test('sends nothing after it was stopped, and leaves no alarm', async () => {
    const { clock, lines, sender } = rig({ rate: 100 })
    sender.start()
    clock.advance(5)
    const stopped = sender.stop()
    assert.equal(clock.alarms, 0)
    assert.equal(sender.unanswered, 1)
    lines[0]?.answer()
    await stopped
    clock.advance(1000)
    assert.equal(lines[0]?.sent.length, 1)
  })
})

describe('Sender without a rate', () => {
  test('keeps so many under way, and counts from when each was sent', () => {
    const { clock, lines, sender, acknowledged, numbers } = rig({ batch: 5, pipeline: 3, lines: 2 })
    sender.start()
    assert.deepEqual(
      lines.map(({ sent }) => sent.length),
      [3, 3],
    )
    clock.advance(7)
    lines[0]?.answer(2)
    assert.deepEqual(acknowledged, [
      [0, 0, 7],
      [10, 0, 7],
    ])
    assert.equal(lines[0]?.sent.length, 5)
    assert.deepEqual(numbers, [0, 5, 10, 15, 20, 25, 30, 35])
    assert.equal(clock.alarms, 0)
  })

  test('fails with the first refusal, and sends nothing more', async () => {
    const { lines, sender } = rig({ pipeline: 2 })
    sender.start()
    const [first, second] = lines[0]?.waiting ?? []
    first?.refused(new NsqError('E_MPUB_FAILED', 'no room'))
    second?.ok('OK')
    await assert.rejects(sender.failed, { code: 'E_MPUB_FAILED' })
    await assert.rejects(sender.stop(), { code: 'E_MPUB_FAILED' })
    assert.equal(lines[0]?.sent.length, 2)
  })
})

describe('the real clock', () => {
  test('calls back after the time, and not when it was cancelled', async () => {
    const start = realClock.now()
    const cancel = realClock.at(start + 1, () => assert.fail('cancelled'))
    cancel()
    const called = await new Promise<number>(resolve => {
      realClock.at(start + 5, () => resolve(realClock.now()))
    })
    assert.ok(called >= start + 5)
    // A time that has passed is no exception: never in the middle of what asks for it.
    let isLater = false
    const soon = new Promise<void>(resolve => {
      realClock.at(start, () => {
        assert.ok(isLater)
        resolve()
      })
    })
    isLater = true
    await soon
  })
})
