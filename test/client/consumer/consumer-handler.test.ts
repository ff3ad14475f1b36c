/** Handlers that misbehave. That nothing is left unhandled is checked for all: the process has no handler for it. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Consumer } from '../../../src/index.ts'
import type { Message } from '../../../src/index.ts'
import { until } from '../../support/wait.ts'
import { Consuming, TOPIC } from './consuming.ts'
import { QUICK } from '../rig.ts'

const consuming = new Consuming()
afterEach(() => consuming.close())

test('a handler that always fails ends: the message is given up after maxAttempts', async () => {
  const nsqd = await consuming.nsqd()
  let calls = 0
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    handler: async () => {
      calls++
      throw new Error('never')
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  assert.equal(calls, 5)
  assert.deepEqual(nsqd.requeued.length, 4)
  await until(() => consuming.codes.includes('E_MAX_ATTEMPTS'))
})

test('a handler that never settles keeps its message and its place, and close does not wait for ever', async () => {
  const nsqd = await consuming.nsqd()
  const seen: string[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 3,
    concurrency: 2,
    handler: message => {
      seen.push(message.body.toString())
      if (seen.length === 1) return new Promise(() => {})
      return undefined
    },
  })
  nsqd.queue('stuck', '2', '3', '4')
  await consumer.start()
  await until(() => nsqd.finished.length === 3)
  assert.equal(consumer.inFlight, 1)
  await consumer.close(20)
  await until(() => nsqd.inFlight === 0)
  assert.deepEqual(nsqd.finished, ['2', '3', '4'])
})

for (const [what, thrown] of [
  ['undefined', undefined],
  ['a text', 'oops'],
  ['null', null],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', Object.create(null)],
  ['an error whose message cannot be read', unreadable()],
] as [string, unknown][]) {
  for (const how of ['throws', 'rejects with'] as const) {
    test(`a handler that ${how} ${what}: the message is requeued and onError told`, async () => {
      const nsqd = await consuming.nsqd()
      nsqd.redelivers = false
      const consumer = consuming.consumer({
        nsqd: nsqd.address,
        handler: () => {
          if (how === 'rejects with') return Promise.reject(thrown)
          throw thrown
        },
      })
      nsqd.queue('1', '2')
      await consumer.start()
      await until(() => nsqd.requeued.length === 2)
      assert.deepEqual(consuming.codes, ['E_HANDLER', 'E_HANDLER'])
      assert.equal(consuming.errors[0]?.cause, thrown)
    })
  }
}

test('a handler that finishes its message and then throws: the FIN counts, the error is told', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 1,
    handler: async message => {
      message.finish()
      throw new Error('afterwards')
    },
  })
  nsqd.queue('1', '2')
  await consumer.start()
  await until(() => consuming.errors.length === 2)
  await until(() => nsqd.finished.length === 2)
  assert.deepEqual(consuming.codes, ['E_HANDLER', 'E_HANDLER'])
  assert.deepEqual(nsqd.requeued, [])
})

test('a handler that answers, throws or resolves after the connection was lost harms nothing', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const endings: (() => void)[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 3,
    concurrency: 3,
    handler: message => {
      if (message.attempts > 1) return undefined
      held.push(message)
      return new Promise<void>((resolve, reject) => {
        endings.push(endings.length === 0 ? resolve : () => reject(new Error('too late')))
      })
    },
  })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => held.length === 3)
  nsqd.open[0]?.socket.destroy()
  await until(() => held.every(({ isLive }) => !isLive))
  const [, , third] = held
  assert.deepEqual([third?.touch(), third?.finish(), third?.requeue()], [false, false, false])
  for (const end of endings) end()
  await until(() => nsqd.sessions.length === 2)
  nsqd.queue('4')
  // Three places, of which none is taken for good by the handlers of the lost messages.
  await until(() => nsqd.finished.includes('1') && nsqd.finished.includes('2') && nsqd.finished.includes('3'))
})

test('a handler may return anything that has a then, also one that throws', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.redelivers = false
  const results: unknown[] = [
    thenable(() => (resolve: () => void) => setImmediate(resolve)),
    thenable(() => {
      throw new Error('no then')
    }),
    thenable(() => 'a word'),
    () => {},
  ]
  const consumer = consuming.consumer({ nsqd: nsqd.address, handler: () => results.shift() })
  nsqd.queue('1', '2', '3', '4')
  await consumer.start()
  await until(() => nsqd.finished.length === 3 && nsqd.requeued.length === 1)
  assert.equal(nsqd.requeued[0]?.body, '2')
})

test('an onMessage that is asynchronous and rejects: the message is requeued', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.redelivers = false
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    onMessage: async () => {
      throw new Error('oops')
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.requeued.length === 1)
  assert.deepEqual(consuming.codes, ['E_HANDLER'])
})

test('an onError that throws or rejects is a warning of the process, and everything goes on', async () => {
  const nsqd = await consuming.nsqd()
  const warnings: Error[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  let calls = 0
  const consumer = consuming.closing(
    new Consumer({
      ...TOPIC,
      ...QUICK,
      nsqd: nsqd.address,
      maxBackoffMs: 0,
      requeueDelayMs: 0,
      onError: async () => {
        calls++
        throw new Error('in onError')
      },
      handler: async message => {
        if (message.attempts === 1) throw new Error('once')
      },
    }),
  )
  nsqd.queue('1', '2')
  await consumer.start()
  await until(() => nsqd.finished.length === 2)
  await until(() => warnings.length === 2)
  process.off('warning', listen)
  assert.equal(calls, 2)
  assert.match(warnings[0]?.message ?? '', /onError failed: in onError/)
})

test('a handler may close the consumer, as long as it does not wait for that', async () => {
  const nsqd = await consuming.nsqd()
  let closed: Promise<void> | undefined
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 3,
    handler: async () => {
      closed = consumer.close()
    },
  })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => closed !== undefined)
  await closed
  assert.deepEqual(nsqd.finished, ['1'])
  assert.deepEqual(nsqd.requeued.map(({ body }) => body).toSorted(), ['2', '3'])
})

function thenable(get: () => unknown): object {
  const [, name = ''] = /(then)/.exec('thenable') ?? []
  return Object.defineProperty({}, name, { get })
}

function unreadable(): Error {
  return Object.defineProperty(new Error('hidden'), 'message', {
    get() {
      throw new Error('no message')
    },
  })
}
