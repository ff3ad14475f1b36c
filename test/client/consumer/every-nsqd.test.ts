import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer } from '../../../src/client/consumer/consumer.ts'
import { until } from '../../support/wait.ts'
import { Daemons, http, tcp } from '../daemons.ts'

test('everyNsqd: also an nsqd that does not have the topic is subscribed to', async t => {
  const daemons = new Daemons()
  t.after(() => daemons.close())
  const nsqlookupd = await daemons.nsqlookupd()
  const address = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  const nsqds = [await daemons.nsqd(address), await daemons.nsqd(address)]
  const got: string[] = []
  const consumer = new Consumer({
    topic: 'answers',
    channel: 'mine',
    lookupd: http(nsqlookupd),
    lookupPollIntervalMs: 20,
    everyNsqd: true,
    maxInFlight: 2,
    handler: ({ body }) => got.push(body.toString()),
  })
  t.after(() => consumer.close(0))
  await consumer.start()
  await until(() => consumer.connections.length === 2)
  for (const [index, nsqd] of nsqds.entries()) await nsqd.publish('answers', [Buffer.from(`of ${index}`)], 0)
  await until(() => got.length === 2)
  assert.deepEqual(got.toSorted(), ['of 0', 'of 1'])
})
