import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { Producer } from '../../src/client/producer/producer.ts'
import type { ProducerOptions } from '../../src/client/producer/producer-options.ts'
import { tracing } from '../../src/client/tracing.ts'
import { NsqError } from '../../src/util/errors.ts'
import { version } from '../../src/util/version.ts'
import { FakeNsqd } from './fake-nsqd.ts'

const closers: (() => Promise<void>)[] = []
const exporter = new InMemorySpanExporter()

beforeEach(() => {
  exporter.reset()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})

afterEach(async () => {
  trace.disable()
  context.disable()
  for (const close of closers.splice(0).reverse()) await close()
})

async function startNsqd(): Promise<FakeNsqd> {
  const fake = await FakeNsqd.start()
  closers.push(() => fake.close())
  return fake
}

function createProducer(options: ProducerOptions): Producer {
  const producer = new Producer({ reconnectDelayMs: 5, ...options })
  closers.push(() => producer.close(0))
  return producer
}

/** A module of ours, as a string literal. */
function source(path: string): string {
  return JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)
}

/** The spans that have ended, and nothing else of them than what the conventions are about. */
function spans(): Pick<ReadableSpan, 'name' | 'kind' | 'attributes' | 'status'>[] {
  return exporter
    .getFinishedSpans()
    .map(({ name, kind, attributes, status }) => ({ name, kind, attributes, status }))
}

const PUBLISH = {
  'messaging.system': 'nsq',
  'messaging.system.name': 'nsq',
  'messaging.operation.name': 'publish',
  'messaging.operation.type': 'send',
}

test('a publish is a span, by the conventions', async () => {
  const nsqd = await startNsqd()
  const producer = createProducer({ nsqd: nsqd.address })
  await Promise.all([producer.publish('t', 'é'), producer.publish('t', ['x', 'y'])])
  await producer.publish('u', 'later', { defer: 10 })
  const server = { 'server.address': '127.0.0.1', 'server.port': nsqd.port }
  const common = { kind: SpanKind.PRODUCER, status: { code: SpanStatusCode.UNSET } }
  const onT = { ...PUBLISH, 'messaging.destination.name': 't', ...server }
  assert.deepEqual(spans(), [
    { ...common, name: 'publish t', attributes: { ...onT, 'messaging.message.body.size': 2 } },
    { ...common, name: 'publish t', attributes: { ...onT, 'messaging.batch.message_count': 2 } },
    {
      ...common,
      name: 'publish u',
      attributes: { ...onT, 'messaging.destination.name': 'u', 'messaging.message.body.size': 5 },
    },
  ])
  assert.deepEqual(
    exporter.getFinishedSpans().map(span => span.instrumentationScope),
    Array.from({ length: 3 }, () => ({ name: 'nsq-ts', version, schemaUrl: undefined })),
  )
})

test('it is the child of what published, and as long as the promise', async () => {
  const nsqd = await startNsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = createProducer({ nsqd: nsqd.address, publishTimeoutMs: 30 })
  const tracer = trace.getTracer('test')
  await tracer.startActiveSpan('request', async parent => {
    const published = producer.publish('t', 'x')
    assert.equal(exporter.getFinishedSpans().length, 0)
    await assert.rejects(published, { code: 'E_PUBLISH_TIMEOUT' })
    assert.equal(exporter.getFinishedSpans()[0]?.parentSpanContext?.spanId, parent.spanContext().spanId)
    parent.end()
  })
})

test('one that fails says why', async () => {
  const nsqd = await startNsqd()
  nsqd.answerPublish = () => ({ error: 'E_BAD_MESSAGE PUB message too big' })
  const producer = createProducer({ nsqd: nsqd.address, maxMessageBytes: 10 })
  const outcomes = [
    producer.publish('t', 'x'),
    producer.publish('t', 'y'),
    producer.publish('t', 'x'.repeat(11)),
  ]
  await Promise.all(outcomes.map(outcome => assert.rejects(outcome)))
  await producer.close()
  await assert.rejects(producer.publish('t', 'x'))
  assert.deepEqual(
    spans().map(({ attributes, status }) => [attributes['error.type'], status.code]),
    ['E_MESSAGE_TOO_BIG', 'E_BAD_MESSAGE', 'E_BAD_MESSAGE', 'E_CLOSED'].map(code => [
      code,
      SpanStatusCode.ERROR,
    ]),
  )
  assert.match(spans()[1]?.status.message ?? '', /message too big/)
})

test('every one of thousands of spans ends', async () => {
  const nsqd = await startNsqd()
  let drops = 3
  nsqd.answerPublish = () => (drops-- > 0 ? 'drop' : 'ok')
  const producer = createProducer({ nsqd: nsqd.address, maxPendingBytes: 2000, retries: 5 })
  await Promise.all(Array.from({ length: 2000 }, (_, i) => producer.publish('t', String(i))))
  assert.equal(spans().length, 2000)
})

test('processing a message is a span, active while it runs', () => {
  const at = { topic: 't', channel: 'c', id: '0123456789abcdef', size: 5 }
  const span = tracing()?.process({ ...at, nsqd: '[::1]:4150' })
  assert.ok(span !== undefined)
  const inner = span.run(() => {
    trace.getTracer('test').startSpan('query').end()
    return 'result'
  })
  assert.equal(inner, 'result')
  span.end(new NsqError('E_DECODE', 'it does not decode'))
  tracing()
    ?.process({ ...at, nsqd: '/run/nsqd.sock' })
    .end(new RangeError('out of range'))
  tracing()
    ?.process({ ...at, nsqd: '/run/nsqd.sock' })
    .end('a string')
  const [query, process] = exporter.getFinishedSpans()
  assert.equal(query?.parentSpanContext?.spanId, process?.spanContext().spanId)
  const attributes = {
    'messaging.system': 'nsq',
    'messaging.system.name': 'nsq',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': 't',
    'messaging.consumer.group.name': 'c',
    'messaging.message.id': '0123456789abcdef',
    'messaging.message.body.size': 5,
  }
  const { ERROR } = SpanStatusCode
  assert.deepEqual(spans().slice(1), [
    {
      name: 'process t',
      kind: SpanKind.CONSUMER,
      attributes: { ...attributes, 'server.address': '::1', 'server.port': 4150, 'error.type': 'E_DECODE' },
      status: { code: ERROR, message: 'it does not decode' },
    },
    {
      name: 'process t',
      kind: SpanKind.CONSUMER,
      attributes: { ...attributes, 'server.address': '/run/nsqd.sock', 'error.type': 'RangeError' },
      status: { code: ERROR, message: 'out of range' },
    },
    {
      name: 'process t',
      kind: SpanKind.CONSUMER,
      attributes: { ...attributes, 'server.address': '/run/nsqd.sock', 'error.type': '_OTHER' },
      status: { code: ERROR },
    },
  ])
})

test('without a provider there is nothing to do, until one is registered, and after it is gone', () => {
  const first = tracing()
  assert.ok(first !== undefined)
  assert.equal(tracing(), first)
  trace.disable()
  assert.equal(tracing(), undefined)
  trace.setGlobalTracerProvider(new BasicTracerProvider())
  const second = tracing()
  assert.ok(second !== undefined && second !== first)
})

test('without @opentelemetry/api there is none, and publishing works', async () => {
  const nsqd = await startNsqd()
  const program = `
    import Module from 'node:module'
    const resolve = Module._resolveFilename
    Module._resolveFilename = function (name, ...rest) {
      if (name.startsWith('@opentelemetry/')) {
        console.log('asked for ' + name)
        throw Object.assign(new Error('Cannot find module ' + name), { code: 'MODULE_NOT_FOUND' })
      }
      return resolve.call(this, name, ...rest)
    }
    const { Producer } = await import(${source('client/producer/producer.ts')})
    const { tracing } = await import(${source('client/tracing.ts')})
    const producer = new Producer({ nsqd: '${nsqd.address}' })
    await producer.publish('t', 'one')
    await producer.publish('t', ['two', 'three'])
    await producer.close()
    console.log(tracing())
  `
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  )
  assert.equal(stdout, 'asked for @opentelemetry/api\nundefined\n')
  assert.deepEqual(nsqd.bodies, ['one', 'two', 'three'])
})
