/** What programs without types may give for options. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer, NsqError, Producer } from '../../src/index.ts'

/** As in JavaScript: whatever the program gives. */
function producer(...options: unknown[]): unknown {
  return Reflect.construct(Producer, options)
}

function consumer(...options: unknown[]): unknown {
  return Reflect.construct(Consumer, options)
}

const nsqd = '127.0.0.1:1'
const subscription = { topic: 't', channel: 'c', nsqd }

function refusal(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    assert.ok(error instanceof NsqError, String(error))
    return [error.code, error.message, ...(error.remedy === undefined ? [] : [error.remedy])].join(' | ')
  }
  throw new Error('taken')
}

test('an option that does not exist is refused, with what is near', () => {
  const wrong: [() => unknown, string][] = [
    [() => producer({ nsqd, retrys: 1 }), 'a producer has no option "retrys" | Did you mean retries?'],
    [() => producer({ nsqd, maxInFlight: 1 }), 'a producer has no option "maxInFlight"'],
    [
      () => consumer({ ...subscription, maxInflight: 1 }),
      'a consumer has no option "maxInflight" | Did you mean maxInFlight?',
    ],
    [
      () => consumer({ ...subscription, nsqdTCPAddresses: nsqd }),
      'a consumer has no option "nsqdTCPAddresses"',
    ],
    [
      () => consumer({ ...subscription, tls: { servername: 'x' } }),
      'tls has no option "servername" | Did you mean serverName?',
    ],
    [
      () => consumer({ ...subscription, dedupe: { sizes: 1 } }),
      'dedupe has no option "sizes" | Did you mean size?',
    ],
    [() => consumer({ ...subscription, toString: 1 }), 'a consumer has no option "toString"'],
  ]
  for (const [make, text] of wrong) assert.equal(refusal(make), `E_OPTION | ${text}`)
})

test('what is no options, or of another type, is refused', () => {
  const wrong: [() => unknown, string][] = [
    [() => producer(), 'the options of a producer must be an object'],
    [() => producer('127.0.0.1', 4150), 'the options of a producer must be an object'],
    [() => consumer(null), 'the options of a consumer must be an object'],
    [() => producer({ nsqd: 4150 }), 'nsqd must be an address or a list of addresses'],
    [() => producer({ lookupd: [4161] }), 'lookupd must be an address or a list of addresses'],
    [() => producer({ nsqd, clientId: 7 }), 'clientId must be a text'],
    [() => producer({ nsqd, onError: true }), 'onError must be a function'],
    [() => consumer({ ...subscription, handler: 'x' }), 'handler must be a function'],
    [() => consumer({ ...subscription, onMessage: {} }), 'onMessage must be a function'],
    [() => consumer({ ...subscription, dedupe: 'id' }), 'the options of dedupe must be an object'],
    [
      () => consumer({ ...subscription, maxInFlight: '5' }),
      'maxInFlight must be an integer from 1 to 1000000, not "5"',
    ],
  ]
  for (const [make, text] of wrong) assert.equal(refusal(make), `E_OPTION | ${text}`)
  assert.match(
    refusal(() => consumer({ channel: 'c', nsqd })),
    /^E_BAD_TOPIC \| "undefined" is not/,
  )
  assert.match(
    refusal(() => consumer({ topic: 't', nsqd })),
    /^E_BAD_CHANNEL \| "undefined" is not/,
  )
})

test('an option that is undefined is one that is not given', () => {
  producer({ nsqd, lookupd: undefined, clientId: undefined, onError: undefined })
  consumer({ ...subscription, handler: undefined, dedupe: undefined })
})

test('publish refuses what are no options of its own', async () => {
  const idle = new Producer({ nsqd })
  const publish = (topic: unknown, options?: unknown): unknown =>
    Reflect.apply(Producer.prototype.publish.bind(idle), idle, [topic, 'x', options])
  for (const [options, message] of [
    [{ delay: 500 }, 'publish has no option "delay"'],
    [500, 'the options of publish must be an object'],
    [() => {}, 'the options of publish must be an object'],
    [{ defer: '5' }, 'defer must be an integer from 0 to 3600000, not "5"'],
  ] as const) {
    await assert.rejects(async () => publish('t', options), { message })
  }
  await assert.rejects(async () => publish(undefined), { code: 'E_BAD_TOPIC' })
  await idle.close(0)
})
