/** nsqjs, the client most Node programs use today, against our nsqd and nsqlookupd. */
import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { afterEach, test } from 'node:test'
import { Consumer, Producer } from '../../src/index.ts'
import { Daemons, http, tcp } from '../client/daemons.ts'
import { until } from '../support/wait.ts'

interface NsqjsMessage {
  id: string
  body: Buffer
  attempts: number
  finish(): void
  requeue(delayMs: number, backoff: boolean): void
  touch(): void
}
type Done = (error?: Error) => void
interface Writer extends EventEmitter {
  connect(): void
  close(): void
  publish(topic: string, messages: string | Buffer | (string | Buffer)[], done: Done): void
  deferPublish(topic: string, messages: [string], delayMs: number, done: Done): void
}
interface Reader extends EventEmitter {
  connect(): void
  close(): void
}
interface Nsqjs {
  Writer: new (host: string, port: number) => Writer
  Reader: new (topic: string, channel: string, options: object) => Reader
}

// It comes without types; these are the parts used here.
const nsqjs: Nsqjs = createRequire(import.meta.url)('nsqjs')

const daemons = new Daemons()
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await daemons.close()
})

async function connectWriter({ port }: { port: number }): Promise<Writer> {
  const writer = new nsqjs.Writer('127.0.0.1', port)
  writer.connect()
  await once(writer, 'ready')
  closers.push(async () => {
    const closed = once(writer, 'closed')
    writer.close()
    await closed
  })
  return writer
}

/** Reads `t/c`; every message is finished unless `handle` answers it. */
function connectReader(options: object, handle: (message: NsqjsMessage) => boolean): void {
  const reader = new nsqjs.Reader('t', 'c', { maxInFlight: 100, ...options })
  reader.on('message', (message: NsqjsMessage) => {
    if (!handle(message)) message.finish()
  })
  // A connection that our nsqd closes at the end of a test is no failure of it.
  reader.on('error', () => {})
  reader.connect()
  closers.push(async () => reader.close())
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `message ${i}`)
}

function publish(writer: Writer, messages: string | Buffer | (string | Buffer)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    writer.publish('t', messages, error => (error ? reject(error) : resolve()))
  })
}

test('what nsqjs publishes, one by one and in batches, our consumer gets', async () => {
  const nsqd = await daemons.nsqd()
  const writer = await connectWriter(nsqd.tcpAddress)
  const seen: string[] = []
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    nsqd: tcp(nsqd),
    maxInFlight: 100,
    handler: message => seen.push(message.body.toString()),
  })
  closers.push(() => consumer.close(0))
  await consumer.start()
  const bodies = numbers(1000)
  for (let i = 0; i < 500; i += 100) await publish(writer, bodies.slice(i, i + 100))
  await Promise.all(bodies.slice(500).map(body => publish(writer, body)))
  await until(() => seen.length >= 1000)
  assert.deepEqual(seen.toSorted(), bodies.toSorted())
})

test('what our producer publishes, nsqjs gets', async () => {
  const nsqd = await daemons.nsqd()
  const seen: string[] = []
  connectReader({ nsqdTCPAddresses: tcp(nsqd) }, message => {
    seen.push(message.body.toString())
    return false
  })
  const producer = new Producer({ nsqd: tcp(nsqd) })
  closers.push(() => producer.close(0))
  const bodies = numbers(1000)
  await producer.publish('t', bodies.slice(0, 500))
  await Promise.all(bodies.slice(500).map(body => producer.publish('t', body)))
  await until(() => seen.length >= 1000)
  assert.deepEqual(seen.toSorted(), bodies.toSorted())
  await until(() => nsqd.topics.get('t')?.channels.get('c')?.inFlightCount === 0)
})

test('nsqjs finds our nsqds through our nsqlookupd', async () => {
  const nsqlookupd = await daemons.nsqlookupd()
  const registered = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  const nsqds = [await daemons.nsqd(registered), await daemons.nsqd(registered)]
  for (const nsqd of nsqds) await publish(await connectWriter(nsqd.tcpAddress), tcp(nsqd))
  await until(() => nsqlookupd.registry.producersOf('t').length === 2)
  const seen: string[] = []
  connectReader({ lookupdHTTPAddresses: http(nsqlookupd), lookupdPollInterval: 1 }, message => {
    seen.push(message.body.toString())
    return false
  })
  await until(() => seen.length === 2)
  assert.deepEqual(seen.toSorted(), nsqds.map(tcp).toSorted())
})

test('nsqjs requeues, touches and defers', async () => {
  const nsqd = await daemons.nsqd()
  const writer = await connectWriter(nsqd.tcpAddress)
  const seen: [string, number][] = []
  connectReader({ nsqdTCPAddresses: tcp(nsqd) }, message => {
    seen.push([message.body.toString(), message.attempts])
    message.touch()
    if (message.attempts === 1) message.requeue(50, false)
    return message.attempts === 1
  })
  await new Promise<void>((resolve, reject) => {
    writer.deferPublish('t', ['deferred'], 400, error => (error ? reject(error) : resolve()))
  })
  await publish(writer, Buffer.from('now'))
  await until(() => seen.length === 4)
  assert.deepEqual(seen, [
    ['now', 1],
    ['now', 2],
    ['deferred', 1],
    ['deferred', 2],
  ])
})
