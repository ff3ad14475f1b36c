/** Values: codecs and schemas in front of the handler, and what does not decode. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { z } from 'zod'
import { Consumer, json, raw, text, type NsqError, type StandardSchemaV1 } from '../../../src/index.ts'
import { until } from '../../support/wait.ts'
import { Consuming, TOPIC } from './consuming.ts'
import { QUICK } from '../rig.ts'

const consuming = new Consuming()
afterEach(() => consuming.close())

const STEADY = { ...TOPIC, ...QUICK, maxBackoffMs: 0, requeueDelayMs: 0, onError: consuming.onError }
const orders = z.object({ id: z.number(), note: z.string().default('none') })

test('a message has its body as value unless there is a codec', async () => {
  const nsqd = await consuming.nsqd()
  const seen: unknown[] = []
  for (const codec of [undefined, raw]) {
    const consumer = consuming.consumer({
      nsqd: nsqd.address,
      codec,
      handler: message => seen.push(message.value === message.body, message.value),
    })
    nsqd.queue('one')
    await consumer.start()
    await until(() => seen.length === 2)
    assert.deepEqual(seen, [true, Buffer.from('one')])
    seen.length = 0
    await consumer.close()
  }
})

test('a codec makes the values: text, json, or one of the program', async () => {
  const nsqd = await consuming.nsqd()
  const seen: unknown[] = []
  const note = ({ value }: { value: unknown }): unknown => seen.push(value)
  const connection = { ...STEADY, nsqd: nsqd.address }
  for (const create of [
    () => new Consumer({ ...connection, codec: text, handler: note }),
    () =>
      new Consumer({ ...connection, codec: json, onMessage: message => note(message) && message.finish() }),
    () => new Consumer({ ...connection, codec: { decode: bytes => bytes.length }, handler: note }),
  ]) {
    const consumer = consuming.closing(create())
    nsqd.queue('[1, "ü"]')
    await consumer.start()
    await until(() => nsqd.finished.length > 0 && nsqd.inFlight === 0)
    nsqd.finished.length = 0
    await consumer.close()
  }
  assert.deepEqual(seen, ['[1, "ü"]', [1, 'ü'], 9])
})

test('for await gets the values, too', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.queue('{"id": 1}', '{"id": 2}')
  const consumer = consuming.closing(new Consumer({ ...STEADY, nsqd: nsqd.address, schema: orders }))
  const seen: { id: number; note: string }[] = []
  for await (const message of consumer) {
    seen.push(message.value)
    message.finish()
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, [
    { id: 1, note: 'none' },
    { id: 2, note: 'none' },
  ])
})

test('what does not decode is given up at once, before any handler; so is what the schema refuses', async () => {
  const nsqd = await consuming.nsqd()
  const handled: unknown[] = []
  const dead: [string, string, unknown][] = []
  const consumer = consuming.closing(
    new Consumer({
      ...STEADY,
      nsqd: nsqd.address,
      codec: json,
      schema: orders,
      // Not even with attempts without end would they decode.
      maxAttempts: 0,
      handler: message => handled.push(message.value.id),
      deadLetter: (message, { code }) => dead.push([message.body.toString(), code, message.value]),
    }),
  )
  nsqd.queue('{', '{"id": "one"}', '{"id": 1}')
  await consumer.start()
  await until(() => nsqd.finished.length === 3)
  assert.deepEqual(handled, [1])
  assert.deepEqual(dead, [
    ['{', 'E_DECODE', undefined],
    ['{"id": "one"}', 'E_SCHEMA', undefined],
  ])
  assert.deepEqual(consuming.codes, ['E_DECODE', 'E_SCHEMA'])
  assert.match(consuming.errors[0]?.message ?? '', /message [0-9a-f]{16} of nsqd 127.* does not decode/)
  assert.match(consuming.errors[1]?.message ?? '', /id: /)
  assert.deepEqual(nsqd.requeued, [])
})

test('without a dead-letter topic or hook it is dropped, which is said', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.closing(
    new Consumer({ ...STEADY, nsqd: nsqd.address, codec: json, handler() {} }),
  )
  nsqd.queue('not json')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  assert.deepEqual(consuming.codes, ['E_DECODE', 'E_MAX_ATTEMPTS'])
})

test('what does not decode does not slow the consumer down', async () => {
  const nsqd = await consuming.nsqd()
  const options = { ...STEADY, maxBackoffMs: 120_000, backoffMultiplierMs: 3_600_000, maxInFlight: 3 }
  const consumer = consuming.closing(
    new Consumer({ ...options, nsqd: nsqd.address, codec: json, handler() {}, deadLetter: () => {} }),
  )
  nsqd.queue('no', 'no', '1', 'no', '2')
  await consumer.start()
  await until(() => nsqd.finished.length === 5)
  assert.deepEqual(nsqd.open[0]?.readies, [3])
})

/** A schema whose answers the test gives. */
function slowSchema(): {
  schema: StandardSchemaV1<unknown, string>
  answer: Map<string, (ok: boolean) => void>
} {
  const answer = new Map<string, (ok: boolean) => void>()
  const schema: StandardSchemaV1<unknown, string> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate(value) {
        const name = String(value)
        if (name.startsWith('quick')) return { value: name }
        return new Promise((resolve, reject) => {
          answer.set(name, ok => (ok ? resolve({ value: name.toUpperCase() }) : reject(new Error('no'))))
        })
      },
    },
  }
  return { schema, answer }
}

test('with an asynchronous schema messages come in order, and count as in flight meanwhile', async () => {
  const nsqd = await consuming.nsqd()
  const { schema, answer } = slowSchema()
  const seen: string[] = []
  const handled = (): string => seen.join()
  const consumer = consuming.closing(
    new Consumer({
      ...STEADY,
      nsqd: nsqd.address,
      codec: text,
      schema,
      maxInFlight: 4,
      handler: message => seen.push(message.value),
      deadLetter: message => seen.push(`dead ${message.body.toString()}`),
    }),
  )
  nsqd.queue('a', 'b', 'quick c', 'd', 'e')
  await consumer.start()
  await until(() => answer.size === 3)
  assert.equal(consumer.inFlight, 4)
  answer.get('d')?.(true)
  answer.get('b')?.(false)
  assert.equal(handled(), '')
  answer.get('a')?.(true)
  await until(() => nsqd.finished.length === 4)
  assert.equal(handled(), 'A,dead b,quick c,D')
  await until(() => answer.has('e'))
  answer.get('e')?.(true)
  await until(() => handled() === 'A,dead b,quick c,D,E')
})

test('closing gives back what a schema has not answered for', async () => {
  const nsqd = await consuming.nsqd()
  const { schema, answer } = slowSchema()
  const seen: string[] = []
  const consumer = consuming.closing(
    new Consumer({
      ...STEADY,
      nsqd: nsqd.address,
      codec: text,
      schema,
      maxInFlight: 3,
      handler: message => seen.push(message.value),
    }),
  )
  nsqd.queue('a', 'quick b')
  await consumer.start()
  await until(() => answer.size === 1 && nsqd.inFlight === 2)
  await consumer.close()
  assert.deepEqual(nsqd.requeued.map(({ body }) => body).toSorted(), ['a', 'quick b'])
  answer.get('a')?.(true)
  assert.deepEqual(seen, [])
})

test('a message that is lost while its schema checks it is not handled', async () => {
  const nsqd = await consuming.nsqd()
  const { schema, answer } = slowSchema()
  const seen: [string, number][] = []
  const consumer = consuming.closing(
    new Consumer({
      ...STEADY,
      nsqd: nsqd.address,
      codec: text,
      schema,
      handler: message => seen.push([message.value, message.attempts]),
    }),
  )
  nsqd.queue('a')
  await consumer.start()
  await until(() => answer.size === 1)
  const first = answer.get('a')
  answer.clear()
  nsqd.open[0]?.socket.destroy()
  await until(() => answer.size === 1)
  first?.(true)
  answer.get('a')?.(true)
  await until(() => nsqd.finished.length === 1)
  assert.deepEqual(seen, [['A', 2]])
})

test('a validator that throws, or answers with nonsense, is a message that does not decode', async () => {
  const nsqd = await consuming.nsqd()
  const answers: (() => unknown)[] = [
    () => {
      throw new Error('broken')
    },
    () => undefined,
    () => Promise.reject(new Error('broken later')),
  ]
  const dead: NsqError[] = []
  // As from a program without types.
  const schema = JSON.parse('{"~standard": {}}')
  schema['~standard'].validate = () => answers.shift()?.()
  const consumer = consuming.closing(
    new Consumer({
      ...STEADY,
      nsqd: nsqd.address,
      codec: text,
      schema,
      handler() {},
      deadLetter: (_message, error) => dead.push(error),
    }),
  )
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => nsqd.finished.length === 3)
  assert.equal(dead.length, 3)
})

test('codec and schema are checked', () => {
  const good = { ...TOPIC, nsqd: 'localhost' }
  // As from a program without types.
  const options = { codec: JSON.parse('{}'), schema: JSON.parse('{}') }
  const { codec, schema } = options
  assert.throws(() => new Consumer({ ...good, codec }), { code: 'E_OPTION', message: /codec/ })
  assert.throws(() => new Consumer({ ...good, schema }), { code: 'E_OPTION', message: /schema/ })
})
