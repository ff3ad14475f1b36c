/** The command, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { betweenFlags, numbers, Side, startMirror } from './rig.ts'

describe('mirror', () => {
  test('publishes what comes, in its order, and finishes it', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', numbers(2000))
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), '--json'])
    assert.deepEqual(await to.bodies('logs', 2000), numbers(2000))
    await from.left('logs', 0)
    const { code, out, err } = await running.stop()
    assert.equal(code, 0, err)
    console.log(out, err)
  })
})
