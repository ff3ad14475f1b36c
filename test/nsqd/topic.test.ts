import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fin, mpub, pub, rdy, sub } from '../../src/protocol/command.ts'
import { type RawClient } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

function texts(messages: readonly { body: string }[]): string[] {
  return messages.map(({ body }) => body)
}

/** Finishes messages as they come. */
async function take(client: RawClient, count: number): Promise<string[]> {
  const taken: string[] = []
  while (taken.length < count) {
    const { id, body } = await client.message()
    client.send(fin(id))
    taken.push(body)
  }
  await client.settled()
  return taken
}

function numbers(messages: readonly { body: string }[]): number[] {
  return messages.map(({ body }) => Number.parseInt(body, 10))
}

function letters(text: string): string[] {
  return Array.from(text)
}

/** The topic's own depth and each channel's. */
function depths(running: Running): Record<string, number> {
  const topic = running.topic()
  return Object.fromEntries([
    ['topic', topic.depth],
    ...[...topic.channels].map(([name, { depth }]) => [name, depth]),
  ])
}

describe('a topic without channels', () => {
  test('keeps messages for the first one, over a restart too', async t => {
    const running = await start(t)
    await running.publish('a', 'b')
    assert.deepEqual(depths(running), { topic: 2 })
    await running.restart()
    await running.publish('c')
    assert.deepEqual(depths(running), { topic: 3 })
    const consumer = await running.subscribe(10)
    assert.deepEqual(await take(consumer, 3), ['a', 'b', 'c'])
    await running.publish('d')
    assert.deepEqual(await take(consumer, 1), ['d'])
    const late = await running.subscribe(10, { channel: 'late' })
    await running.publish('e')
    assert.deepEqual(await take(late, 1), ['e'])
  })

  test('counts its messages and bytes', async t => {
    const running = await start(t)
    await running.publish('a', 'bc')
    const client = await running.connect()
    assert.equal(await client.ask(mpub('t', ['def', 'g'])), 'OK')
    assert.deepEqual([running.topic().messageCount, running.topic().messageBytes], [4, 7])
  })
})

describe('a paused topic', () => {
  test('keeps its messages until it is unpaused, over a restart too', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(10)
    await running.publish('a')
    assert.deepEqual(await take(consumer, 1), ['a'])
    running.topic().pause()
    await running.publish('b', 'c')
    await consumer.settled()
    assert.deepEqual(consumer.waiting, [])
    assert.deepEqual(depths(running), { topic: 2, c: 0 })
    await running.restart()
    assert.deepEqual(depths(running), { topic: 2, c: 0 })
    const again = await running.subscribe(10)
    running.topic().unpause()
    assert.deepEqual(await take(again, 2), ['b', 'c'])
  })

  test('still lets channels have what they were given', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('a')
    running.topic().pause()
    await running.publish('b')
    const consumer = await running.subscribe(10)
    assert.deepEqual(await take(consumer, 1), ['a'])
    await consumer.settled()
    assert.deepEqual(consumer.waiting, [])
  })
})

describe('an emptied topic', () => {
  test('forgets what waits in it, and nothing of its channels', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish(...letters('abc'))
    running.topic().pause()
    await running.publish(...letters('def'))
    running.topic().empty()
    assert.deepEqual(depths(running), { topic: 0, c: 3 })
    await running.publish(...letters('gh'))
    running.topic().empty()
    running.topic().channel('late')
    await running.publish('i')
    running.topic().unpause()
    await running.publish('j')
    assert.deepEqual(depths(running), { topic: 0, c: 5, late: 2 })
    const consumer = await running.subscribe(1)
    assert.deepEqual(await take(consumer, 2), ['a', 'b'])
    await running.restart()
    const again = await running.subscribe(1)
    assert.deepEqual(await take(again, 3), ['c', 'i', 'j'])
    const late = await running.subscribe(1, { channel: 'late' })
    assert.deepEqual(await take(late, 2), ['i', 'j'])
    for (const client of [again, late]) {
      await client.settled()
      assert.deepEqual(client.waiting, [])
    }
    assert.deepEqual(depths(running), { topic: 0, c: 0, late: 0 })
  })

  test('does not make those behind it forget their timeouts', async t => {
    const running = await start(t, { msgTimeout: 300 })
    running.nsqd.topic('t').channel('c')
    await running.publish('before')
    running.topic().pause()
    await running.publish('emptied')
    running.topic().empty()
    await running.publish('after 1', 'after 2')
    running.topic().unpause()
    const consumers = [await running.subscribe(), await running.subscribe(), await running.subscribe()]
    // All at once: one of them gets what is before the gap, the others what is behind it.
    running.channel().pause()
    for (const consumer of consumers) consumer.send(rdy(1))
    for (const consumer of consumers) await consumer.settled()
    running.channel().unpause()
    const first = await Promise.all(consumers.map(consumer => consumer.message()))
    assert.deepEqual(texts(first).sort(), ['after 1', 'after 2', 'before'])
    // Nobody finishes any: each comes again, and then they are finished.
    const again = new Set<string>()
    await until(
      () => {
        for (const consumer of consumers) {
          for (const { id, body } of consumer.takeAll()) {
            consumer.send(fin(id))
            again.add(body)
          }
        }
        return again.size === 3
      },
      () => `only ${[...again].join(', ')} came again`,
    )
  })

  test('while it flows loses nothing', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('a')
    running.topic().empty()
    assert.deepEqual(depths(running), { topic: 0, c: 1 })
    const lone = running.nsqd.topic('lone')
    lone.empty()
    assert.equal(lone.depth, 0)
  })
})

describe('deleting', () => {
  test('a topic ends its connections and leaves nothing on disk', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(1)
    await running.publish('a', 'b')
    await consumer.message()
    assert.equal(running.nsqd.deleteTopic('t'), true)
    assert.equal(running.nsqd.deleteTopic('t'), false)
    await consumer.closed()
    assert.equal(existsSync(join(running.dataPath, 't.topic')), false)
    await pause(300)
    assert.equal(existsSync(join(running.dataPath, 't.topic')), false)
    await running.restart()
    assert.equal(running.nsqd.topics.size, 0)
  })

  test('a topic under load, again and again', async t => {
    const running = await start(t, { maxBytesPerFile: 5000 })
    const producer = await running.connect()
    let sent = 0
    let consumers: RawClient[] = []
    for (let round = 0; round < 30; round++) {
      if (round % 3 === 0) consumers.push(await running.subscribe(100))
      producer.send(...Array.from({ length: 50 }, () => pub('t', `message ${sent++}`)))
      for (const consumer of consumers) consumer.send(...consumer.takeAll().map(({ id }) => fin(id)))
      await pause(round % 4)
      if (round % 5 === 4) running.nsqd.deleteTopic('t')
      if (round % 7 === 6) running.nsqd.deleteChannel('t', 'c')
      if (producer.isClosed) break
      consumers = consumers.filter(consumer => !consumer.isClosed)
    }
    // A publish in the turn of the deletion is refused or goes to the new topic: never left without an answer.
    if (!producer.isClosed) for (let i = 0; i < sent; i++) if ((await producer.reply()) !== 'OK') break
    const last = await running.subscribe(10, { channel: 'last' })
    await running.publish('end')
    await until(() => last.waiting.some(({ body }) => body === 'end'))
    await running.restart()
    assert.deepEqual([...running.nsqd.topics.keys()], ['t'])
  })

  test('a channel leaves the others alone', async t => {
    const running = await start(t)
    const doomed = await running.subscribe(1, { channel: 'doomed' })
    const other = await running.subscribe(10)
    await running.publish('a', 'b')
    await doomed.message()
    assert.equal(running.nsqd.deleteChannel('t', 'doomed'), true)
    assert.equal(running.nsqd.deleteChannel('t', 'doomed'), false)
    await doomed.closed()
    await running.publish('c')
    assert.deepEqual(await take(other, 3), ['a', 'b', 'c'])
    await running.restart()
    assert.deepEqual([...running.topic().channels.keys()], ['c'])
    const anew = await running.subscribe(10, { channel: 'doomed' })
    await running.publish('d')
    assert.deepEqual(await take(anew, 1), ['d'])
  })
})

describe('an ephemeral topic', () => {
  const NAME = 't#ephemeral'

  async function publish(running: Running, count: number, from = 0, pad = 0): Promise<void> {
    const bodies = Array.from({ length: count }, (_, i) => Buffer.from(String(from + i).padEnd(pad, '.')))
    await running.nsqd.publish(NAME, bodies, 0)
  }

  test('has no folder, and goes with its last channel', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(10, { topic: NAME, channel: 'c' })
    await publish(running, 3)
    assert.deepEqual(await take(consumer, 3), ['0', '1', '2'])
    assert.equal(existsSync(join(running.dataPath, `${NAME}.topic`)), false)
    running.nsqd.deleteChannel(NAME, 'c')
    assert.equal(running.nsqd.topics.size, 0)
    await publish(running, 1)
    assert.equal(running.nsqd.topics.size, 1)
    await running.restart()
    assert.equal(running.nsqd.topics.size, 0)
  })

  test('keeps the newest messages, as many as --mem-queue-size', async t => {
    const running = await start(t, { memQueueSize: 50 })
    await publish(running, 200)
    assert.equal(running.topic(NAME).depth, 50)
    const late = running.topic(NAME).channel('late')
    assert.equal(late.depth, 50)
    for (let i = 200; i < 300; i += 20) await publish(running, 20, i)
    assert.equal(late.depth, 50)
    const consumer = await running.subscribe(100, { topic: NAME, channel: 'late' })
    assert.deepEqual(
      numbers(await consumer.messages(50)),
      Array.from({ length: 50 }, (_, i) => 250 + i),
    )
    await consumer.settled()
    assert.deepEqual(consumer.waiting, [])
  })

  test('drops only what waits: what is in flight or deferred stays', async t => {
    const running = await start(t, { memQueueSize: 10, msgTimeout: 60_000 })
    const consumer = await running.subscribe(3, { topic: NAME, channel: 'c' })
    await publish(running, 3)
    const inFlight = await consumer.messages(3)
    await running.nsqd.publish(NAME, [Buffer.from('1000')], 300)
    await publish(running, 100, 3)
    const channel = running.channel('c', NAME)
    assert.deepEqual([channel.inFlightCount, channel.depth], [3, 10])
    consumer.destroy()
    const other = await running.subscribe(20, { topic: NAME, channel: 'c' })
    const again = await other.messages(13)
    assert.deepEqual(numbers(again), [0, 1, 2, ...Array.from({ length: 10 }, (_, i) => 93 + i)])
    assert.deepEqual(
      again.slice(0, 3).map(({ id, attempts }) => `${id} ${attempts}`),
      inFlight.map(({ id }) => `${id} 2`),
    )
  })

  test('is bounded even when nothing is to be kept', async t => {
    const running = await start(t, { memQueueSize: 0 })
    running.nsqd.topic(NAME).channel('c')
    for (let i = 0; i < 50; i++) await publish(running, 100, 100 * i, 1000)
    const topic = running.topic(NAME)
    assert.ok(topic.log.memoryOrdinal > 2500, `everything from ${topic.log.memoryOrdinal} on is in memory`)
    assert.ok(running.channel('c', NAME).depth <= 1)
    // Who is there at the right time gets messages all the same.
    const consumer = await running.subscribe(1, { topic: NAME, channel: 'c' })
    await until(() => consumer.waiting.length > 0 || running.channel('c', NAME).depth === 0)
    consumer.send(...consumer.takeAll().map(({ id }) => fin(id)))
    await consumer.settled()
    await publish(running, 1, 9999)
    assert.deepEqual(numbers(await consumer.messages(1)), [9999])
  })

  test('does not keep all that came after a message that hangs', async t => {
    const running = await start(t, { memQueueSize: 100 })
    const [stuck, busy] = [
      await running.subscribe(1, { topic: NAME, channel: 'c' }),
      await running.subscribe(1, { topic: NAME, channel: 'c' }),
    ]
    for (let i = 0; i < 5000; i += 100) {
      await publish(running, 100, i, 1000)
      for (let j = 0; j < 95; j++) busy.send(fin((await busy.message()).id))
    }
    const { log } = running.topic(NAME)
    assert.equal(stuck.waiting.length, 1)
    assert.ok(log.endOrdinal - log.memoryOrdinal < 2500, `${log.memoryOrdinal} of ${log.endOrdinal}`)
    // And it is still there.
    stuck.destroy()
    const body = stuck.waiting[0]?.body
    busy.send(rdy(200))
    await until(() => busy.waiting.some(message => message.body === body))
  })
})

describe('an ephemeral channel', () => {
  test('goes with its last consumer, and is not there after a restart', async t => {
    const running = await start(t)
    const consumers = [
      await running.subscribe(1, { channel: 'c#ephemeral' }),
      await running.subscribe(1, { channel: 'c#ephemeral' }),
    ]
    consumers[0]?.destroy()
    await until(() => running.channel('c#ephemeral').sessions.size === 1)
    consumers[1]?.destroy()
    await until(() => running.topic().channels.size === 0)
    running.topic().channel('d#ephemeral')
    await running.restart()
    assert.deepEqual([...running.topic().channels.keys()], [])
  })

  test('that is far behind goes on with newer messages, and the disk is freed', async t => {
    const running = await start(t, { memQueueSize: 20, maxBytesPerFile: 10 * 1034 })
    const slow = await running.subscribe(1, { channel: 'slow#ephemeral' })
    const fast = await running.subscribe(100)
    for (let i = 0; i < 200; i += 10) {
      await running.publish(...Array.from({ length: 10 }, (_, j) => String(i + j).padEnd(1000, '.')))
      await take(fast, 10)
    }
    const channel = running.channel('slow#ephemeral')
    await until(() => channel.depth < 60)
    assert.ok(channel.depth >= 20, `${channel.depth}`)
    assert.match(running.log.join(''), /slow#ephemeral is too slow: \d+ messages were dropped/)
    await until(() => running.topic().log.bytesOnDisk < 60_000)
    // The one that it has is still its own.
    assert.equal(Number.parseInt((await slow.message()).body, 10), 0)
    assert.equal(channel.inFlightCount, 1)
  })
})

test('a subscription to a topic or channel that is new makes it', async t => {
  const running = await start(t)
  const client = await running.connect()
  assert.equal(await client.ask(sub('new', 'newer')), 'OK')
  assert.ok(running.channel('newer', 'new'))
})
