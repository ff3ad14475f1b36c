/** The destination goes away, and comes back or not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { betweenFlags, numbers, Side, startMirror } from './rig.ts'

describe('mirror: outages', () => {
  test('without a destination nothing is taken', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', ['a'])
    await to.stop()
    const { code, err } = await startMirror(t, ['logs', ...betweenFlags(from, to)]).done
    assert.equal(code, 1)
    assert.match(err, /ECONNREFUSED/)
    assert.equal(await from.channel('logs'), undefined)
  })

  test('while it is away no more is taken than may be in flight, and nothing goes back', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', ['first'])
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), '--max-in-flight=20'])
    await from.left('logs', 0)
    await to.stop()
    await from.publish('logs', numbers(100))
    await from.when('logs', ({ in_flight_count, depth }) => in_flight_count === 20 && depth === 80)
    await to.start()
    const bodies = await to.take('logs', taken => new Set(taken).size === 101)
    assert.deepEqual(new Set(bodies), new Set(['first', ...numbers(100)]))
    await from.left('logs', 0)
    assert.equal((await from.channel('logs'))?.requeue_count, 0)
    const { code, err } = await running.stop()
    assert.equal(code, 0)
    assert.match(err, new RegExp(`nsqd ${to.tcp}.*; trying again`))
  })

  test('stopped while it is away, it gives back what is in hand', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', ['first'])
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), '--json'])
    await from.left('logs', 0)
    await to.stop()
    await from.publish('logs', numbers(50))
    await from.when('logs', ({ in_flight_count }) => in_flight_count === 50)
    const { code, out, err } = await running.stop()
    assert.equal(code, 1)
    assert.match(err, /50 messages in hand at the end not mirrored: nsqd has them again/)
    assert.match(out, /"unsent":50.*"ok":false/)
    await from.when('logs', ({ depth }) => depth === 50)
  })
})
