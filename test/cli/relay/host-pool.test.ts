import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HostPool, type PoolMode } from '../../../src/cli/relay/host-pool.ts'

const MINUTE = 60_000

class Setup {
  now = 0
  /** What `random` gives next; the last one again and again. */
  randoms = [0.5]
  readonly pool: HostPool<string>

  constructor(mode: PoolMode, hosts = ['a', 'b', 'c']) {
    const random = (): number => (this.randoms.length > 1 ? this.randoms.shift() : this.randoms[0]) ?? 0
    this.pool = new HostPool(hosts, mode, { now: () => this.now, random })
  }

  /** Chooses so many times, and lets each choice go as it says. */
  choose(times: number, outcome: (host: string) => number | 'fails' | 'leave me'): string {
    let chosen = ''
    for (let i = 0; i < times; i++) {
      const choice = this.pool.choose()
      if (choice === undefined) {
        chosen += '-'
        continue
      }
      chosen += choice.host
      const how = outcome(choice.host)
      if (how === 'fails') choice.failed()
      else if (how === 'leave me') choice.failed(10_000)
      else choice.succeeded(how)
    }
    return chosen
  }
}

const well = () => 1
const without = (down: string) => (host: string) => (down.includes(host) ? ('fails' as const) : 1)

describe('round-robin', () => {
  test('takes turns, whoever fails', () => {
    const setup = new Setup('round-robin')
    assert.equal(setup.choose(7, without('b')), 'abcabca')
  })

  test('leaves alone who asks for it, as long as that', () => {
    const setup = new Setup('round-robin')
    assert.equal(
      setup.choose(6, host => (host === 'b' ? 'leave me' : 1)),
      'abcaca',
    )
    setup.now = 10_000
    assert.equal(setup.choose(3, well), 'bca')
  })

  test('says how long to wait when all have asked to be left alone', () => {
    const setup = new Setup('round-robin', ['a', 'b'])
    assert.equal(setup.pool.waitMs, 0)
    setup.choose(1, () => 'leave me')
    setup.now = 4000
    assert.equal(setup.pool.waitMs, 0)
    assert.equal(
      setup.choose(2, () => 'leave me'),
      'b-',
    )
    assert.equal(setup.pool.waitMs, 6000)
    setup.now = 10_000
    assert.equal(setup.pool.waitMs, 0)
    assert.equal(setup.choose(2, well), 'aa')
  })
})

describe('hostpool', () => {
  test('lets a host rest that failed, at first for 30 seconds', () => {
    const setup = new Setup('hostpool')
    assert.equal(setup.choose(6, without('b')), 'abcaca')
    setup.now = 29_999
    assert.equal(setup.choose(2, well), 'ca')
    setup.now = 30_000
    assert.equal(setup.choose(4, well), 'bcab')
  })

  test('tries it once, and lets it rest twice as long when it fails again, up to 15 minutes', () => {
    const setup = new Setup('hostpool', ['a', 'b'])
    setup.choose(2, without('b'))
    const rests = [30_000, 60_000, 120_000, 240_000, 480_000, 15 * MINUTE, 15 * MINUTE]
    for (const rest of rests) {
      setup.now += rest - 1
      assert.equal(setup.choose(2, well), 'aa')
      setup.now += 1
      const chosen = setup.choose(4, without('b'))
      assert.equal(chosen.replaceAll('a', ''), 'b', `after ${rest}`)
    }
  })

  test('begins anew once it has succeeded', () => {
    const setup = new Setup('hostpool', ['a', 'b'])
    setup.choose(2, without('b'))
    setup.now = 30_000
    setup.choose(2, without('b'))
    setup.now = 90_000
    assert.match(setup.choose(2, well), /b/)
    setup.choose(2, without('b'))
    setup.now += 30_000
    assert.match(setup.choose(2, well), /b/)
  })

  test('tries all again when all have failed', () => {
    const setup = new Setup('hostpool')
    assert.equal(setup.choose(9, without('abc')), 'abcabcabc')
    assert.equal(setup.pool.waitMs, 0)
  })

  test('does not try those again that have asked to be left alone', () => {
    const setup = new Setup('hostpool', ['a', 'b'])
    assert.equal(
      setup.choose(4, host => (host === 'a' ? 'fails' : 'leave me')),
      'abaa',
    )
    assert.equal(
      setup.choose(2, () => 'leave me'),
      'a-',
    )
  })

  test('knows whether there is one that has not failed', () => {
    const setup = new Setup('hostpool', ['a', 'b'])
    assert.ok(setup.pool.hasSound)
    setup.choose(1, () => 'leave me')
    assert.ok(setup.pool.hasSound)
    setup.choose(1, without('b'))
    assert.ok(!setup.pool.hasSound)
    setup.now = 10_000
    assert.ok(setup.pool.hasSound)
    assert.ok(!new Setup('round-robin').pool.hasSound)
  })

  test('what failed at the same time counts once', () => {
    const setup = new Setup('hostpool', ['a', 'b'])
    const choices = Array.from({ length: 8 }, () => setup.pool.choose())
    for (const choice of choices) if (choice?.host === 'b') choice.failed()
    setup.now = 30_000
    assert.match(setup.choose(2, well), /b/)
  })
})

describe('epsilon-greedy', () => {
  const times: Record<string, number> = { a: 10, b: 30, c: 60 }

  test('first gets to know them all', () => {
    const setup = new Setup('epsilon-greedy')
    assert.equal(
      setup.choose(3, host => times[host] ?? 0),
      'abc',
    )
  })

  test('chooses by how fast they are', () => {
    const setup = new Setup('epsilon-greedy')
    setup.choose(3, host => times[host] ?? 0)
    // 1/10, 1/30 and 1/60 of 0.15: two thirds, two ninths, one ninth.
    const shares: [number, string][] = [
      [0.01, 'a'],
      [0.66, 'a'],
      [0.67, 'b'],
      [0.88, 'b'],
      [0.89, 'c'],
      [0.99, 'c'],
    ]
    for (const [random, host] of shares) {
      setup.randoms = [0.5, random]
      assert.equal(
        setup.choose(1, chosen => times[chosen] ?? 0),
        host,
        String(random),
      )
    }
  })

  test('explores in turn, ever less', () => {
    const setup = new Setup('epsilon-greedy')
    setup.choose(3, host => times[host] ?? 0)
    let explored = 0
    // Just below the share at first: it decays at once below that.
    for (let share = 0.3; share > 0.01; share *= 0.9) {
      setup.randoms = [share - 0.001, 0]
      setup.choose(1, host => times[host] ?? 0)
      setup.randoms = [share - 0.001, 0.5, 0]
      if (setup.choose(1, host => times[host] ?? 0) === 'a') explored++
    }
    assert.ok(explored > 20)
    setup.randoms = [0.009]
    assert.equal(new Set(setup.choose(3, host => times[host] ?? 0)).size, 3, 'one in a hundred remains')
  })

  test('what is long ago counts less', () => {
    const setup = new Setup('epsilon-greedy', ['a', 'b'])
    setup.choose(2, host => (host === 'a' ? 1 : 1000))
    setup.now = 20 * MINUTE
    setup.randoms = [0]
    setup.choose(2, host => (host === 'a' ? 1000 : 1))
    setup.randoms = [0.9, 0.5]
    assert.equal(
      setup.choose(1, () => 1),
      'b',
    )
  })

  test('lets those rest that failed', () => {
    const setup = new Setup('epsilon-greedy', ['a', 'b'])
    setup.choose(2, well)
    setup.randoms = [0.9, 0]
    setup.choose(1, without('a'))
    setup.randoms = [0.9, 0]
    assert.equal(setup.choose(3, well), 'bbb')
    setup.now = 30_000
    setup.randoms = [0.9, 0]
    assert.equal(setup.choose(1, well), 'a')
  })
})
