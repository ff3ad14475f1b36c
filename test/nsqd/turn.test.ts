import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Turn } from '../../src/nsqd/turn.ts'

/** Stands for a topic, a channel and a session at once, and notes what it is asked to do. */
class Part {
  inTurn = false
  readonly #name: string
  readonly #calls: string[]
  readonly #then: () => void

  constructor(name: string, calls: string[], then: () => void = () => undefined) {
    this.#name = name
    this.#calls = calls
    this.#then = then
  }

  commit(): void {
    this.#note('commit')
  }

  pump(): void {
    this.#note('pump')
  }

  flush(): void {
    this.#note('flush')
  }

  #note(what: string): void {
    this.#calls.push(`${what} ${this.#name}`)
    this.#then()
  }
}

function part(name: string, calls: string[], then?: () => void): Part {
  return new Part(name, calls, then)
}

function setUp(): { turn: Turn; calls: string[] } {
  const turn = new Turn()
  const calls: string[] = []
  return { turn, calls }
}

function endOfTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

describe('a turn', () => {
  test('commits, then pumps, then flushes; each once', async () => {
    const { turn, calls } = setUp()
    for (let i = 0; i < 2; i++) {
      turn.flush(part(`s${i}`, calls))
      turn.pump(part(`c${i}`, calls))
      turn.commit(part(`t${i}`, calls))
    }
    const twice = part('twice', calls)
    turn.flush(twice)
    turn.flush(twice)
    assert.deepEqual(calls, [])
    await endOfTurn()
    assert.deepEqual(calls, [
      'commit t0',
      'commit t1',
      'pump c0',
      'pump c1',
      'flush s0',
      'flush s1',
      'flush twice',
    ])
    await endOfTurn()
    assert.equal(calls.length, 7)
    turn.flush(twice)
    await endOfTurn()
    assert.deepEqual(calls.slice(7), ['flush twice'])
  })

  test('takes in what follows from it, as far as it comes later in the row', async () => {
    const { turn, calls } = setUp()
    const session = part('s', calls)
    const channel = part('c', calls, () => turn.flush(session))
    const topic = part('t', calls, () => turn.pump(channel))
    turn.commit(topic)
    await endOfTurn()
    assert.deepEqual(calls, ['commit t', 'pump c', 'flush s'])
  })

  test('flushes before the commit, too, when it is told to', async () => {
    const calls: string[] = []
    const turn = new Turn({ flushesFirst: true })
    const session = part('s', calls)
    turn.flush(session)
    turn.commit(part('t', calls, () => turn.flush(session)))
    await endOfTurn()
    assert.deepEqual(calls, ['flush s', 'commit t', 'flush s'])
  })

  test('leaves the rest to the next one, so that sockets are read in between', async () => {
    const { turn, calls } = setUp()
    let again = true
    const topic = part('t', calls)
    const channel = part('c', calls, () => {
      if (again) turn.commit(topic)
      if (again) turn.pump(channel)
      again = false
    })
    turn.pump(channel)
    await endOfTurn()
    assert.deepEqual(calls, ['pump c'])
    await endOfTurn()
    assert.deepEqual(calls.slice(1), ['commit t', 'pump c'])
  })
})
