import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fin, rdy, req } from '../../src/protocol/command.ts'
import { bytesIn, overwrite, replaceFs, systemError } from '../storage/fixtures.ts'
import { type RawClient, type RawMessage } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

const HOUR = 3_600_000
/** A segment of ten messages of 1,000 bytes. */
const SMALL = { maxBytesPerFile: 10 * 1034 }

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i).padEnd(1000, '.'))
}

function folder(running: Running, topic = 't'): string {
  return join(running.dataPath, `${topic}.topic`)
}

function files(running: Running, suffix: string): string[] {
  return readdirSync(folder(running)).filter(name => name.endsWith(suffix))
}

function bytesOnDisk(running: Running): number {
  return bytesIn(folder(running))
}

function numbers(messages: readonly RawMessage[]): number[] {
  return messages.map(({ body }) => Number.parseInt(body, 10))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** Finishes everything that comes, but for the messages of these numbers, which are deferred by an hour. */
async function work(client: RawClient, count: number, deferred: readonly number[] = []): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = await client.message()
    const isLater = deferred.includes(Number.parseInt(message.body, 10))
    client.send(isLater ? req(message.id, HOUR) : fin(message.id))
  }
  await client.settled()
}

describe('a clean restart', () => {
  test('keeps the exact state of each channel', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    running.topic().channel('idle').pause()
    await running.publish('finished', 'in flight', 'requeued', 'deferred', 'timed', 'fresh')
    const consumer = await running.subscribe(5)
    const got = new Map((await consumer.messages(5)).map(message => [message.body, message]))
    const id = (body: string): string => got.get(body)?.id ?? ''
    consumer.send(fin(id('finished')), req(id('deferred'), HOUR), rdy(0), req(id('requeued'), 0))
    await consumer.settled()
    running.nsqd.topic('paused').pause()
    await running.restart()
    assert.deepEqual(
      [running.topic('paused').paused, running.channel('idle').paused, running.channel('c').paused],
      [true, true, false],
    )
    assert.equal(running.channel('idle').depth, 6)
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [4, 1])
    const again = await running.subscribe(10)
    const bodies = (await again.messages(4)).map(({ body, attempts }) => `${body} ${attempts}`)
    assert.deepEqual(bodies.sort(), ['fresh 1', 'in flight 2', 'requeued 2', 'timed 2'])
    await again.settled()
    assert.deepEqual(again.waiting, [])
    assert.deepEqual([running.channel().depth, running.channel().inFlightCount], [0, 4])
  })

  test('keeps ids and timestamps', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('a', 'b')
    const first = await (await running.subscribe(2)).messages(2)
    await running.restart()
    const second = await (await running.subscribe(2)).messages(2)
    assert.deepEqual(
      second.map(message => ({ ...message, attempts: message.attempts - 1 })),
      first,
    )
  })

  test('keeps the due times of deferred messages', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publishLater(600, 'published')
    await running.publish('requeued', 'now')
    const consumer = await running.subscribe(1)
    const requeued = await consumer.message()
    const began = performance.now()
    consumer.send(rdy(0), req(requeued.id, 500))
    await consumer.settled()
    await running.restart()
    const again = await running.subscribe(3)
    assert.equal((await again.message()).body, 'now')
    assert.equal((await again.message()).body, 'requeued')
    assert.ok(performance.now() - began > 499)
    const last = await again.message()
    assert.deepEqual([last.body, last.attempts], ['published', 1])
  })

  test('redelivers nothing that was finished, whenever it comes', async t => {
    const running = await start(t, { ...SMALL, syncTimeout: 1 })
    running.nsqd.topic('t').channel('c')
    const finished = new Set<string>()
    for (let round = 0; round < 8; round++) {
      const consumer = await running.subscribe(20)
      for (let i = 0; i < 40; i++) {
        await running.publish(...numbered(3, 1000 * round + 3 * i))
        for (const { body, id } of await consumer.messages(3)) {
          assert.equal(finished.has(body), false, `${body.slice(0, 10)} came again`)
          consumer.send(fin(id))
          finished.add(body)
        }
      }
      await consumer.settled()
      // Checkpoints are written all the time now: one is on its way at many of these stops.
      await pause(30 * round)
      await running.restart()
      assert.equal(running.channel().depth, 0)
    }
    // One may be on its way at this moment.
    await until(() => files(running, '.tmp').length === 0)
  })

  test('with another node id leaves nothing that cannot be finished', async t => {
    const running = await start(t, { nodeId: 1 })
    running.nsqd.topic('t').channel('c')
    await running.publish('a', 'b', 'c')
    const first = await running.subscribe(1)
    await first.message()
    await running.restart({ nodeId: 2 })
    const consumer = await running.subscribe(3)
    const [a, b, c] = await consumer.messages(3)
    consumer.send(fin(a?.id ?? ''), fin(b?.id ?? ''), req(c?.id ?? '', 0))
    const again = await consumer.message()
    assert.equal(again.id, c?.id)
    consumer.send(fin(again.id))
    await consumer.settled()
    assert.deepEqual([running.channel().inFlightCount, running.channel().depth], [0, 0])
  })
})

describe('reclaim', () => {
  test('one deferred message does not hold the segments behind it', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(100)
    for (let i = 0; i < 300; i += 50) {
      await running.publish(...numbered(50, i))
      await work(consumer, 50, [3, 4, 57, 250])
    }
    await until(
      () => bytesOnDisk(running) < 40_000,
      () => `${bytesOnDisk(running)} bytes are still there`,
    )
    assert.equal(running.channel().deferredCount, 4)
    assert.ok(files(running, '.kept').length > 0)
    assert.deepEqual(files(running, '.bad-'), [])
  })

  test('stragglers survive restarts, with attempts and due times', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(100)
    await running.publish(...numbered(30))
    for (const message of await consumer.messages(30)) {
      const number = Number.parseInt(message.body, 10)
      consumer.send(number % 10 === 5 ? req(message.id, 1000) : fin(message.id))
    }
    const began = performance.now()
    await consumer.settled()
    await until(() => files(running, '.kept').length > 0 && files(running, '.log').length === 1)
    for (let i = 0; i < 2; i++) await running.restart()
    assert.equal(running.channel().deferredCount, 3)
    const again = await running.subscribe(3)
    const messages = await again.messages(3)
    assert.ok(performance.now() - began > 999)
    assert.deepEqual(
      numbers(messages).sort((a, b) => a - b),
      [5, 15, 25],
    )
    assert.deepEqual(
      messages.map(({ attempts, body }) => [attempts, body.length]),
      messages.map(() => [2, 1000]),
    )
    for (const { id } of messages) again.send(fin(id))
    await again.settled()
    await until(() => files(running, '.kept').length === 0)
    assert.equal(running.channel().depth, 0)
    assert.ok(bytesOnDisk(running) < 12_000)
  })

  test('segments of stragglers are given up as well when little is left in them', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(200)
    await running.publish(...numbered(100))
    const later = new Map<number, string>()
    for (const message of await consumer.messages(100)) {
      const number = Number.parseInt(message.body, 10)
      if (number % 10 < 4) {
        later.set(number, message.id)
        consumer.send(req(message.id, 400))
      } else {
        consumer.send(fin(message.id))
      }
    }
    await consumer.settled()
    // 36 of the 90 messages in complete segments were moved, eight to a segment of stragglers.
    await until(() => files(running, '.kept').length === 5 && files(running, '.log').length === 1)
    await consumer.messages(40)
    for (const [number, id] of later) if (number % 10 !== 3) consumer.send(fin(id))
    await consumer.settled()
    await until(() => files(running, '.kept').length <= 2)
    for (const [number, id] of later) if (number % 10 === 3) consumer.send(fin(id))
    await consumer.settled()
    await until(() => files(running, '.kept').length === 0)
    assert.equal(running.channel().inFlightCount, 0)
  })

  test('waits for the slowest channel', async t => {
    const running = await start(t, SMALL)
    running.nsqd.topic('t').channel('slow')
    const fast = await running.subscribe(100)
    await running.publish(...numbered(50))
    await work(fast, 50)
    await pause(600)
    assert.equal(files(running, '.log').length, 5)
    const slow = await running.subscribe(100, { channel: 'slow' })
    await work(slow, 50)
    await until(() => files(running, '.log').length === 1)
  })

  test('an emptied channel frees the disk, and one that is deleted', async t => {
    const running = await start(t, SMALL)
    running.nsqd.topic('t').channel('c')
    running.topic().channel('d')
    await running.publish(...numbered(50))
    running.channel('c').empty()
    await pause(600)
    assert.equal(files(running, '.log').length, 5)
    running.channel('d').empty()
    await until(() => files(running, '.log').length === 1)
    await running.publish(...numbered(50))
    running.channel('c').empty()
    running.nsqd.deleteChannel('t', 'd')
    await until(() => files(running, '.log').length === 1)
  })

  test('a channel emptied while nothing else happens frees the disk', async t => {
    const running = await start(t, SMALL)
    running.nsqd.topic('t').channel('c')
    await running.publish(...numbered(50))
    await until(() => !running.topic().dirty)
    running.channel('c').empty()
    await until(() => files(running, '.log').length === 1)
  })

  test('does not touch what is not committed yet', async t => {
    const running = await start(t, { ...SMALL, durability: 'power' })
    const consumer = await running.subscribe(1000)
    let held: (() => void)[] = []
    await running.publish(...numbered(5))
    await work(consumer, 5)
    // A slow disk: what comes during a sync waits in memory, over several segments.
    const restore = replaceFs(
      t,
      'fdatasync',
      original => (fd: number, done: (error: Error | null) => void) => {
        held.push(() => original(fd, done))
      },
    )
    const publishes = [running.publish(...numbered(3, 5))]
    await pause(30)
    publishes.push(running.publish(...numbered(40, 8)))
    await pause(30)
    running.topic().touched()
    await pause(600)
    restore()
    for (const go of held) go()
    held = []
    await Promise.all(publishes)
    const messages = await consumer.messages(43)
    assert.deepEqual(numbers(messages), range(5, 48))
    await running.restart()
    const again = await running.subscribe(1000)
    assert.deepEqual(
      numbers(await again.messages(43)).sort((a, b) => a - b),
      range(5, 48),
    )
  })
})

describe('a disk that fails', () => {
  test('while stragglers are moved is tried again later, and nothing is lost', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(100)
    const restore = replaceFs(t, 'fdatasyncSync', () => () => {
      throw systemError('ENOSPC')
    })
    await running.publish(...numbered(40))
    await work(consumer, 40, [5])
    await until(() => running.log.some(line => line.includes('ENOSPC')))
    // Only the segment that holds the straggler is in the way.
    await until(() => files(running, '.log').length === 2)
    // The state is saved all the same.
    await running.restart()
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 1])
    restore()
    await running.restart()
    await until(() => files(running, '.log').length === 1)
    assert.equal(running.channel().deferredCount, 1)
  })

  test('while a checkpoint is written is asked again', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(1)
    const restore = replaceFs(
      t,
      'rename',
      original => (from: string, to: string, done: (e: Error | null) => void) => {
        if (to.endsWith('checkpoint')) done(systemError('EIO'))
        else original(from, to, done)
      },
    )
    await running.publish('a')
    consumer.send(fin((await consumer.message()).id))
    await until(() => running.log.some(line => line.includes('checkpoint') && line.includes('EIO')))
    restore()
    await until(() => existsSync(join(folder(running), 'checkpoint')))
    // One may be on its way at this moment.
    await until(() => files(running, '.tmp').length === 0)
  })
})

describe('damage on disk', () => {
  test('of the checkpoint: everything that is there is delivered again, stragglers too', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(100)
    await running.publish(...numbered(45))
    await work(consumer, 45, [5, 6, 38, 44])
    await running.publishLater(HOUR, 'deferred')
    await until(() => files(running, '.kept').length > 0 && files(running, '.log').length === 1)
    await running.stop()
    overwrite(join(folder(running), 'checkpoint'), 40, 'damage')
    await running.restart()
    assert.match(running.log.join(''), /the checkpoint in .* is damaged/)
    const again = await running.subscribe(100)
    // 40 to 44 are in the newest segment.
    assert.deepEqual(
      numbers(await again.messages(8)).sort((a, b) => a - b),
      [5, 6, 38, 40, 41, 42, 43, 44],
    )
    await until(() => running.channel().deferredCount === 1)
    for (const { id } of again.waiting) again.send(fin(id))
    await until(() => files(running, '.kept').length === 0)
  })

  test('of a deferred straggler: without a checkpoint it is still deferred', async t => {
    const running = await start(t, SMALL)
    const consumer = await running.subscribe(100)
    await running.publishLater(HOUR, 'deferred')
    await running.publish(...numbered(25))
    await work(consumer, 25)
    await until(() => files(running, '.kept').length > 0 && files(running, '.log').length === 1)
    await running.stop()
    rmSync(join(folder(running), 'checkpoint'))
    await running.restart()
    await work(await running.subscribe(100), 5)
    await until(() => running.channel().deferredCount === 1)
  })

  test('that took the tail away, with messages that channels held', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(4)
    await running.publish('a', 'b')
    await running.publish('c', 'd')
    for (const { id } of await consumer.messages(4)) consumer.send(req(id, 0))
    consumer.send(rdy(0))
    await consumer.settled()
    await running.stop()
    const [name = ''] = files(running, '.log')
    truncateSync(join(folder(running), name), 75)
    await running.restart()
    await running.publish('e', 'f')
    const again = await running.subscribe(4)
    const texts = (await again.messages(4)).map(({ body }) => body)
    assert.deepEqual(texts.sort(), ['a', 'b', 'e', 'f'])
    for (const { id } of again.takeAll()) again.send(fin(id))
    await again.settled()
    assert.equal(running.channel().depth, 0)
  })

  test('of a message to be delivered again: it is left out, and said', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(3)
    for (const body of ['a', 'b', 'c']) await running.publish(body)
    await consumer.messages(3)
    await running.stop()
    const [name = ''] = files(running, '.log')
    overwrite(join(folder(running), name), 35 + 4, Buffer.from('damage'))
    await running.restart()
    assert.match(
      running.log.join(''),
      /WARN.*: topic t: .*damaged at byte 35: 1 messages are lost, in 35 bytes/,
    )
    const again = await running.subscribe(3)
    assert.deepEqual(
      (await again.messages(2)).map(({ body }) => body),
      ['a', 'c'],
    )
    await again.settled()
    assert.deepEqual(
      [again.waiting.length, running.channel().depth, running.channel().inFlightCount],
      [0, 0, 2],
    )
    assert.match(running.log.join(''), /ERROR: topic t: .*no message at byte 35/)
  })

  test('does not keep a message from being finished whose latency is to be known', async t => {
    const running = await start(t, { e2eProcessingLatencyPercentile: [0.99] })
    const consumer = await running.subscribe(1)
    await running.publish('a')
    const { id } = await consumer.message()
    running.topic().log.forgetBlocks()
    const restore = replaceFs(t, 'readSync', () => () => {
      throw systemError('EIO')
    })
    consumer.send(fin(id))
    await consumer.settled()
    restore()
    assert.equal(running.channel().inFlightCount, 0)
  })
})
