import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { fin, identify, mpub, pub, rdy, req, sub, touch } from '../../src/protocol/command.ts'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import { type Given, type Running, start } from '../nsqd/running.ts'
import { tlsFiles } from '../nsqd/tls-fixtures.ts'
import { upgrade } from '../nsqd/upgrades.ts'
import { type Spawned, spawnNsqd } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'

/** Longer than any test: who waits for this deadline fails. */
const UNHURRIED = 3_600_000

/** Told to stop, and not yet done; the promise is not awaited. */
interface Stopping {
  readonly running: Running
  readonly stopped: Promise<void>
  isStopped: boolean
}

function stop(running: Running): Stopping {
  const stopping = { running, stopped: running.nsqd.close(), isStopped: false }
  void stopping.stopped.then(
    () => (stopping.isStopped = true),
    () => {},
  )
  return stopping
}

/** A consumer that has these messages in hand, of which there are two more. */
async function inHand(
  t: TestContext,
  count: number,
  given: Given = {},
): Promise<{ running: Running; consumer: RawClient; ids: string[] }> {
  const running = await start(t, { shutdownTimeout: UNHURRIED, ...given })
  const bodies = Array.from({ length: count + 2 }, (_, i) => `m${i}`)
  running.nsqd.topic('t').channel('c')
  await running.publish(...bodies)
  const consumer = await running.subscribe(count)
  const ids = (await consumer.messages(count)).map(({ id }) => id)
  return { running, consumer, ids }
}

describe('an nsqd that is told to stop', () => {
  test('waits for what consumers have in hand, and delivers nothing new', async t => {
    const { running, consumer, ids } = await inHand(t, 3)
    const stopping = stop(running)
    const [first = '', second = '', third = ''] = ids
    consumer.send(fin(first), rdy(100))
    await consumer.settled()
    assert.equal(running.channel().inFlightCount, 2)
    assert.deepEqual(consumer.waiting, [])
    consumer.send(touch(second), req(third, 0))
    await consumer.settled()
    assert.equal(stopping.isStopped, false)
    consumer.send(fin(second))
    await stopping.stopped
    await consumer.closed()
    assert.deepEqual(consumer.waiting, [])
    await running.restart()
    const { depth, inFlightCount, deferredCount } = running.channel()
    assert.deepEqual(
      { depth, inFlightCount, deferredCount },
      { depth: 3, inFlightCount: 0, deferredCount: 0 },
    )
    const next = await running.subscribe(100)
    const again = await next.messages(3)
    assert.deepEqual(
      again.map(({ body, attempts }) => `${body} ${attempts}`),
      ['m2 2', 'm3 1', 'm4 1'],
    )
  })

  test('keeps the delay of what is requeued meanwhile', async t => {
    const { running, consumer, ids } = await inHand(t, 1)
    const stopping = stop(running)
    consumer.send(req(ids[0] ?? '', 60_000))
    await stopping.stopped
    await running.restart()
    assert.equal(running.channel().deferredCount, 1)
    assert.equal(running.channel().depth, 2)
  })

  test('takes what times out meanwhile for answered, and gives it to nobody', async t => {
    const { running, consumer } = await inHand(t, 2, { msgTimeout: 60 })
    const other = await running.subscribe(0)
    const stopping = stop(running)
    await stopping.stopped
    await Promise.all([consumer.closed(), other.closed()])
    assert.deepEqual([...other.waiting, ...consumer.waiting], [])
    await running.restart()
    assert.equal(running.channel().depth, 4)
  })

  test('does not wait for consumers that hold nothing, nor for producers', async t => {
    const running = await start(t, { shutdownTimeout: UNHURRIED })
    const clients = [await running.connect(), await running.connect({}), await running.subscribe(1000)]
    assert.equal(await clients[0]?.ask(pub('other', Buffer.from('a'))), 'OK')
    await running.nsqd.close()
    await Promise.all(clients.map(client => client.closed()))
  })

  test('ends the connection of each as soon as it has answered', async t => {
    const { running, consumer, ids } = await inHand(t, 1)
    const second = await running.subscribe(1)
    const [message] = await second.messages(1)
    const stopping = stop(running)
    second.send(fin(message?.id ?? ''))
    await second.closed()
    assert.equal(stopping.isStopped, false)
    consumer.send(fin(ids[0] ?? ''))
    await stopping.stopped
  })

  test('refuses publishes and new topics, and listens no more', async t => {
    const { running, consumer } = await inHand(t, 1)
    const endpoints = [running.nsqd.tcpAddress, running.nsqd.httpAddress]
    const stopping = stop(running)
    assert.equal(running.nsqd.health, 'NOK - shutting down')
    await assert.rejects(running.publish('late'), { code: 'E_EXITING' })
    assert.throws(() => running.nsqd.topic('new'), { code: 'E_EXITING' })
    for (const { host, port } of endpoints) {
      const error = await new Promise<Error>((resolve, reject) => {
        connect(port, host, () => reject(new Error(`${port} listens`))).on('error', resolve)
      })
      assert.match(error.message, /ECONNREFUSED/)
    }
    assert.equal(await consumer.ask(pub('t', Buffer.from('late'))), 'E_PUB_FAILED nsqd is shutting down')
    await stopping.stopped
    await running.restart()
    assert.equal(running.channel().depth, 3)
    assert.equal(running.nsqd.topics.size, 1)
  })

  test('leaves nsqlookupd at once', async t => {
    const logger = new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} })
    const any = { tcpAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }
    const lookupd = new Nsqlookupd(resolveNsqlookupdOptions(any), logger)
    await lookupd.start()
    t.after(() => lookupd.close())
    const { running, consumer, ids } = await inHand(t, 1, {
      lookupdTcpAddress: [formatAddress(lookupd.tcpAddress)],
    })
    await until(() => lookupd.registry.nodes().length === 1)
    const stopping = stop(running)
    await until(() => lookupd.registry.nodes().length === 0)
    assert.equal(stopping.isStopped, false)
    consumer.send(fin(ids[0] ?? ''))
    await stopping.stopped
  })

  for (const durability of ['process', 'power'] as const) {
    test(`answers what it has taken in, and takes in nothing without an answer: ${durability}`, async t => {
      const running = await start(t, { shutdownTimeout: UNHURRIED, durability })
      const batch = mpub(
        't',
        Array.from({ length: 10 }, () => Buffer.alloc(200, 'x')),
      )
      const producers = await Promise.all(Array.from({ length: 5 }, () => running.connect()))
      let acknowledged = 0
      const counting = Promise.allSettled(
        producers.map(async producer => {
          for (;;) {
            assert.equal(await producer.reply(), 'OK')
            acknowledged++
          }
        }),
      )
      const feeding = setInterval(() => {
        for (const producer of producers) producer.send(...Array.from({ length: 20 }, () => batch))
      }, 1)
      await until(() => acknowledged > 200)
      await running.nsqd.close()
      clearInterval(feeding)
      for (const counted of await counting) {
        assert.match(String(counted.status === 'rejected' && counted.reason), /closed before a reply came/)
      }
      await running.restart()
      assert.equal(running.topic().depth, acknowledged * 10)
    })
  }

  test('answers HTTP requests that are in progress, and ends their connections', async t => {
    const { running, consumer, ids } = await inHand(t, 1)
    const { host, port } = running.nsqd.httpAddress
    const socket = connect(port, host)
    let answer = ''
    socket.on('data', chunk => (answer += String(chunk)))
    const ended = new Promise(resolve => socket.on('end', resolve))
    socket.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
    await until(() => answer.startsWith('HTTP/1.1 100 '))
    answer = ''
    const stopping = stop(running)
    socket.write('late')
    await ended
    assert.match(answer, /^HTTP\/1.1 503 [\s\S]*EXITING/)
    consumer.send(fin(ids[0] ?? ''))
    await stopping.stopped
  })

  test('hears at its deadline what consumers say until they have heard of the end', async t => {
    const { running, consumer, ids } = await inHand(t, 3, { shutdownTimeout: 30 })
    const [first = '', second = ''] = ids
    // As a client that notices the end and sends what it still has to say.
    consumer.socket.allowHalfOpen = true
    const heard = new Promise<void>(resolve =>
      consumer.socket.on('end', () => {
        consumer.socket.end(Buffer.concat([fin(first), req(second, 60_000)]))
        resolve()
      }),
    )
    await running.nsqd.close()
    await heard
    assert.match(running.log.join(''), /WARNING: 3 messages were still in hand after 30ms/)
    await running.restart()
    const { depth, deferredCount } = running.channel()
    assert.deepEqual({ depth, deferredCount }, { depth: 3, deferredCount: 1 })
  })

  test('cuts who neither answers nor leaves, and forgets nothing of it', async t => {
    const { running, consumer } = await inHand(t, 2, { shutdownTimeout: 30 })
    consumer.socket.allowHalfOpen = true
    consumer.socket.pause()
    await running.nsqd.close()
    await running.restart()
    assert.equal(running.channel().depth, 4)
  })

  test('ends TLS and compression properly', async t => {
    const files = await tlsFiles(temporaryFolder())
    const running = await start(t, { shutdownTimeout: UNHURRIED, ...files })
    await running.publish('a')
    const consumer = await running.connect()
    await upgrade(consumer, { tls: { rejectUnauthorized: false }, deflate: 3 })
    assert.equal(await consumer.ask(sub('t', 'c')), 'OK')
    consumer.send(rdy(1))
    const { id } = await consumer.message()
    const idle = await running.connect()
    await upgrade(idle, { tls: { rejectUnauthorized: false }, deflate: 3 })
    const errors: Error[] = []
    for (const client of [consumer, idle]) client.socket.on('error', error => errors.push(error))
    const stopping = stop(running)
    await idle.closed()
    consumer.send(fin(id))
    await stopping.stopped
    await consumer.closed()
    assert.deepEqual(errors, [])
    await running.restart()
    assert.equal(running.channel().depth, 0)
  })

  test('does not wait for who is in its TLS handshake, or has asked for nothing over HTTP', async t => {
    const files = await tlsFiles(temporaryFolder())
    const running = await start(t, { shutdownTimeout: UNHURRIED, ...files })
    const client = await running.connect()
    assert.match(await client.ask(identify({ tls_v1: true, feature_negotiation: true })), /"tls_v1":true/)
    const { host, port } = running.nsqd.httpAddress
    const silent = connect(port, host)
    await once(silent, 'connect')
    // It is accepted before this is answered.
    assert.equal(await running.http('GET', '/ping'), 'OK')
    await stop(running).stopped
  })

  test('with no time at all cuts every connection', async t => {
    const { running, consumer } = await inHand(t, 2, { shutdownTimeout: 0 })
    await running.nsqd.close()
    await consumer.closed()
    await running.restart()
    assert.equal(running.channel().depth, 4)
  })
})

/** A consumer of this nsqd that has one message in hand. */
async function messageInHand({ tcp }: Spawned): Promise<{ consumer: RawClient; id: string }> {
  const consumer = new RawClient(tcp)
  assert.equal(await consumer.ask(sub('t', 'c')), 'OK')
  assert.equal(await new RawClient(tcp).ask(pub('t', Buffer.from('a'))), 'OK')
  consumer.send(rdy(1))
  const { id } = await consumer.message()
  return { consumer, id }
}

describe('the process', () => {
  test('exits with 0 when what is in hand is answered', async t => {
    const nsqd = await spawnNsqd(t, temporaryFolder(), '--shutdown-timeout=1h')
    const { consumer, id } = await messageInHand(nsqd)
    const exited = nsqd.kill('SIGTERM')
    await until(() => nsqd.log.includes('shutting down'))
    consumer.send(fin(id))
    assert.equal(await exited, 0)
    assert.match(nsqd.log, /closed$/)
  })

  test('ends at once at a second signal', async t => {
    const nsqd = await spawnNsqd(t, temporaryFolder(), '--shutdown-timeout=1h')
    await messageInHand(nsqd)
    const exited = nsqd.kill('SIGTERM')
    await until(() => nsqd.log.includes('shutting down'))
    process.kill(nsqd.pid, 'SIGTERM')
    assert.equal(await exited, 128 + 15)
  })
})
