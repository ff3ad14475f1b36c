import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Phase } from '../../src/nsqd/phase.ts'
import { dpub, fin, mpub, pub, rdy, sub } from '../../src/protocol/command.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

const ONE = Buffer.from('a')

/** What this nsqd answers to a publish over HTTP, and its status. */
async function post(running: Running, path: string, body?: string): Promise<string> {
  const { host, port } = running.nsqd.httpAddress
  const response = await fetch(`http://${host}:${port}${path}`, {
    method: 'POST',
    ...(body !== undefined && { body }),
  })
  return `${response.status} ${await response.text()}`
}

function phase(): { phase: Phase; log: string[]; topics: Map<string, ReturnType<typeof topic>> } {
  const log: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write: line => void log.push(line) })
  const topics = new Map<string, ReturnType<typeof topic>>()
  return { phase: new Phase(topics, logger), log, topics }
}

function topic(depth: number, ...channels: [depth: number, inFlight: number, deferred: number][]) {
  const entries = channels.map(([waiting, inFlightCount, deferredCount], i) => {
    return [`c${i}`, { depth: waiting, inFlightCount, deferredCount }] as const
  })
  return { depth, channels: new Map(entries) }
}

describe('Phase', () => {
  test('says what stands in the way, and how much is left', () => {
    const { phase: one, log, topics } = phase()
    topics.set('t', topic(5, [20, 300, 4000], [0, 0, 10_000]))
    assert.deepEqual([one.refusal, one.problem, one.isStopping], [undefined, undefined, false])
    one.drain()
    assert.equal(one.refusal?.code, 'E_DRAINING')
    assert.equal(one.problem, 'draining: 14325 messages are left')
    topics.set('t', topic(0, [0, 1, 0]))
    assert.equal(one.problem, 'draining: 1 message is left')
    one.undrain()
    assert.deepEqual([one.refusal, one.problem], [undefined, undefined])
    one.stop()
    assert.deepEqual([one.refusal?.code, one.problem, one.isStopping], ['E_EXITING', 'shutting down', true])
    assert.match(log.join(''), /draining: .* 14325 messages are left\n.*no longer draining/)
  })

  test('may be told twice; what stops goes no other way', () => {
    const { phase: one, log } = phase()
    one.undrain()
    one.drain()
    one.drain()
    assert.match(log.join(''), /^[^\n]*draining: [^\n]*\n[^\n]*drained: no message is left\n$/)
    one.stop()
    one.undrain()
    one.drain()
    assert.equal(one.refusal?.code, 'E_EXITING')
    assert.equal(log.length, 2)
  })

  test('says when what was left has gone', async () => {
    const { phase: one, log, topics } = phase()
    topics.set('t', topic(1))
    one.drain()
    assert.equal(log.length, 1)
    topics.set('t', topic(0))
    await until(() => log.length === 2)
    assert.match(log[1] ?? '', /drained/)
  })
})

describe('a draining nsqd', () => {
  test('refuses publishes and new topics, and goes on delivering', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('one', 'two')
    const consumer = await running.subscribe(1)
    const producer = await running.connect()
    assert.equal(await producer.ask(pub('t', 'three')), 'OK')
    assert.equal(await running.http('POST', '/drain'), '')
    for (const command of [pub('t', ONE), mpub('t', [ONE]), dpub('t', 1, ONE), pub('new', ONE)]) {
      const client = await running.connect()
      assert.equal(await client.ask(command), 'E_PUB_FAILED nsqd is draining')
      await client.closed()
    }
    const refused = '503 {"message":"DRAINING","reason":"nsqd is draining"}'
    assert.equal(await post(running, '/pub?topic=t', 'x'), refused)
    assert.equal(await post(running, '/mpub?topic=t', 'x\ny'), refused)
    assert.equal(await post(running, '/pub?topic=new', 'x'), refused)
    assert.equal(await post(running, '/topic/create?topic=new'), refused)
    assert.equal(await (await running.connect()).ask(sub('new', 'c')), 'E_SUB_FAILED nsqd is draining')
    assert.deepEqual([...running.nsqd.topics.keys()], ['t'])
    consumer.send(rdy(10))
    const messages = await consumer.messages(3)
    assert.deepEqual(
      messages.map(({ body }) => body),
      ['one', 'two', 'three'],
    )
    consumer.send(...messages.map(({ id }) => fin(id)))
    await consumer.settled()
    assert.equal(await (await running.connect()).ask(sub('t', 'later')), 'OK')
    assert.equal(await post(running, '/channel/create?topic=t&channel=another'), '200 ')
  })

  test('says so where it is asked, until it takes messages again', async t => {
    const running = await start(t)
    await running.publish('a')
    assert.equal(await running.http('GET', '/ping'), 'OK')
    assert.equal(await post(running, '/drain'), '200 ')
    const health = 'NOK - draining: 1 message is left'
    assert.equal(await running.http('GET', '/ping'), `{"message":"${health}"}`)
    assert.match(await running.http('GET', '/stats'), new RegExp(`^Health: ${health}$`, 'm'))
    const stats: { health: string } = JSON.parse(await running.http('GET', '/stats?format=json'))
    assert.equal(stats.health, health)
    assert.match(await running.http('GET', '/metrics'), /^nsqd_healthy 0$/m)
    assert.equal(await post(running, '/undrain'), '200 ')
    assert.equal(await running.http('GET', '/ping'), 'OK')
    await running.publish('b')
    assert.equal(running.topic().depth, 2)
  })

  test('says of its disk, too', async t => {
    const running = await start(t)
    running.nsqd.diskResult(new Error('no space'))
    running.nsqd.drain()
    assert.equal(running.nsqd.health, 'NOK - no space; draining: 0 messages are left')
  })

  test('serves again after a restart', async t => {
    const running = await start(t)
    running.nsqd.drain()
    await running.restart()
    await running.publish('a')
  })
})
