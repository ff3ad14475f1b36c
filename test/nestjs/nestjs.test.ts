import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ConsoleLogger, type INestApplicationContext, type INestMicroservice } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { ClientProxy } from '@nestjs/microservices'
import { lastValueFrom, toArray } from 'rxjs'
import { Consumer } from '../../src/client/consumer/consumer.ts'
import { Producer } from '../../src/client/producer/producer.ts'
import { NsqClient, NsqServer, type NsqServerOptions } from '../../src/nestjs/index.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import { NsqError } from '../../src/util/errors.ts'
import { Daemons, http, tcp } from '../client/daemons.ts'
import { until } from '../support/wait.ts'
import { OrdersModule, Seen, Shop, shopModule } from './application.ts'

class Quiet extends ConsoleLogger {
  override error(): void {}
  override warn(): void {}
  override log(): void {}
}
const logger = new Quiet()

describe('a Nest application', () => {
  const daemons = new Daemons()
  const errors: NsqError[] = []
  let nsqd: Nsqd
  let server: INestMicroservice
  let shop: INestApplicationContext
  let client: ClientProxy
  let seen: Seen

  before(async () => {
    nsqd = await daemons.nsqd()
    server = await startServer({ nsqd: tcp(nsqd), channel: 'billing', onError: error => errors.push(error) })
    seen = server.get(Seen)
    shop = await NestFactory.createApplicationContext(shopModule({ nsqd: tcp(nsqd) }), { logger })
    client = shop.get(Shop).client
  })
  after(async () => {
    await client.close()
    await shop.close()
    await server.close()
    await daemons.close()
  })

  const eventsOf = (...handlers: string[]): Seen['events'] =>
    seen.events.filter(({ handler }) => handlers.includes(handler))

  test('an event reaches each channel once', async () => {
    await lastValueFrom(client.emit('orders', { order: 1 }), { defaultValue: undefined })
    await until(() => eventsOf('billed', 'mailed').length === 2)
    assert.deepEqual(
      eventsOf('billed', 'mailed').map(({ data, attempts }) => ({ data, attempts })),
      [
        { data: { order: 1 }, attempts: 1 },
        { data: { order: 1 }, attempts: 1 },
      ],
    )
  })

  test('an event is plain JSON, for any consumer; and any producer can send one', async t => {
    const bodies: string[] = []
    const consumer = new Consumer({
      topic: 'elsewhere',
      channel: 'c',
      nsqd: tcp(nsqd),
      handler: ({ body }) => bodies.push(body.toString()),
    })
    t.after(() => consumer.close(0))
    await consumer.start()
    for (const data of [{ a: 1 }, 'text', 5, { pattern: 'elsewhere', data: 1 }]) {
      await lastValueFrom(client.emit('elsewhere', data), { defaultValue: undefined })
    }
    await until(() => bodies.length === 4)
    assert.deepEqual(bodies, [
      '{"a":1}',
      '"text"',
      '5',
      // What looks like a packet goes inside one.
      '{"pattern":"elsewhere","data":{"pattern":"elsewhere","data":1}}',
    ])
    const count = eventsOf('billed').length
    const cloudEvent = { type: 'order', data: { order: 2 } }
    await publish('orders', JSON.stringify(cloudEvent))
    await until(() => eventsOf('billed').length > count)
    assert.deepEqual(eventsOf('billed').at(-1)?.data, cloudEvent)
  })

  test('what looks like a packet arrives as it was', async () => {
    const count = eventsOf('billed').length
    const data = { pattern: 'orders', data: { order: 3 } }
    client.emit('orders', data)
    await until(() => eventsOf('billed').length > count)
    assert.deepEqual(eventsOf('billed').at(-1)?.data, data)
  })

  for (const how of ['throw', 'reject', 'observable']) {
    test(`an event whose handler fails comes again: ${how}`, async () => {
      client.emit('failing', how)
      const ofThis = (): Seen['events'] => eventsOf('failing').filter(({ data }) => data === how)
      await until(() => ofThis().length === 2)
      assert.deepEqual(
        ofThis().map(({ attempts }) => attempts),
        [1, 2],
      )
      await until(() =>
        errors.some(({ code, message }) => code === 'E_HANDLER' && message.includes('not now')),
      )
    })
  }

  test('an event that fails for good, or that is no JSON, is a dead letter', async t => {
    const bodies: string[] = []
    const consumer = new Consumer({
      topic: 'poison-dead',
      channel: 'c',
      nsqd: tcp(nsqd),
      handler: ({ body }) => bodies.push(body.toString()),
    })
    t.after(() => consumer.close(0))
    await consumer.start()
    client.emit('poison', 'x')
    await until(() => bodies.length === 1)
    await publish('poison', 'no JSON')
    await until(() => bodies.length === 2)
    assert.deepEqual(bodies, ['"x"', 'no JSON'])
  })

  test('a handler may answer its message itself', async () => {
    client.emit('answered', 1)
    await until(() => eventsOf('answered').length === 2)
    assert.deepEqual(
      eventsOf('answered').map(({ attempts }) => attempts),
      [1, 2],
    )
  })

  test('a request gets its reply; several at once, each its own', async () => {
    assert.equal(await lastValueFrom(client.send('sum', [1, 2, 3])), 6)
    const sums = Array.from({ length: 50 }, (_, n) => lastValueFrom(client.send<number>('sum', [n, n])))
    assert.deepEqual(
      await Promise.all(sums),
      Array.from({ length: 50 }, (_, n) => 2 * n),
    )
  })

  test('a reply may be a stream, and empty', async () => {
    assert.deepEqual(await lastValueFrom(client.send('count-to', 5).pipe(toArray())), [1, 2, 3, 4, 5])
    assert.deepEqual(await lastValueFrom(client.send('nothing', {}).pipe(toArray())), [])
  })

  test('an RpcException comes back; what another error says does not', async () => {
    await assert.rejects(lastValueFrom(client.send('refuse', 'rpc')), thrown => {
      assert.deepEqual(thrown, { code: 'E_STOCK', left: 0 })
      return true
    })
    await assert.rejects(lastValueFrom(client.send('refuse', 'other')), thrown => {
      assert.deepEqual(thrown, { status: 'error', message: 'Internal server error' })
      return true
    })
  })

  test('a request that nobody answers fails in its time, and leaves nothing behind', async t => {
    const impatient = new NsqClient({ nsqd: tcp(nsqd), requestTimeoutMs: 30 })
    t.after(() => impatient.close())
    await assert.rejects(lastValueFrom(impatient.send('nobody', 1)), { code: 'E_REPLY_TIMEOUT' })
  })

  test('close fails what still waits', async t => {
    const leaving = new NsqClient({ nsqd: tcp(nsqd) })
    t.after(() => leaving.close())
    const topics = nsqd.topics.size
    const reply = assert.rejects(lastValueFrom(leaving.send('nobody', 1)), { code: 'E_CLOSED' })
    await until(() => nsqd.topics.size > topics)
    await leaving.close()
    await reply
    assert.throws(() => leaving.unwrap(), { code: 'E_CLOSED' })
  })

  test('a request that wants its reply in a topic that stays is not answered', async () => {
    const count = errors.length
    const request = { pattern: 'sum', data: [1], id: '1', replyTo: 'orders' }
    const before = eventsOf('billed').length
    await publish('sum', JSON.stringify(request))
    await until(() => errors.length > count)
    assert.match(errors.at(-1)?.message ?? '', /ephemeral/)
    assert.equal(eventsOf('billed').length, before)
  })

  async function publish(topic: string, body: string): Promise<void> {
    const producer = new Producer({ nsqd: tcp(nsqd) })
    await producer.publish(topic, body)
    await producer.close()
  }
})

test('through nsqlookupd: a reply comes from whichever nsqd the request went to', async t => {
  const daemons = new Daemons()
  t.after(() => daemons.close())
  const nsqlookupd = await daemons.nsqlookupd()
  const address = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  await daemons.nsqd(address)
  await daemons.nsqd(address)
  const lookupd = { lookupd: http(nsqlookupd), lookupPollIntervalMs: 20 }
  const client = new NsqClient({ ...lookupd, strategy: 'round-robin' })
  t.after(() => client.close())
  const server = await startServer({ ...lookupd, channel: 'c' })
  t.after(() => server.close())
  for (let n = 0; n < 6; n++) assert.equal(await lastValueFrom(client.send('sum', [n, 1])), n + 1)
})

test('a server that reaches no nsqd, or has a pattern that is no topic, does not listen', async () => {
  await assert.rejects(startServer({ nsqd: '127.0.0.1:1', channel: 'c' }), { code: 'E_CONNECT' })
  const server = new NsqServer({ nsqd: '127.0.0.1:1', channel: 'c' })
  server.addHandler({ cmd: 'sum' }, async () => undefined)
  const error = await new Promise(resolve => void server.listen(resolve))
  assert.ok(error instanceof NsqError)
  assert.equal(error.code, 'E_BAD_TOPIC')
})

async function startServer(options: NsqServerOptions): Promise<INestMicroservice> {
  const app = await NestFactory.createMicroservice(OrdersModule, { strategy: new NsqServer(options), logger })
  await app.listen()
  return app
}
