import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Heartbeat } from '../../src/nsqd/heartbeat.ts'
import { until } from '../support/wait.ts'

describe('Heartbeat', () => {
  test('beats while the client is heard, and gives up when it is not', async t => {
    let beats = 0
    let given = 0
    let looked = 0
    const heartbeat = new Heartbeat({
      beat() {
        beats++
        if (beats === 1) heartbeat.heard()
      },
      giveUp: () => void given++,
      look: passedMs => (looked += passedMs) > 0,
    })
    t.after(() => heartbeat.stop())
    heartbeat.every(300)
    await until(() => given > 0)
    assert.ok(beats >= 1)
    assert.equal(looked, 300 * (beats + given))
  })

  test('is silent with an interval of 0', async () => {
    const heartbeat = new Heartbeat({
      beat: () => assert.fail('it beats'),
      giveUp: () => assert.fail('it gives up'),
      look: () => assert.fail('it looks'),
    })
    heartbeat.every(1)
    heartbeat.every(0)
    await new Promise(resolve => setTimeout(resolve, 20))
    heartbeat.stop()
  })

  test('looks every minute without beats', t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const looks: number[] = []
    const heartbeat = new Heartbeat({
      beat: () => assert.fail('it beats'),
      giveUp: () => assert.fail('it gives up'),
      look: passedMs => looks.push(passedMs) > 0,
    })
    heartbeat.every(0)
    t.mock.timers.tick(120_000)
    assert.deepEqual(looks, [60_000, 60_000])
  })
})
