import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fin, rdy, req, touch } from '../../src/protocol/command.ts'
import { now } from '../../src/nsqd/clock.ts'
import type { ReplayReport } from '../../src/nsqd/replay.ts'
import { until } from '../support/wait.ts'
import type { RawClient, RawMessage } from './raw-client.ts'
import { type Running, start } from './running.ts'

const HOUR = 3_600_000
/** A segment of ten messages of 1,000 bytes. */
const SMALL = { maxBytesPerFile: 10 * 1034 }
const RETAINED = { ...SMALL, retainBytes: 2 ** 40 }

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i).padEnd(1000, '.'))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function numbers(messages: readonly RawMessage[]): number[] {
  return messages.map(({ body }) => Number.parseInt(body, 10))
}

async function work(client: RawClient, count: number): Promise<RawMessage[]> {
  const messages = await client.messages(count)
  for (const { id } of messages) client.send(fin(id))
  await client.settled()
  return messages
}

function replay(running: Running, since: number, end?: number, channel = 'c'): Promise<ReplayReport> {
  return running.nsqd.replay('t', channel, { since, until: end }, true)
}

function state({ nsqd }: Running): [waiting: number, inFlight: number, deferred: number] {
  const channel = nsqd.topics.get('t')?.channels.get('c')
  return [channel?.depth ?? -1, channel?.inFlightCount ?? -1, channel?.deferredCount ?? -1]
}

/** Publishes this many messages, and gives a time before that. */
async function publish(running: Running, from: number, to: number): Promise<number> {
  const at = now()
  await running.publish(...numbered(from, to))
  return at
}

describe('replay', () => {
  test('gives what was finished again, then what waits, in the order of the log', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 15)
    const since = await publish(running, 15, 35)
    const end = await publish(running, 35, 50)
    const consumer = await running.subscribe(40)
    await work(consumer, 40)
    consumer.send(rdy(0))
    await work(consumer, 10)
    await publish(running, 50, 55)
    const { messageCount } = running.channel()
    const report = await replay(running, since, end)
    assert.deepEqual([report.messages, report.bytes, report.waiting], [20, 20 * 1034, 0])
    assert.deepEqual(state(running), [25, 0, 0])
    assert.equal(running.channel().messageCount, messageCount + 20)
    consumer.send(rdy(100))
    const again = await work(consumer, 25)
    assert.deepEqual(numbers(again), [...range(15, 35), ...range(50, 55)])
    assert.ok(again.every(({ attempts }) => attempts === 1))
    await publish(running, 55, 60)
    assert.deepEqual(numbers(await work(consumer, 5)), range(55, 60))
    assert.deepEqual(state(running), [0, 0, 0])
    assert.deepEqual(consumer.waiting, [])
  })

  test('changes nothing when it is only asked what it would do', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 20)
    const consumer = await running.subscribe(5)
    await consumer.messages(5)
    const report = await running.nsqd.replay('t', 'c', { since, until: undefined }, false)
    assert.deepEqual([report.messages, report.waiting], [20, 20])
    assert.ok(report.oldest !== null && report.oldest >= Math.floor(since) && report.oldest <= now())
    assert.deepEqual(state(running), [15, 5, 0])
  })

  test('takes back what is in flight, ready again or deferred, so that nothing comes twice', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 3)
    const since = await publish(running, 3, 20)
    const consumer = await running.subscribe(20)
    const messages = await consumer.messages(20)
    const id = (i: number): string => messages[i]?.id ?? ''
    consumer.send(rdy(0), fin(id(0)), fin(id(4)), req(id(5), HOUR), req(id(6), 0), touch(id(7)))
    await consumer.settled()
    assert.deepEqual(state(running), [1, 16, 1])
    const report = await replay(running, since)
    // All but number 4 it had not finished.
    assert.deepEqual([report.messages, report.waiting], [17, 16])
    assert.deepEqual(state(running), [17, 2, 0])
    for (const i of [3, 7, 19]) assert.match(await consumer.ask(fin(id(i))), /^E_FIN_FAILED/)
    assert.match(await consumer.ask(req(id(8), 0)), /^E_REQ_FAILED/)
    // What lies before is as it was.
    consumer.send(fin(id(1)), req(id(2), 0), rdy(100))
    const again = await work(consumer, 18)
    assert.deepEqual(numbers(again), [2, ...range(3, 20)])
    assert.deepEqual(
      again.map(({ attempts }) => attempts),
      [2, ...range(3, 20).map(() => 1)],
    )
    assert.deepEqual(state(running), [0, 0, 0])
  })

  test('gives consumers room for as much as it has taken back', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 30)
    const one = await running.subscribe(10)
    const two = await running.subscribe(10)
    await Promise.all([one.messages(10), two.messages(10)])
    await replay(running, since)
    const again = [...(await one.messages(10)), ...(await two.messages(10))]
    assert.deepEqual(
      numbers(again).toSorted((a, b) => a - b),
      range(0, 20),
    )
    assert.deepEqual(
      [...running.channel().sessions].map(session => session.inFlightCount),
      [10, 10],
    )
  })

  test('of several times leaves out what is between them', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const times: number[] = []
    for (let i = 0; i < 10; i++) times.push(await publish(running, 10 * i, 10 * i + 10))
    const at = (i: number): number => times[i] ?? 0
    const consumer = await running.subscribe(100)
    await work(consumer, 100)
    consumer.send(rdy(0))
    await consumer.settled()
    await replay(running, at(7), at(8))
    await replay(running, at(1), at(3))
    assert.deepEqual(await replay(running, at(2), at(5)).then(r => [r.messages, r.waiting]), [30, 10])
    const expected = [...range(10, 50), ...range(70, 80)]
    assert.deepEqual(state(running), [expected.length, 0, 0])
    // Peek sees what will come.
    const peeked = await running.nsqd.peek('t', 'c', { count: 100, maxBody: 10 })
    assert.deepEqual(
      peeked.map(({ body }) => Number.parseInt(body, 10)),
      expected,
    )
    consumer.send(rdy(15))
    const first = await work(consumer, 15)
    consumer.send(rdy(0))
    await consumer.settled()
    const late = numbers(consumer.takeAll())
    await running.restart()
    const rest = await work(await running.subscribe(100), expected.length - 15)
    assert.deepEqual(
      numbers([...first, ...rest]).toSorted((a, b) => a - b),
      expected,
    )
    assert.ok(late.length <= 15)
    assert.deepEqual(state(running), [0, 0, 0])
  })

  test('does not bring back what an empty has taken, unless it is of that time', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 10)
    const end = await publish(running, 10, 20)
    await replay(running, since, end)
    running.channel().empty()
    assert.deepEqual(state(running), [0, 0, 0])
    const topic = running.topic()
    topic.pause()
    await publish(running, 20, 30)
    topic.empty()
    topic.unpause()
    await replay(running, since, end)
    await publish(running, 30, 35)
    const consumer = await running.subscribe(100)
    assert.deepEqual(numbers(await work(consumer, 15)), [...range(0, 10), ...range(30, 35)])
    await replay(running, end)
    assert.deepEqual(numbers(await work(consumer, 25)), range(10, 35))
  })

  test('leaves a topic that was emptied while the channel was behind as it is', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 5)
    const topic = running.topic()
    topic.pause()
    const since = await publish(running, 5, 15)
    topic.empty()
    topic.unpause()
    await publish(running, 15, 20)
    assert.deepEqual(state(running), [10, 0, 0])
    await running.restart()
    assert.deepEqual(state(running), [10, 0, 0])
    assert.equal((await replay(running, since)).messages, 15)
    assert.deepEqual(numbers(await work(await running.subscribe(100), 20)), range(0, 20))
  })

  test('of a paused channel waits, and one of a paused topic does not', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 10)
    const consumer = await running.subscribe(100)
    await work(consumer, 10)
    running.topic().pause()
    await publish(running, 10, 15)
    running.channel().pause()
    const { messages } = await replay(running, since)
    assert.equal(messages, 10)
    await consumer.settled()
    assert.deepEqual([consumer.waiting.length, ...state(running)], [0, 10, 0, 0])
    running.channel().unpause()
    assert.deepEqual(numbers(await work(consumer, 10)), range(0, 10))
    running.topic().unpause()
    assert.deepEqual(numbers(await work(consumer, 5)), range(10, 15))
  })

  test('takes no deferred message out of a paused topic where it has come to the end', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 2)
    const end = await publish(running, 2, 10)
    const consumer = await running.subscribe(10)
    await work(consumer, 10)
    consumer.send(rdy(0))
    await consumer.settled()
    running.topic().pause()
    await running.publishLater(1, ...numbered(10, 11))
    await replay(running, since, end)
    // As many as there are: the next look at the log is for deferred messages only.
    consumer.send(rdy(2))
    assert.deepEqual(numbers(await work(consumer, 2)), [0, 1])
    assert.deepEqual([...state(running), running.topic().depth], [0, 0, 0, 1])
    running.topic().unpause()
    assert.deepEqual(numbers(await work(consumer, 1)), [10])
    assert.deepEqual([...state(running), running.topic().depth], [0, 0, 0, 0])
  })

  test('gives deferred messages when they are due, at once if that is past', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = now()
    await running.publishLater(1, 'soon')
    await running.publishLater(HOUR, 'later')
    const consumer = await running.subscribe(10)
    await work(consumer, 1)
    const before = state(running)
    assert.deepEqual(before, [0, 0, 1])
    assert.deepEqual(await replay(running, since).then(r => [r.messages, r.waiting]), [2, 1])
    const [again] = await work(consumer, 1)
    assert.deepEqual([again?.body, again?.attempts], ['soon', 1])
    assert.deepEqual(state(running), before)
  })

  test('goes over what was deleted between older segments that stay', async t => {
    const running = await start(t, SMALL)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 45)
    const consumer = await running.subscribe(100)
    // Most of the first segment is not finished, so that it stays, while three others go.
    for (const { id, body } of await consumer.messages(45)) {
      consumer.send(Number.parseInt(body, 10) < 8 ? req(id, HOUR) : fin(id))
    }
    await consumer.settled()
    const { first } = running.topic().log
    await until(() => first.next === running.topic().log.last)
    let client = consumer
    for (const restart of [false, true]) {
      client.send(rdy(0))
      await client.settled()
      assert.deepEqual(await replay(running, since).then(r => [r.messages, r.waiting]), [15, 8])
      assert.deepEqual(state(running), [15, 0, 0])
      if (restart) {
        await running.restart()
        client = await running.subscribe()
      }
      client.send(rdy(10))
      const again = await client.messages(10)
      // Now the channel stands where something is missing, and it is looked whether segments can go.
      await running.nsqd.settle('t')
      client.send(rdy(100))
      again.push(...(await client.messages(5)))
      assert.deepEqual(numbers(again), [...range(0, 10), ...range(40, 45)])
      for (const [i, { id }] of again.entries()) client.send(i < 8 ? req(id, HOUR) : fin(id))
      await client.settled()
      assert.deepEqual(state(running), [0, 0, 8])
    }
  })

  test('reads what has long left memory', async t => {
    const running = await start(t, { retainBytes: 2 ** 40, memQueueBytes: 1024 * 1024 })
    running.nsqd.topic('t').channel('c')
    const since = now()
    const all = 20_000
    for (let i = 0; i < all; i += 1000) {
      await running.publish(...Array.from({ length: 1000 }, (_, k) => `${i + k} `.padEnd(500, '.')))
    }
    running.channel().empty()
    const { messages } = await replay(running, since)
    assert.deepEqual([messages, running.channel().depth], [all, all])
    assert.ok(running.channel().backendDepth > all / 2)
    const consumer = await running.subscribe(2500)
    for (let next = 0; next < all;) {
      for (const message of await work(consumer, 100)) assert.equal(Number.parseInt(message.body, 10), next++)
    }
    assert.deepEqual(state(running), [0, 0, 0])
    assert.ok(running.nsqd.memory.used <= running.nsqd.memory.limit + 1024 * 1024)
  })

  test('is refused where there is no log of the past, and for what is not there', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c#ephemeral')
    running.nsqd.topic('t#ephemeral').channel('c')
    const refusal = (topic: string, channel: string): Promise<unknown> =>
      running.http(
        'POST',
        `/channel/replay?topic=${encodeURIComponent(topic)}&channel=${encodeURIComponent(channel)}&since=1`,
      )
    assert.equal(await refusal('t', 'c#ephemeral'), '{"message":"INVALID_REPLAY"}')
    assert.equal(await refusal('t#ephemeral', 'c'), '{"message":"INVALID_REPLAY"}')
    assert.equal(await refusal('t', 'other'), '{"message":"CHANNEL_NOT_FOUND"}')
    assert.equal(await refusal('other', 'c'), '{"message":"TOPIC_NOT_FOUND"}')
  })

  test('over HTTP lasts', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 10)
    await running.http('POST', '/channel/empty?topic=t&channel=c')
    const query = '?topic=t&channel=c&since=0'
    assert.match(
      await running.http('GET', `/channel/replay${query}`),
      /"messages":10,"bytes":10340,"waiting":0/,
    )
    assert.deepEqual(state(running), [0, 0, 0])
    assert.match(
      await running.http('POST', `/channel/replay${query}`),
      /"messages":10,"bytes":10340,"waiting":0/,
    )
    assert.deepEqual(state(running), [10, 0, 0])
    assert.match(await running.http('GET', `/channel/replay${query}`), /"waiting":10/)
    assert.ok(existsSync(join(running.dataPath, 't.topic', 'checkpoint')))
  })

  test('finds the topic anew when it is deleted meanwhile', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    const since = await publish(running, 0, 30)
    const asked = running.nsqd.replay('t', 'c', { since, until: now() }, true)
    running.nsqd.deleteTopic('t')
    await assert.rejects(asked, { status: 404 })
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 5)
    const again = running.nsqd.replay('t', 'c', { since, until: undefined }, true)
    running.topic().deleteChannel(running.channel())
    running.nsqd.topic('t').channel('c')
    assert.equal((await again).messages, 5)
  })

  test('looks again when segments go while it looks', async t => {
    const running = await start(t, RETAINED)
    running.nsqd.topic('t').channel('c')
    await publish(running, 0, 35)
    running.channel().empty()
    await running.restart()
    await running.nsqd.settle('t')
    const { log } = running.topic()
    const asked = replay(running, 0)
    const { first } = log
    log.unlink(first)
    rmSync(first.file?.logPath ?? '')
    assert.equal((await asked).messages, 25)
    assert.deepEqual(state(running), [25, 0, 0])
  })
})
