/** nsqjs, the client most Node programs use today, against our nsqd and nsqlookupd. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Consumer, Producer } from '../../src/index.ts'
import { http, tcp } from '../client/daemons.ts'
import { until } from '../support/wait.ts'
import { Interop, publish } from './nsqjs.ts'

let interop: Interop
beforeEach(() => {
  interop = new Interop()
})
afterEach(() => interop.close())

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `message ${i}`)
}

test('what nsqjs publishes, one by one and in batches, our consumer gets', async () => {
  const nsqd = await interop.daemons.nsqd()
  const writer = await interop.writer(nsqd.tcpAddress)
  const seen: string[] = []
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    nsqd: tcp(nsqd),
    maxInFlight: 100,
    handler: message => seen.push(message.body.toString()),
  })
  interop.onClose(() => consumer.close(0))
  await consumer.start()
  const bodies = numbers(1000)
  for (let i = 0; i < 500; i += 100) await publish(writer, bodies.slice(i, i + 100))
  await Promise.all(bodies.slice(500).map(body => publish(writer, body)))
  await until(() => seen.length >= 1000)
  assert.deepEqual(seen.toSorted(), bodies.toSorted())
})

test('what our producer publishes, nsqjs gets', async () => {
  const nsqd = await interop.daemons.nsqd()
  const seen: string[] = []
  interop.reader({ nsqdTCPAddresses: tcp(nsqd) }, message => {
    seen.push(message.body.toString())
    return false
  })
  const producer = new Producer({ nsqd: tcp(nsqd) })
  interop.onClose(() => producer.close(0))
  const bodies = numbers(1000)
  await producer.publish('t', bodies.slice(0, 500))
  await Promise.all(bodies.slice(500).map(body => producer.publish('t', body)))
  await until(() => seen.length >= 1000)
  assert.deepEqual(seen.toSorted(), bodies.toSorted())
  await until(() => nsqd.topics.get('t')?.channels.get('c')?.inFlightCount === 0)
})

test('nsqjs finds our nsqds through our nsqlookupd', async () => {
  const nsqlookupd = await interop.daemons.nsqlookupd()
  const registered = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  const nsqds = [await interop.daemons.nsqd(registered), await interop.daemons.nsqd(registered)]
  for (const nsqd of nsqds) await publish(await interop.writer(nsqd.tcpAddress), tcp(nsqd))
  await until(() => nsqlookupd.registry.producersOf('t').length === 2)
  const seen: string[] = []
  interop.reader({ lookupdHTTPAddresses: http(nsqlookupd), lookupdPollInterval: 1 }, message => {
    seen.push(message.body.toString())
    return false
  })
  await until(() => seen.length === 2)
  assert.deepEqual(seen.toSorted(), nsqds.map(tcp).toSorted())
})

test('nsqjs requeues, touches and defers', async () => {
  const nsqd = await interop.daemons.nsqd()
  const writer = await interop.writer(nsqd.tcpAddress)
  const seen: [string, number][] = []
  interop.reader({ nsqdTCPAddresses: tcp(nsqd) }, message => {
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
