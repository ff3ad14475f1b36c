/** A long way between clients and nsqd, and one that becomes longer: nothing is lost, and nothing is given up too early. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { type ConnectionOptions, Consumer, type NsqError, Producer } from '../../src/index.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Daemons, tcp } from '../client/daemons.ts'
import { certificates } from '../support/certificates.ts'
import { until } from '../support/wait.ts'
import { DelayProxy } from './delay-proxy.ts'
import { Ledger } from './ledger.ts'

const MESSAGES = 500
/** Of a round trip across an ocean and back. */
const DELAY_MS = 100
const HEARTBEAT_MS = 2000

const { ca, server } = await certificates()
const CASES: readonly { name: string; connection: ConnectionOptions }[] = [
  { name: 'plain', connection: {} },
  { name: 'TLS and snappy', connection: { tls: { ca: ca.cert }, snappy: true } },
  { name: 'deflate', connection: { deflate: true } },
]

interface Rig {
  proxy: DelayProxy
  ledger: Ledger
  errors: NsqError[]
  producer: Producer
  consumer: Consumer
}

async function start(t: TestContext, connection: ConnectionOptions = {}): Promise<Rig> {
  const daemons = new Daemons()
  const offers = { tlsCert: await daemons.file(server.cert), tlsKey: await daemons.file(server.key) }
  const nsqd = await daemons.nsqd(offers)
  const proxy = await new DelayProxy(nsqd.tcpAddress, DELAY_MS).start()
  const ledger = new Ledger()
  const errors: NsqError[] = []
  const common = {
    heartbeatIntervalMs: HEARTBEAT_MS,
    reconnectDelayMs: 10,
    maxReconnectDelayMs: 50,
    ...connection,
    nsqd: formatAddress(proxy.address),
    onError: (error: NsqError) => errors.push(error),
  }
  const producer = new Producer(common)
  const consumer = new Consumer({
    ...common,
    topic: 't',
    channel: 'c',
    maxInFlight: 100,
    onMessage: message => {
      const body = message.body.toString()
      ledger.delivered('c', body, message.attempts, Date.now(), { id: message.id })
      if (message.finish()) ledger.finished('c', body)
    },
  })
  t.after(async () => {
    await Promise.all([producer.close(0), consumer.close(0)])
    await proxy.close()
    await daemons.close()
  })
  return { proxy, ledger, errors, producer, consumer }
}

async function publish({ producer, ledger }: Rig, count: number): Promise<void> {
  const bodies = Array.from({ length: count }, () => ledger.next('t', 'p', { size: 200 }))
  await Promise.all(
    bodies.map(async body => {
      await producer.publish('t', body)
      ledger.acknowledged(body)
    }),
  )
}

/** On a busy machine even connecting to the proxy may take too long. */
function isLate({ code }: NsqError): boolean {
  return code === 'E_READ_TIMEOUT' || code === 'E_CONNECT'
}

/** All have come, each once. */
async function mustArrive({ ledger }: Rig): Promise<void> {
  await until(() => ledger.missingCount('t', 'c') === 0)
  ledger.checkComplete('t', ['c'])
  assert.equal(ledger.counts.redelivered, 0)
}

describe('a long way', { concurrency: true }, () => {
  for (const { name, connection } of CASES) {
    test(`${name}: all comes once, and no connection is given up`, async t => {
      const rig = await start(t, connection)
      await rig.consumer.start()
      await publish(rig, MESSAGES)
      await mustArrive(rig)
      assert.deepEqual(rig.errors, [])
    })
  }

  test('nothing comes for a while: it is waited for', async t => {
    const rig = await start(t)
    await rig.consumer.start()
    await publish(rig, 10)
    rig.proxy.delayMs = 0.6 * HEARTBEAT_MS
    const { carried } = rig.proxy
    const published = publish(rig, 10)
    await until(() => rig.proxy.carried > carried)
    rig.proxy.delayMs = DELAY_MS
    await published
    await mustArrive(rig)
    assert.deepEqual(rig.errors, [])
  })

  test('a way on which each step of connecting takes too long is tried until it is shorter', async t => {
    const connectTimeoutMs = 300
    const rig = await start(t, { connectTimeoutMs })
    rig.proxy.delayMs = connectTimeoutMs
    await assert.rejects(rig.consumer.start(), isLate)
    await until(() => rig.errors.length >= 2)
    assert.ok(rig.errors.every(isLate))
    rig.proxy.delayMs = 0
    await until(() => rig.consumer.connections.length === 1)
    await publish(rig, 10)
    await mustArrive(rig)
  })

  test('nsqlookupd does not answer: a consumer keeps the nsqds that it has, and finds others when it does', async t => {
    const daemons = new Daemons()
    const lookupd = await daemons.nsqlookupd()
    const lookupdTcpAddress = [tcp(lookupd)]
    const proxy = await new DelayProxy(lookupd.httpAddress, 0).start()
    const errors: NsqError[] = []
    const received: string[] = []
    const consumer = new Consumer({
      topic: 't',
      channel: 'c',
      lookupd: formatAddress(proxy.address),
      lookupTimeoutMs: 500,
      lookupPollIntervalMs: 50,
      onMessage: message => {
        received.push(message.body.toString())
        message.finish()
      },
      onError: error => errors.push(error),
    })
    t.after(async () => {
      await consumer.close(0)
      await proxy.close()
      await daemons.close()
    })
    const one = await daemons.nsqd({ lookupdTcpAddress, broadcastAddress: '127.0.0.1' })
    await one.publish('t', [Buffer.from('before')], 0)
    await consumer.start()
    await until(() => received.includes('before'))

    // Nobody waits for so long.
    proxy.delayMs = 1_000_000
    await until(() => errors.length >= 2)
    assert.ok(errors.every(({ code }) => code === 'E_LOOKUP'))
    const other = await daemons.nsqd({ lookupdTcpAddress, broadcastAddress: '127.0.0.1' })
    await other.publish('t', [Buffer.from('of another')], 0)
    await one.publish('t', [Buffer.from('meanwhile')], 0)
    await until(() => received.includes('meanwhile'))
    assert.deepEqual(consumer.connections, [tcp(one)])

    proxy.delayMs = 0
    await until(() => received.includes('of another'))
    assert.deepEqual(consumer.connections.toSorted(), [tcp(one), tcp(other)].toSorted())
    assert.deepEqual(received, ['before', 'meanwhile', 'of another'])
  })
})
