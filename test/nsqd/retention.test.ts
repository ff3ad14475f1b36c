import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fin, req } from '../../src/protocol/command.ts'
import { bytesIn, replaceFs, systemError } from '../storage/fixtures.ts'
import { until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

const HOUR = 3_600_000
/** A segment of ten messages of 1,000 bytes. */
const SMALL = { maxBytesPerFile: 10 * 1034 }
const SEGMENT = 10 * 1034
const ALL = 2 ** 40

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i).padEnd(1000, '.'))
}

function folder(running: Running, topic = 't'): string {
  return join(running.dataPath, `${topic}.topic`)
}

function segments(running: Running, topic = 't'): number {
  return readdirSync(folder(running, topic)).filter(name => name.endsWith('.log')).length
}

function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)
    } catch {
      // It was closed meanwhile.
      return false
    }
  }).length
}

/** Publishes messages that the channel has finished at once. */
async function finish(running: Running, count: number): Promise<void> {
  running.nsqd.topic('t').channel('c')
  await running.publish(...numbered(count))
  running.channel().empty()
  await running.nsqd.settle('t')
}

async function topicStats(running: Running): Promise<Record<string, unknown>> {
  const stats: unknown = JSON.parse(await running.http('GET', '/stats?format=json&topic=t'))
  assert.ok(typeof stats === 'object' && stats !== null && 'topics' in stats && Array.isArray(stats.topics))
  const [topic]: unknown[] = stats.topics
  assert.ok(typeof topic === 'object' && topic !== null)
  return { ...topic }
}

describe('finished messages', () => {
  test('stay within --retain-bytes, the newest of them, also over restarts', async t => {
    const running = await start(t, { ...SMALL, retainBytes: 3 * SEGMENT + 5 })
    await finish(running, 95)
    await until(() => segments(running) === 4)
    assert.equal(running.topic().retainedBytes, 3 * SEGMENT)
    assert.equal((await topicStats(running))['retained_bytes'], 3 * SEGMENT)
    assert.match(await running.http('GET', '/metrics'), /^nsqd_topic_retained_bytes\{topic="t"\} 31020$/m)
    for (const given of [{}, { retainBytes: 2 * SEGMENT }, { retainBytes: ALL }]) {
      const kept = given.retainBytes === undefined ? 3 : 2
      await running.restart(given)
      await until(() => running.topic().retainedBytes === kept * SEGMENT)
      await until(() => segments(running) === kept + 1)
    }
    const { messages } = await running.nsqd.replay('t', 'c', { since: 0, until: undefined }, true)
    assert.deepEqual([messages, running.topic().retainedBytes], [25, 2 * SEGMENT])
    await running.nsqd.settle('t')
    assert.deepEqual([running.channel().depth, running.topic().retainedBytes], [25, 0])
  })

  test('go when nothing is retained any more, though nothing happens in the topic', async t => {
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    await finish(running, 300)
    assert.equal(segments(running), 30)
    await running.restart({ retainBytes: 0 })
    await until(() => segments(running) === 1)
    assert.equal(running.topic().retainedBytes, undefined)
    assert.equal('retained_bytes' in (await topicStats(running)), false)
    assert.doesNotMatch(await running.http('GET', '/metrics'), /retained/)
  })

  test('go when their time is over, though nothing happens in the topic', async t => {
    const running = await start(t, { ...SMALL, retainTime: HOUR })
    await finish(running, 35)
    assert.equal(running.topic().retainedBytes, 3 * SEGMENT)
    await running.restart({ retainTime: 50 })
    await until(() => segments(running) === 1)
    assert.equal(running.topic().retainedBytes, 0)
  })

  test('hold what is unfinished among them, until they go', async t => {
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    running.nsqd.topic('t').channel('c')
    await running.publish(...numbered(60))
    const consumer = await running.subscribe(100)
    const messages = await consumer.messages(60)
    for (const [i, { id }] of messages.entries()) consumer.send(i === 5 ? req(id, HOUR) : fin(id))
    await consumer.settled()
    await running.nsqd.settle('t')
    assert.deepEqual([segments(running), running.topic().retainedBytes], [6, 5 * SEGMENT])
    assert.equal(readdirSync(folder(running)).filter(name => name.endsWith('.kept')).length, 0)
    await running.restart({ retainBytes: 1 })
    await until(() => segments(running) === 1)
    assert.equal(readdirSync(folder(running)).filter(name => name.endsWith('.kept')).length, 1)
    assert.deepEqual([running.channel().depth, running.channel().deferredCount], [0, 1])
  })

  test('take no descriptors, be there ever so many that are read again', async t => {
    if (!existsSync('/proc/self/fd')) {
      t.skip('only Linux tells')
      return
    }
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    await finish(running, 500)
    await running.restart()
    await running.nsqd.replay('t', 'c', { since: 0, until: undefined }, true)
    const consumer = await running.subscribe(20)
    let most = 0
    for (let i = 0; i < 500; i++) {
      consumer.send(fin((await consumer.message()).id))
      most = Math.max(most, openFiles(folder(running)))
    }
    await running.nsqd.settle('t')
    assert.equal(running.topic().retainedBytes, 49 * SEGMENT)
    // The newest, the one that is read, and the checkpoint; each segment has two files.
    assert.ok(most <= 8, `${most} files were open`)
  })

  test('that cannot go, as most of them is unfinished, are not looked at all the time', async t => {
    const running = await start(t, { ...SMALL, retainTime: 1 })
    running.nsqd.topic('t').channel('c')
    await running.publish(...numbered(25))
    const consumer = await running.subscribe(100)
    for (const { id } of await consumer.messages(25)) consumer.send(req(id, HOUR))
    await consumer.settled()
    await running.nsqd.settle('t')
    assert.equal(segments(running), 3)
    const checkpoint = join(folder(running), 'checkpoint')
    const { mtimeMs } = statSync(checkpoint)
    // Another topic is looked after as often.
    for (let i = 0; i < 3; i++) {
      await running.nsqd.publish('u', [Buffer.from('x')], 0)
      await until(() => !running.topic('u').dirty)
    }
    assert.equal(statSync(checkpoint).mtimeMs, mtimeMs)
  })

  test('all come again when the checkpoint is damaged, and the log says how many', async t => {
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    await finish(running, 35)
    await running.stop()
    writeFileSync(join(folder(running), 'checkpoint'), 'x')
    await running.nsqd.close()
    await running.restart()
    assert.equal(running.channel().depth, 35)
    assert.ok(
      running.log.some(line =>
        /is damaged: .* again, 35 in all, with those that were finished and retained/.test(line),
      ),
    )
  })

  test('go with their topic', async t => {
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    await finish(running, 35)
    running.nsqd.deleteTopic('t')
    assert.deepEqual(
      readdirSync(running.dataPath).filter(name => name.endsWith('.topic')),
      [],
    )
  })

  test('are none the worse when no segment can be begun', async t => {
    const running = await start(t, { retainTime: HOUR })
    await finish(running, 3)
    const { log } = running.topic()
    // Segment numbers are set aside on disk, now and then.
    log.rollIfOlder = () => {
      throw systemError('ENOSPC')
    }
    await until(() => running.log.some(line => /topic t: cannot begin a segment: .*ENOSPC/.test(line)))
    await running.publish('more')
    assert.equal(running.channel().depth, 1)
  })

  test('are given up, oldest first, when the disk is full', async t => {
    const running = await start(t, { ...SMALL, retainBytes: ALL })
    await finish(running, 35)
    running.nsqd.topic('u').channel('c')
    await running.nsqd.publish(
      'u',
      numbered(35).map(body => Buffer.from(body)),
      0,
    )
    running.channel('c', 'u').empty()
    await running.nsqd.settle('u')
    await running.publish('before')
    let room = bytesIn(folder(running)) + bytesIn(folder(running, 'u')) - 2.5 * SEGMENT
    const full = (): boolean => bytesIn(folder(running)) + bytesIn(folder(running, 'u')) > room
    for (const name of ['writeSync', 'writevSync'] as const) {
      replaceFs(t, name, original => (...args: unknown[]) => {
        if (full()) throw systemError('ENOSPC')
        // The arguments are those of the call itself.
        return Reflect.apply(original, undefined, args)
      })
    }
    await running.publish('after')
    assert.deepEqual([segments(running), segments(running, 'u')], [1, 4])
    assert.equal(running.nsqd.health, 'OK')
    assert.equal(
      running.log.filter(line => line.includes('the disk is full: gave up a segment of topic t')).length,
      3,
    )
    room -= 2 * SEGMENT
    await running.publish('more')
    assert.deepEqual([segments(running), segments(running, 'u')], [1, 2])
    // Nothing that is not finished goes.
    room = 0
    await assert.rejects(running.publish('too much'), { code: 'E_PUB_FAILED' })
    assert.match(running.nsqd.health, /ENOSPC/)
    assert.equal(running.channel().depth, 3)
    room = ALL
    await running.publish('at last')
    assert.equal(running.nsqd.health, 'OK')
    assert.equal(running.channel().depth, 4)
  })
})
