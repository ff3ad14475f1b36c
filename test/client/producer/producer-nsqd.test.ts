/** Producers and a real nsqd whose limits are lower than theirs: what it refuses fails, and nothing else does. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { PublishError } from '../../../src/client/errors.ts'
import { pause } from '../../support/wait.ts'
import { Daemons, tcp } from '../daemons.ts'
import { Producing } from './producing.ts'

const daemons = new Daemons()
const producing = new Producing()
afterEach(async () => {
  await producing.close()
  await daemons.close()
})

/** `ok`, or the code it failed with. */
function outcomeOf(published: Promise<void>): Promise<string> {
  return published.then(
    () => 'ok',
    (error: unknown) => (error instanceof PublishError ? error.code : String(error)),
  )
}

for (const [size, what] of [
  [2000, 'a little'],
  [3_000_000, 'much'],
] as const) {
  test(`a message ${what} over nsqd's --max-msg-size fails, and what was sent behind it goes again`, async () => {
    const nsqd = await daemons.nsqd({ maxMsgSize: 1000 })
    const producer = producing.producer({ nsqd: tcp(nsqd), maxMessageBytes: 10_000_000 })
    await producer.connect()
    const outcomes: Promise<string>[] = []
    const expected: string[] = []
    const publish = (topic: string, body: string, outcome: string): void => {
      outcomes.push(outcomeOf(producer.publish(topic, body)))
      expected.push(outcome)
    }
    for (let i = 0; i < 60; i++) {
      publish(`topic${i % 4}`, `before ${i}`, 'ok')
      if (i % 10 === 5) publish('large', 'x'.repeat(size), 'E_BAD_MESSAGE')
      // What goes in the same command has the same fate, as nsqd takes all of it or nothing; much goes alone.
      if (i % 20 === 5) publish('large', 'small', size > 1_000_000 ? 'ok' : 'E_BAD_MESSAGE')
      publish('other', `behind ${i}`, 'ok')
      if (i % 3 === 0) await pause(0)
    }
    assert.deepEqual(await Promise.all(outcomes), expected)
    assert.ok((nsqd.topics.get('other')?.depth ?? 0) >= 60)
  })
}

test('a batch over its --max-body-size fails, and is not sent again and again', async () => {
  const nsqd = await daemons.nsqd({ maxMsgSize: 1000, maxBodySize: 2000 })
  const producer = producing.producer({ nsqd: tcp(nsqd) })
  const tooMany = outcomeOf(
    producer.publish(
      't',
      Array.from({ length: 10 }, () => 'x'.repeat(900)),
    ),
  )
  const fine = outcomeOf(producer.publish('u', 'x'))
  assert.deepEqual(await Promise.all([tooMany, fine]), ['E_BAD_BODY', 'ok'])
})

test('a delay over its --max-req-timeout fails', async () => {
  const nsqd = await daemons.nsqd({ maxReqTimeout: 1000 })
  const producer = producing.producer({ nsqd: tcp(nsqd) })
  const outcomes = [producer.publish('t', 'x', { defer: 2000 }), producer.publish('t', 'y', { defer: 500 })]
  assert.deepEqual(await Promise.all(outcomes.map(outcomeOf)), ['E_INVALID', 'ok'])
})
