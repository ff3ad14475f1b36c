import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import type { Message } from '../../../src/index.ts'
import { pause, until } from '../../support/wait.ts'
import { Consuming } from './consuming.ts'

const consuming = new Consuming()
const exporter = new InMemorySpanExporter()

beforeEach(() => {
  exporter.reset()
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterEach(async () => {
  trace.disable()
  context.disable()
  await consuming.close()
})

function spans(): ReadableSpan[] {
  return exporter.getFinishedSpans()
}

test('handling a message is a span "process TOPIC", active in the handler and what it awaits', async () => {
  const nsqd = await consuming.nsqd()
  const active: (string | undefined)[] = []
  let id: string | undefined
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    handler: async message => {
      id = message.id
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      await pause(1)
      active.push(trace.getActiveSpan()?.spanContext().spanId)
    },
  })
  nsqd.queue('hello')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  const [span] = spans()
  assert.equal(span?.name, 'process t')
  assert.equal(span.kind, SpanKind.CONSUMER)
  assert.deepEqual(active, [span.spanContext().spanId, span.spanContext().spanId])
  assert.equal(span.attributes['messaging.system'], 'nsq')
  assert.equal(span.attributes['messaging.destination.name'], 't')
  assert.equal(span.attributes['messaging.consumer.group.name'], 'c')
  assert.equal(span.attributes['messaging.message.id'], id)
  assert.equal(span.attributes['messaging.message.body.size'], 5)
  assert.equal(span.attributes['server.port'], nsqd.port)
  assert.equal(span.status.code, SpanStatusCode.UNSET)
})

test('a handler that fails, at once or later, is a span with an error', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.redelivers = false
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    handler: message => {
      const error = new RangeError('too far')
      if (message.body.toString() === 'later') return Promise.reject(error)
      throw error
    },
  })
  nsqd.queue('now', 'later')
  await consumer.start()
  await until(() => spans().length === 2)
  for (const { status, attributes } of spans()) {
    assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'too far' })
    assert.equal(attributes['error.type'], 'RangeError')
  }
})

test('a handler that fails with an error whose message cannot be read harms nothing', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.redelivers = false
  const error = Object.defineProperty(new Error('hidden'), 'message', {
    get() {
      throw new Error('no message')
    },
  })
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    handler: message => {
      if (message.body.toString() === 'later') return Promise.reject(error)
      throw error
    },
  })
  nsqd.queue('now', 'later')
  await consumer.start()
  await until(() => nsqd.requeued.length === 2 && spans().length === 2)
  for (const { status } of spans()) assert.equal(status.code, SpanStatusCode.ERROR)
})

test('handlers that run at the same time have spans of their own, roots of their traces', async () => {
  const nsqd = await consuming.nsqd()
  const active: (string | undefined)[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    concurrency: 3,
    handler: async () => {
      await pause(2)
      active.push(trace.getActiveSpan()?.spanContext().spanId)
    },
  })
  nsqd.queue('1', '2', '3', '4', '5', '6')
  await consumer.start()
  await until(() => spans().length === 6)
  assert.equal(new Set(active).size, 6)
  assert.equal(new Set(spans().map(span => span.spanContext().traceId)).size, 6)
})

test('with onMessage the span ends with the answer, and the function runs in it', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const active: (string | undefined)[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 2,
    onMessage: message => {
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      held.push(message)
    },
  })
  nsqd.queue('1', '2')
  await consumer.start()
  await until(() => held.length === 2)
  assert.deepEqual(spans(), [])
  held[0]?.finish()
  held[1]?.requeue(1)
  assert.deepEqual(
    spans().map(span => span.spanContext().spanId),
    active,
  )
})

test('with for await the span lasts from the hand-out to the answer', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({ nsqd: nsqd.address })
  nsqd.queue('1')
  for await (const message of consumer) {
    assert.deepEqual(spans(), [])
    message.finish()
    assert.deepEqual(
      spans().map(({ name }) => name),
      ['process t'],
    )
    break
  }
})

test('a message that is lost ends its span, once, with an error', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const consumer = consuming.consumer({ nsqd: nsqd.address, onMessage: message => held.push(message) })
  nsqd.queue('1')
  await consumer.start()
  await until(() => held.length === 1)
  nsqd.open[0]?.socket.destroy()
  await until(() => held.length === 2)
  held[0]?.finish()
  assert.deepEqual(
    spans().map(({ attributes }) => attributes['error.type']),
    ['E_MESSAGE_LOST'],
  )
})
