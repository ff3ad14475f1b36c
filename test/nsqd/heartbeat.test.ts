import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Heartbeat } from '../../src/nsqd/heartbeat.ts'
import { until } from '../support/wait.ts'

describe('Heartbeat', () => {
  test('beats while the client is heard, and gives up when it is not', async t => {
    let beats = 0
    let given = 0
    const heartbeat = new Heartbeat(
      () => {
        beats++
        if (beats === 1) heartbeat.heard()
      },
      () => given++,
    )
    t.after(() => heartbeat.stop())
    heartbeat.every(300)
    await until(() => given > 0)
    assert.ok(beats >= 1)
  })

  test('is silent with an interval of 0', async () => {
    const heartbeat = new Heartbeat(
      () => assert.fail('it beats'),
      () => assert.fail('it gives up'),
    )
    heartbeat.every(1)
    heartbeat.every(0)
    await new Promise(resolve => setTimeout(resolve, 20))
  })
})
