import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { now } from '../../src/nsqd/clock.ts'
import { Orphans } from '../../src/nsqd/orphans.ts'
import { dpub, fin, mpub, pub, rdy, req, sub } from '../../src/protocol/command.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import type { RawClient } from './raw-client.ts'
import { brokenDisk } from '../faults/broken-disk.ts'
import { overwrite } from '../storage/fixtures.ts'
import { pause, until } from '../support/wait.ts'
import { type Given, type Running, start } from './running.ts'

/** An nsqd with topic t and channel c. */
async function startWith(
  t: TestContext,
  given: Given,
  channels: readonly string[] = ['c'],
): Promise<Running> {
  const running = await start(t, { memQueueBytes: 1024 * 1024, ...given })
  const topic = running.nsqd.topic('t')
  for (const name of channels) topic.channel(name)
  return running
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i))
}

function body(i: number): string {
  return String(i).padEnd(1000, '.')
}

/** Everything that a channel has, in the order in which it comes. */
async function drain(running: Running, channel = 'c', least = 0): Promise<string[]> {
  const client = await running.subscribe(2500, { channel })
  const bodies: string[] = []
  const isEmpty = (): boolean => {
    for (const { id, body: text } of client.takeAll()) {
      bodies.push(text)
      client.send(fin(id))
    }
    const { depth, deferredCount, inFlightCount } = running.channel(channel)
    return depth + deferredCount + inFlightCount === 0 && bodies.length >= least
  }
  await until(isEmpty)
  client.destroy()
  return bodies
}

async function refusedBy(client: RawClient, command: Buffer): Promise<string> {
  const answer = await client.ask(command)
  assert.match(answer, /^E_/)
  return answer
}

/** What HTTP answers to a publish to topic t that is refused for this reason. */
function fullAnswer(reason: string): string {
  return JSON.stringify({ message: 'TOPIC_FULL', reason: `topic t is full: ${reason}` })
}

describe('--max-topics and --max-channels', () => {
  test('more topics are refused on every way, and those that are there go on', async t => {
    const running = await start(t, { maxTopics: 2 })
    running.nsqd.topic('one')
    running.nsqd.topic('two')
    const reason = 'no more topics are made: nsqd has 2 (--max-topics=2)'
    for (const command of [pub('three', 'x'), mpub('three', ['x', 'y']), dpub('three', 1, 'x')]) {
      const client = await running.connect()
      assert.equal(await refusedBy(client, command), `E_PUB_FAILED ${reason}`)
    }
    const client = await running.connect()
    assert.equal(await refusedBy(client, sub('three', 'c')), `E_SUB_FAILED ${reason}`)
    for (const path of ['/topic/create?topic=three', '/pub?topic=three', '/mpub?topic=three']) {
      assert.equal(
        await running.http('POST', path, 'x'),
        JSON.stringify({ message: 'TOO_MANY_TOPICS', reason }),
      )
    }
    assert.deepEqual([...running.nsqd.topics.keys()], ['one', 'two'])
    const publisher = await running.connect()
    assert.equal(await publisher.ask(pub('two', 'x')), 'OK')
    running.nsqd.deleteTopic('one')
    assert.equal(await publisher.ask(pub('three', 'x')), 'OK')
  })

  test('more channels of a topic are refused', async t => {
    const running = await startWith(t, { maxChannels: 1 })
    const client = await running.connect()
    const reason = 'no more channels are made in topic t: it has 1 (--max-channels=1)'
    assert.equal(await refusedBy(client, sub('t', 'd')), `E_SUB_FAILED ${reason}`)
    const answer = await running.http('POST', '/channel/create?topic=t&channel=d')
    assert.equal(answer, JSON.stringify({ message: 'TOO_MANY_CHANNELS', reason }))
    await running.subscribe(1)
    await running.subscribe(1, { topic: 'u', channel: 'd' })
  })

  test('what is on disk at the start stays, however much it is', async t => {
    const running = await startWith(t, {}, ['c', 'd', 'e'])
    running.nsqd.topic('u').channel('c')
    await running.restart({ maxTopics: 1, maxChannels: 1 })
    assert.deepEqual([...running.nsqd.topics.keys()].sort(), ['t', 'u'])
    assert.deepEqual([...running.topic().channels.keys()].sort(), ['c', 'd', 'e'])
  })

  test('of the channels that nsqlookupd knows as many are made as may be, and the topic begins', async t => {
    const running = await start(t, { maxChannels: 2, lookupdTcpAddress: ['127.0.0.1:1'] })
    t.mock.method(running.nsqd.lookupPeers, 'knownChannels', async () => ['a', 'b', 'c'])
    await running.publish('0')
    await until(() => running.topic().channels.size === 2 && running.channel('b').depth === 1)
    assert.match(running.log.join(''), /WARNING: topic t: not all channels .* it has 2 \(--max-channels=2\)/)
  })

  test('names that are refused leave nothing behind', async t => {
    const running = await start(t, { maxTopics: 1 })
    running.nsqd.topic('one')
    const client = await running.connect()
    for (let i = 0; i < 2000; i++) {
      await assert.rejects(running.nsqd.publish(`topic${i}`, [Buffer.from('x')], 0), {
        code: 'E_TOO_MANY_TOPICS',
      })
    }
    assert.equal(await client.ask(pub('one', 'x')), 'OK')
    assert.equal(running.nsqd.topics.size, 1)
    assert.equal(running.log.filter(line => line.includes('topic9')).length, 0)
  })
})

describe('--overflow=refuse', () => {
  test('a publish that would be too much is refused whole, and says by which limit', async t => {
    const running = await startWith(t, { maxChannelDepth: 5 }, ['c', 'd'])
    const client = await running.connect()
    assert.equal(await client.ask(mpub('t', numbers(0, 4))), 'OK')
    assert.equal(
      await refusedBy(client, mpub('t', ['4', '5'])),
      'E_PUB_FAILED topic t is full: 4 messages wait in channel c, and 2 came (--max-channel-depth=5)',
    )
    const again = await running.connect()
    assert.equal(await again.ask(pub('t', '4')), 'OK')
    assert.match(await refusedBy(again, dpub('t', 10, '5')), /^E_PUB_FAILED topic t is full: 5 messages/)
    const five = '5 messages wait in channel c'
    assert.equal(
      await running.http('POST', '/pub?topic=t', 'x'),
      fullAnswer(`${five} (--max-channel-depth=5)`),
    )
    const two = `${five}, and 2 came (--max-channel-depth=5)`
    assert.equal(await running.http('POST', '/mpub?topic=t', 'x\ny'), fullAnswer(two))
    assert.equal(running.topic().refusedCount, 6)
    assert.deepEqual(await drain(running), numbers(0, 5))
    const later = await running.connect()
    assert.match(await refusedBy(later, pub('t', '5')), /in channel d/)
    assert.deepEqual(await drain(running, 'd'), numbers(0, 5))
    await running.publish('5')
  })

  test('all publishes of a turn count, and so does what is deferred; what is in flight does not', async t => {
    const running = await startWith(t, { maxChannelDepth: 3 })
    const results = await Promise.allSettled(numbers(0, 5).map(text => running.publish(text)))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    const client = await running.subscribe(10)
    const messages = [await client.message(), await client.message(), await client.message()]
    await running.publish('a', 'b')
    client.send(rdy(0))
    for (const { id } of messages) client.send(req(id, 60_000))
    await client.settled()
    await until(() => running.channel().deferredCount === 3)
    await assert.rejects(running.publish('c'), /is full: \d messages wait in channel c/)
  })

  test('a refusal says nothing of what comes later', async t => {
    const running = await startWith(t, { maxChannelDepth: 10 })
    const client = await running.subscribe(5)
    await running.publish(...numbers(0, 5))
    const messages = await client.messages(5)
    client.send(rdy(0))
    await client.settled()
    await assert.rejects(running.publish(...numbers(5, 16)), /is full: 0 messages wait/)
    for (const { id } of messages) client.send(req(id, 0))
    await until(() => running.channel().depth === 5)
    await assert.rejects(running.publish(...numbers(5, 11)), /is full: 5 messages wait/)
    await running.publish(...numbers(5, 10))
  })

  test('by bytes', async t => {
    const running = await startWith(t, { maxChannelBytes: 1000 })
    // Each takes 34 bytes more in the log.
    await running.publish('x'.repeat(466))
    await assert.rejects(
      running.publish('x'.repeat(467)),
      /500 bytes wait in channel c, and 501 came \(--max-channel-bytes=1000\)/,
    )
    await running.publish('x'.repeat(466))
    await assert.rejects(running.publish('x'), { code: 'E_TOPIC_FULL' })
  })

  test('a topic that is paused or has no channels has limits of its own', async t => {
    const running = await startWith(t, { maxTopicDepth: 2, maxChannelDepth: 3 }, [])
    await running.publish('0', '1')
    await assert.rejects(
      running.publish('2'),
      /topic t is full: 2 messages wait in it \(--max-topic-depth=2\)/,
    )
    running.topic().channel('c')
    await running.publish('2')
    running.topic().pause()
    await running.publish('3', '4')
    await assert.rejects(running.publish('5'), { code: 'E_TOPIC_FULL' })
    running.topic().unpause()
    assert.equal(running.channel().depth, 5)
    await assert.rejects(running.publish('5'), /5 messages wait in channel c/)
  })

  test('what waits for the disk counts, too: --durability=power', async t => {
    const running = await startWith(t, { maxChannelDepth: 3, durability: 'power' })
    const results = await Promise.allSettled(
      numbers(0, 6).map(async text => {
        if (text === '2') await pause(1)
        await running.publish(text)
      }),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3)
    assert.equal(running.channel().depth, 3)
  })

  test('what is ephemeral has its own rule', async t => {
    const running = await startWith(t, { maxChannelDepth: 2, maxTopicDepth: 2 }, ['tail#ephemeral'])
    await running.publish(...numbers(0, 10))
    assert.equal(running.channel('tail#ephemeral').depth, 10)
    running.nsqd.topic('e#ephemeral')
    await running.nsqd.publish(
      'e#ephemeral',
      numbers(0, 10).map(text => Buffer.from(text)),
      0,
    )
    assert.equal(running.topic('e#ephemeral').depth, 10)
  })
})

describe('--overflow=drop-oldest', () => {
  const overflow = 'drop-oldest'

  test('the oldest that wait go, and are counted; what consumers have stays', async t => {
    const running = await startWith(t, { maxChannelDepth: 5, overflow }, ['c', 'd'])
    const client = await running.subscribe(2)
    await running.publish(...numbers(0, 10))
    const { depth, inFlightCount, droppedCount } = running.channel()
    assert.deepEqual([depth, inFlightCount, droppedCount], [5, 2, 3])
    assert.deepEqual([running.channel('d').depth, running.channel('d').droppedCount], [5, 5])
    const had = [await client.message(), await client.message()]
    assert.deepEqual(
      had.map(message => message.body),
      ['0', '1'],
    )
    client.destroy()
    await until(() => running.channel().depth === 7)
    // Those that were delivered before are the oldest.
    await running.publish('10')
    assert.deepEqual(await drain(running), numbers(6, 11))
    assert.deepEqual(await drain(running, 'd'), numbers(6, 11))
    assert.equal(running.channel().droppedCount, 6)
  })

  test('over segments and from disk: whole ones go at once, and their files with the next checkpoint', async t => {
    const running = await startWith(t, { maxChannelDepth: 100, overflow, maxBytesPerFile: 200_000 })
    for (let i = 0; i < 4000; i += 100) {
      await running.publish(...Array.from({ length: 100 }, (_, k) => body(i + k)))
      assert.equal(running.channel().depth, 100)
    }
    assert.equal(running.channel().droppedCount, 3900)
    await until(() => (running.topic().diskBytes ?? 0) < 500_000)
    assert.deepEqual(
      await drain(running),
      Array.from({ length: 100 }, (_, k) => body(3900 + k)),
    )
  })

  test('what is dropped may lie on disk only, and is never delivered', async t => {
    const running = await startWith(t, { maxChannelDepth: 3000, overflow, maxBytesPerFile: 10_000_000 })
    for (let i = 0; i < 4000; i += 500) {
      await running.publish(...Array.from({ length: 500 }, (_, k) => body(i + k)))
      assert.equal(running.channel().depth, Math.min(3000, i + 500))
    }
    await until(() => running.channel().droppedCount === 1000)
    assert.deepEqual(
      await drain(running),
      Array.from({ length: 3000 }, (_, k) => body(1000 + k)),
    )
  })

  test('by bytes', async t => {
    const running = await startWith(t, { maxChannelBytes: 1000, overflow })
    await running.publish(...numbers(0, 10).map(text => text.padEnd(166, '.')))
    assert.deepEqual([running.channel().depth, running.channel().droppedCount], [5, 5])
    await running.publish('big'.padEnd(900, '.'))
    assert.deepEqual([running.channel().depth, running.channel().droppedCount], [1, 10])
    await running.publish('too big'.padEnd(2000, '.'))
    assert.deepEqual([running.channel().depth, running.channel().droppedCount], [0, 12])
  })

  test('deferred messages go last, those that are due first', async t => {
    const running = await startWith(t, { maxChannelDepth: 3, overflow })
    await running.publishLater(60_000, 'late')
    await running.publishLater(30_000, 'early')
    await running.publish('0', '1')
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [1, 2])
    await running.publish('2')
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [1, 2])
    await running.publishLater(10_000, 'next')
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 3])
    await running.publishLater(20_000, 'more')
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 3])
    assert.equal(running.channel().droppedCount, 4)
  })

  test('in a topic without channels, or paused, the oldest go as well', async t => {
    const running = await startWith(t, { maxTopicDepth: 3, overflow }, [])
    await running.publish(...numbers(0, 10))
    assert.deepEqual([running.topic().depth, running.topic().droppedCount], [3, 7])
    running.topic().channel('c')
    assert.equal(running.channel().depth, 3)
    running.topic().pause()
    await running.publish(...numbers(10, 20))
    assert.deepEqual([running.topic().depth, running.topic().droppedCount], [3, 14])
    await running.restart()
    assert.equal(running.topic().depth, 3)
    running.topic().unpause()
    assert.deepEqual(await drain(running), [...numbers(7, 10), ...numbers(17, 20)])
  })

  test('a replay may bring more; with the next message the oldest go again', async t => {
    const running = await startWith(t, { maxChannelDepth: 4, overflow, retainBytes: 2 ** 30 })
    await running.publish(...numbers(0, 10))
    const report = await running.nsqd.replay('t', 'c', { since: 0, until: undefined }, true)
    assert.deepEqual([report.messages, report.waiting, running.channel().depth], [10, 4, 10])
    await running.publish('10')
    assert.deepEqual(await drain(running), numbers(7, 11))
  })

  test('what is dropped stays so over a restart, though it lies on disk and was not passed yet', async t => {
    const running = await startWith(t, { maxChannelDepth: 1000, overflow })
    for (let i = 0; i < 4000; i += 500)
      await running.publish(...Array.from({ length: 500 }, (_, k) => body(i + k)))
    await running.restart({ maxChannelDepth: 10 })
    await running.publish(body(4000))
    assert.equal(running.channel().depth, 10)
    await running.restart({ maxChannelDepth: 5000 })
    assert.deepEqual((await drain(running)).map(Number.parseFloat), numbers(3991, 4001).map(Number))
  })

  test('what is dropped in a topic gets to no channel', async t => {
    const disk = await brokenDisk(t)
    const running = await startWith(t, { overflow }, [])
    await running.publish(...numbers(0, 10))
    await running.restart({ maxTopicDepth: 10 })
    disk.fail({ call: 'read', path: /\.log$/, code: 'EIO' })
    await running.publish('10', '11')
    running.topic().channel('c')
    assert.deepEqual([running.topic().depth, running.topic().droppedCount], [10, 2])
    assert.deepEqual([running.channel().depth, running.channel().messageCount], [0, 0])
    disk.heal()
    assert.deepEqual(await drain(running, 'c', 10), numbers(2, 12))
    assert.deepEqual([running.topic().depth, running.channel().messageCount], [0, 10])
  })

  test('what is dropped and cannot be read is passed when it can be, and never delivered', async t => {
    const disk = await brokenDisk(t)
    const running = await startWith(t, {}, [])
    await running.publish(...numbers(0, 10).map(text => text.padEnd(1000, '.')))
    running.topic().channel('c')
    running.topic().pause()
    await running.publish(...numbers(10, 20).map(text => text.padEnd(1000, '.')))
    await running.restart({ maxChannelDepth: 3, maxTopicDepth: 3, overflow })
    disk.fail({ call: 'read', path: /\.log$/, code: 'EIO' })
    await running.publish('20')
    assert.deepEqual([running.topic().depth, running.topic().droppedCount], [3, 8])
    running.topic().unpause()
    await running.publish('21')
    assert.equal(running.channel().depth, 3)
    const client = await running.subscribe(100)
    assert.equal(running.channel().inFlightCount, 0)
    client.destroy()
    disk.heal()
    assert.deepEqual((await drain(running)).map(Number.parseFloat), [19, 20, 21])
  })

  test('in a topic, what is damaged on disk does not stop it', async t => {
    const running = await startWith(t, { maxBytesPerFile: 20_680 }, [])
    for (let i = 0; i < 50; i += 5) await running.publish(...Array.from({ length: 5 }, (_, k) => body(i + k)))
    await running.stop()
    overwrite(running.topic().log.first.next?.file?.logPath ?? '', 2 * 1034, Buffer.alloc(8))
    await running.restart({ maxTopicDepth: 23, overflow })
    await running.publish(body(50))
    await until(() => /is damaged at byte \d+: \d+ messages are left out/.test(running.log.join('')))
    await until(() => running.topic().log.first.firstOrdinal > 0)
    assert.equal(running.topic().depth, 23)
    running.topic().channel('c')
    assert.deepEqual((await drain(running)).map(Number.parseFloat), numbers(28, 51).map(Number))
  })

  test('an emptied channel begins anew', async t => {
    const running = await startWith(t, { maxChannelDepth: 4, overflow })
    await running.publish(...numbers(0, 10))
    running.channel().empty()
    assert.equal(running.channel().depth, 0)
    await running.publish(...numbers(10, 16))
    assert.deepEqual(await drain(running), numbers(12, 16))
  })
})

describe('--message-ttl', () => {
  /** Long enough that what must not expire does not, even on a slow machine. */
  const LONG = 3_600_000
  /** Long enough for what was published to get to a consumer. */
  const SHORT = 1000

  test('what waits for longer goes, though nobody reads; what is in flight stays', async t => {
    const running = await startWith(t, { messageTtl: SHORT }, ['c', 'd'])
    const client = await running.subscribe(2)
    await running.publish(...numbers(0, 5))
    const had = [await client.message(), await client.message()]
    await until(() => running.channel().expiredCount === 3 && running.channel('d').expiredCount === 5)
    assert.deepEqual(
      [running.channel().depth, running.channel().inFlightCount, running.channel('d').depth],
      [0, 2, 0],
    )
    client.send(...had.map(({ id }) => fin(id)))
    await client.settled()
    assert.equal(running.channel().inFlightCount, 0)
  })

  test('what comes back too late is not delivered again, nor when its consumer is gone', async t => {
    const running = await startWith(t, { messageTtl: SHORT })
    const client = await running.subscribe(1)
    await running.publish('a')
    const { id } = await client.message()
    const since = now()
    await until(() => now() > since + SHORT)
    client.send(req(id, 0))
    await until(() => running.channel().expiredCount === 1)
    assert.equal(running.channel().depth, 0)
    await running.publish('b')
    await client.message()
    client.destroy()
    await until(() => running.channel().expiredCount === 2)
    assert.equal(running.channel().waitingCount + running.channel().inFlightCount, 0)
  })

  test('the time of a deferred message begins when it is due', async t => {
    const running = await startWith(t, { messageTtl: LONG })
    await running.publishLater(1, 'soon')
    await running.publishLater(LONG, 'late')
    await until(() => running.channel().depth === 1)
    await running.restart({ messageTtl: 50 })
    await until(() => running.channel().expiredCount === 1)
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 1])
  })

  test('a deferred message that is in the way of older ones does not keep them', async t => {
    const running = await startWith(t, { messageTtl: 100 })
    running.channel().pause()
    await running.publish('before')
    await running.publishLater(LONG, 'late')
    await running.publish('behind')
    await until(() => running.channel().expiredCount === 2)
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 1])
  })

  test('what waits in the topic goes as well', async t => {
    const running = await startWith(t, { messageTtl: 100 }, [])
    await running.publish(...numbers(0, 5))
    await until(() => running.topic().expiredCount === 5)
    assert.equal(running.topic().depth, 0)
    running.topic().channel('c')
    assert.equal(running.channel().depth, 0)
    running.topic().pause()
    await running.publish('5')
    await until(() => running.topic().expiredCount === 6)
    running.topic().unpause()
    assert.equal(running.channel().depth, 0)
  })

  test('ephemeral ones, too', async t => {
    const running = await start(t, { messageTtl: 100 })
    running.nsqd.topic('e#ephemeral').channel('c')
    await running.nsqd.publish('e#ephemeral', [Buffer.from('x')], 0)
    await until(() => running.channel('c', 'e#ephemeral').expiredCount === 1)
  })

  test('after a restart, and from disk; segments go with their messages', async t => {
    const running = await startWith(t, { maxBytesPerFile: 100_000 })
    for (let i = 0; i < 20; i++) await running.publish(...numbers(0, 50).map(text => text.padEnd(1000, '.')))
    await running.restart({ messageTtl: 1 })
    await until(() => running.channel().expiredCount === 1000)
    assert.equal(running.channel().depth, 0)
    await until(() => (running.topic().diskBytes ?? 0) < 150_000)
    await running.restart({ messageTtl: LONG })
    assert.equal(running.channel().depth, 0)
  })

  test('a replay of messages that are too old gives nothing', async t => {
    const running = await startWith(t, { messageTtl: 50, retainBytes: 2 ** 30 })
    await running.publish(...numbers(0, 5))
    await until(() => running.channel().expiredCount === 5)
    const { messages } = await running.nsqd.replay('t', 'c', { since: 0, until: undefined }, true)
    assert.equal(messages, 5)
    await until(() => running.channel().depth === 0)
    assert.equal(running.channel().expiredCount, 10)
  })

  test('nothing goes before its time', async t => {
    const running = await startWith(t, { messageTtl: LONG })
    await running.publish(...numbers(0, 5))
    await running.publishLater(20, 'late')
    await running.restart()
    assert.deepEqual(await drain(running), [...numbers(0, 5), 'late'])
    assert.equal(running.channel().expiredCount, 0)
  })
})

describe('--orphan-after', () => {
  test('a channel without a consumer in which messages wait is told of, until somebody comes', async t => {
    const running = await startWith(t, { orphanAfter: 20 }, ['c', 'empty'])
    await running.publish('0', '1')
    running.channel('empty').empty()
    const logged = (text: string): number => running.log.filter(line => line.includes(text)).length
    await until(() => logged('channel t/c has had no consumer for') === 1)
    assert.match(
      running.log.find(line => line.includes('no consumer')) ?? '',
      /2 messages wait in it; delete it/,
    )
    assert.equal(running.channel().isOrphaned, true)
    const stats = await running.http('GET', '/stats?format=json')
    assert.match(stats, /"orphaned":true/)
    assert.match(await running.http('GET', '/stats'), /e2e%: {2}orphaned$/m)
    const metrics = await running.http('GET', '/metrics')
    assert.match(metrics, /^nsqd_channel_orphaned\{topic="t",channel="c"\} 1$/m)
    assert.match(metrics, /^nsqd_channel_orphaned\{topic="t",channel="empty"\} 0$/m)
    const client = await running.subscribe(1)
    assert.equal(running.channel().isOrphaned, false)
    await until(() => logged('channel t/c has a consumer again') === 1)
    client.destroy()
    await until(() => logged('channel t/c has had no consumer for') === 2)
    assert.equal(logged('channel t/empty has'), 0)
  })

  test('once a day, and nothing is kept of a channel that is gone', () => {
    const lines: string[] = []
    const logger = new Logger({ prefix: '', level: LogLevel.info, write: line => void lines.push(line) })
    const orphans = new Orphans(1000, logger)
    const channel = { name: 'c', isOrphaned: true, waitingCount: 1, sessions: new Set(), idleSince: 0 }
    const topic = { name: 't', channels: new Map([['c', channel]]) }
    const topics = new Map([['t', topic]])
    const hour = 3_600_000
    for (let at = hour; at < 73 * hour; at += hour) orphans.look(topics, at)
    assert.equal(lines.length, 3)
    assert.match(lines[0] ?? '', /no consumer for 1h0m0s, and 1 message waits in it/)
    topic.channels.delete('c')
    orphans.look(topics, 100 * hour)
    topic.channels.set('c', channel)
    orphans.look(topics, 101 * hour)
    assert.equal(lines.length, 4)
  })
})

test('/stats and /metrics tell what was refused and dropped, and nothing where nothing is bounded', async t => {
  const bounds = { maxChannelDepth: 1, maxTopicDepth: 1 }
  const refusing = await startWith(t, bounds)
  await refusing.publish('0')
  await assert.rejects(refusing.publish('1', '2'), { code: 'E_TOPIC_FULL' })
  assert.match(await refusing.http('GET', '/stats?format=json'), /"refused_count":2/)
  assert.match(await refusing.http('GET', '/stats'), /^ {3}\[t .* refused: 2$/m)
  assert.match(await refusing.http('GET', '/metrics'), /^nsqd_topic_refused_total\{topic="t"\} 2$/m)
  await refusing.restart({ overflow: 'drop-oldest' })
  await refusing.publish('1', '2')
  assert.match(await refusing.http('GET', '/stats?format=json'), /"dropped_count":2/)
  assert.match(await refusing.http('GET', '/stats'), /^ {6}\[c .* dropped: 2$/m)
  assert.match(
    await refusing.http('GET', '/metrics'),
    /^nsqd_channel_dropped_total\{topic="t",channel="c"\} 2$/m,
  )
  await refusing.restart({ maxChannelDepth: 0, maxTopicDepth: 0, overflow: 'refuse' })
  const texts = [await refusing.http('GET', '/stats?format=json'), await refusing.http('GET', '/metrics')]
  for (const text of texts) assert.doesNotMatch(text, /(dropped|expired|topic_refused)_|orphaned/)
})
