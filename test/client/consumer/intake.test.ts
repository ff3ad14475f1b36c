import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeadLetters } from '../../../src/client/consumer/dead-letters.ts'
import { Intake } from '../../../src/client/consumer/intake.ts'

test('however many messages are lost at once, what waits is gone through once', async () => {
  let sweeps = 0
  const deadLetters = new DeadLetters({
    target: undefined,
    createProducer: () => assert.fail('nothing is published'),
    onError: undefined,
  })
  const intake = new Intake(
    {
      channel: 'c',
      decoder: undefined,
      schema: undefined,
      dedupe: undefined,
      maxAttempts: 0,
      deadLetters,
      onError: () => {},
      failed: () => {},
    },
    () => ({ push: () => {}, close: () => {}, sweep: () => sweeps++ }),
  )
  for (let round = 1; round <= 2; round++) {
    for (let i = 0; i < 1000; i++) intake.lost()
    await Promise.resolve()
    assert.equal(sweeps, round)
  }
})
