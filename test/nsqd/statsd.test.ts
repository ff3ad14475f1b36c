import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { promises as dns } from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { describe, test, type TestContext } from 'node:test'
import { rdy, req } from '../../src/protocol/command.ts'
import { StatsdPusher } from '../../src/nsqd/statsd.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { startStatsd } from '../support/statsd.ts'
import { pause, until } from '../support/wait.ts'
import { start } from './running.ts'

/** A UDP socket, and the packets that it gets. */
async function listen(t: TestContext, host = '127.0.0.1'): Promise<{ port: number; packets: string[] }> {
  const packets: string[] = []
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', packet => void packets.push(packet.toString()))
  socket.bind(0, host)
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { port: socket.address().port, packets }
}

interface Pushing {
  readonly pusher: StatsdPusher
  readonly log: string[]
}

function push(
  t: TestContext,
  port: number,
  lines: () => string[],
  { host = '127.0.0.1', interval = 50, packetSize = 508 } = {},
): Pushing {
  const log: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.info, write: line => void log.push(line) })
  const pusher = new StatsdPusher({ address: { host, port }, interval, packetSize, logger, lines })
  t.after(() => pusher.close())
  return { pusher, log }
}

/** What names resolve to, until the test ends. */
function resolveWith(t: TestContext, resolve: () => Promise<{ address: string; family: number }>): void {
  const { lookup } = dns
  replaceLookup(resolve)
  t.after(() => replaceLookup(lookup))
}

function replaceLookup(value: unknown): void {
  Object.assign(dns, { lookup: value })
  syncBuiltinESMExports()
}

describe('StatsdPusher', () => {
  test('fills packets up to the size, with whole lines', async t => {
    const { port, packets } = await listen(t)
    const lines = Array.from({ length: 40 }, (_, i) => `name${i}:1|c\n`)
    lines.push(`${'x'.repeat(150)}:1|c\n`, 'é'.repeat(3).padEnd(94, '.') + '\n', 'last:1|c\n')
    push(t, port, () => lines.splice(0), { packetSize: 100 })
    const expected = [...lines]
    await until(() => packets.join('').length === expected.join('').length)
    assert.equal(packets.join(''), expected.join(''))
    const sizes = packets.map(packet => Buffer.byteLength(packet))
    assert.deepEqual(
      sizes.filter(size => size > 100),
      [155],
    )
    assert.ok(sizes.slice(0, 3).every(size => size > 88))
  })

  test('sends nothing when there is nothing', async t => {
    const { port, packets } = await listen(t)
    let asked = 0
    push(t, port, () => (asked++ === 2 ? ['now:1|c\n'] : []))
    await until(() => packets.length > 0)
    assert.deepEqual(packets, ['now:1|c\n'])
  })

  test('sends the rest at once when it is closed', async t => {
    const { port, packets } = await listen(t)
    const lines = Array.from({ length: 50 }, (_, i) => `name${i}:1|c\n`)
    const { pusher } = push(t, port, () => lines.splice(0), { interval: 600, packetSize: 1 })
    await until(() => packets.length > 0)
    await pusher.close()
    await until(() => packets.length === 50)
  })

  test('finds IPv6', async t => {
    const { port, packets } = await listen(t, '::1').catch(() => ({ port: 0, packets: [] }))
    if (port === 0) return t.skip('there is no IPv6 here')
    push(t, port, () => ['a:1|c\n'], { host: '::1' })
    await until(() => packets.length > 1)
  })

  test('logs once that a name does not resolve, goes on trying, and counts nothing as told', async t => {
    const { port, packets } = await listen(t)
    let tries = 0
    let asked = 0
    resolveWith(t, async () => {
      if (++tries < 4) throw Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' })
      return { address: '127.0.0.1', family: 4 }
    })
    const { log } = push(t, port, () => [`try${++asked}:1|c\n`], { host: 'nowhere' })
    await until(() => packets.length > 1)
    assert.deepEqual(packets.slice(0, 2), ['try1:1|c\n', 'try2:1|c\n'])
    const said = log.map(line => line.replace(/^.{26} /, '').trim())
    assert.deepEqual(said, [
      `INFO: statsd at nowhere:${port}: pushing every 50ms`,
      `ERROR: statsd at nowhere:${port}: cannot be pushed to, trying again every 50ms: getaddrinfo ENOTFOUND nowhere`,
      `INFO: statsd at nowhere:${port}: it can be pushed to again`,
    ])
  })

  test('does not wait for a name when it is closed', async t => {
    const { port, packets } = await listen(t)
    let tries = 0
    let isKnown = false
    resolveWith(t, async () => {
      tries++
      await until(() => isKnown)
      return { address: '127.0.0.1', family: 4 }
    })
    const { pusher } = push(t, port, () => ['late:1|c\n'], { host: 'slow' })
    await until(() => tries > 0)
    await pause(120)
    assert.equal(tries, 1)
    await pusher.close()
    isKnown = true
    await pause(20)
    assert.deepEqual(packets, [])
  })
})

describe('nsqd with --statsd-address', () => {
  test('a real statsd gets the official names, and passes them on', async t => {
    const { port, values, log } = await startStatsd(t)
    const running = await start(t, {
      statsdAddress: `127.0.0.1:${port}`,
      statsdInterval: 100,
      statsdUdpPacketSize: 200,
      broadcastAddress: 'box.example.org',
      broadcastHttpPort: 4151,
      e2eProcessingLatencyPercentile: [0.99],
    })
    const consumer = await running.subscribe(2)
    await running.publish('one', 'two', 'three', 'four')
    const [first] = await consumer.messages(2)
    consumer.send(rdy(0), req(first?.id ?? '', 1_200_000))
    await running.publish('five')
    const host = 'nsq.box_example_org_4151'
    const expected = {
      [`stats.counters.${host}.topic.t.message_count.count`]: 5,
      [`stats.counters.${host}.topic.t.message_bytes.count`]: 19,
      [`stats.counters.${host}.topic.t.channel.c.message_count.count`]: 5,
      [`stats.counters.${host}.topic.t.channel.c.requeue_count.count`]: 1,
      [`stats.counters.${host}.topic.t.channel.c.timeout_count.count`]: 0,
      [`stats.gauges.${host}.topic.t.depth`]: 0,
      [`stats.gauges.${host}.topic.t.backend_depth`]: 0,
      [`stats.gauges.${host}.topic.t.channel.c.depth`]: 3,
      [`stats.gauges.${host}.topic.t.channel.c.backend_depth`]: 0,
      [`stats.gauges.${host}.topic.t.channel.c.in_flight_count`]: 1,
      [`stats.gauges.${host}.topic.t.channel.c.deferred_count`]: 1,
      [`stats.gauges.${host}.topic.t.channel.c.clients`]: 1,
    }
    const seen = (): Record<string, number | undefined> =>
      Object.fromEntries(Object.keys(expected).map(name => [name, values.get(name)]))
    await until(
      () => JSON.stringify(seen()) === JSON.stringify(expected),
      () => JSON.stringify(seen(), null, 1),
    )
    for (const name of [`gauges.${host}.mem.heap_in_use_bytes`, `counters.${host}.mem.gc_runs.count`]) {
      await until(() => values.has(`stats.${name}`))
    }
    assert.deepEqual(
      log.filter(line => line.includes('Bad line')),
      [],
    )
    assert.deepEqual(
      running.log.filter(line => / (ERROR|WARNING): /.test(line)),
      [],
    )
  })
})
