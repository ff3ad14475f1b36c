import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { dpub, fin, rdy, req, touch } from '../../src/protocol/command.ts'
import type { PeekedMessage } from '../../src/nsqd/peek.ts'
import { until } from '../support/wait.ts'
import { overwrite, systemError } from '../storage/fixtures.ts'
import { countReads, replaceOpen } from './disk-reads.ts'
import { type Given, type Running, start } from './running.ts'

/** Defer and requeue for no more than three of these: --max-req-timeout. */
const LONG = 1_200_000

/** Everything on disk, nothing in memory. */
async function cold(
  t: TestContext,
  given: Given,
  fill: (running: Running) => Promise<void>,
): Promise<Running> {
  const running = await start(t, given)
  await fill(running)
  await running.restart()
  return running
}

async function peek(running: Running, query = 'topic=t&channel=c'): Promise<PeekedMessage[]> {
  const reply: unknown = JSON.parse(await running.http('GET', `/peek?${query}`))
  assert.ok(typeof reply === 'object' && reply !== null && 'messages' in reply, JSON.stringify(reply))
  assert.ok(Array.isArray(reply.messages))
  return reply.messages
}

function bodies(messages: readonly PeekedMessage[]): string[] {
  return messages.map(({ body }) => body)
}

function states(messages: readonly PeekedMessage[]): string[] {
  return messages.map(({ state, attempts, body }) => `${body} ${state} ${attempts}`)
}

function numbered(count: number, from = 0, pad = 0): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i).padEnd(pad, '.'))
}

async function shown(t: TestContext, body: Buffer, maxBody: number): Promise<unknown> {
  const running = await start(t)
  running.nsqd.topic('t').channel('c')
  await running.nsqd.publish('t', [body], 0)
  const [inMemory] = await peek(running, `topic=t&channel=c&max_body=${maxBody}`)
  await running.restart()
  const [onDisk] = await peek(running, `topic=t&channel=c&max_body=${maxBody}`)
  assert.deepEqual(onDisk, inMemory)
  return [inMemory?.body, inMemory?.encoding, inMemory?.size]
}

describe('what /peek shows', () => {
  test('the next messages, whole, with what is known of them', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    const before = BigInt(Date.now()) * 1_000_000n
    await running.publish('first', 'second', 'third')
    const [first, ...rest] = await peek(running, 'topic=t&channel=c&n=2')
    assert.ok(first)
    const { id, timestamp, ...known } = first
    assert.deepEqual(known, {
      attempts: 0,
      size: 5,
      body: 'first',
      encoding: 'utf8',
      state: 'waiting',
      until: null,
    })
    assert.deepEqual(bodies(rest), ['second'])
    // The clock of nsqd and that of the test may be a few milliseconds apart.
    assert.ok(BigInt(timestamp) - before > -1_000_000_000n && BigInt(timestamp) - before < 60_000_000_000n)
    const consumer = await running.subscribe(3)
    const [delivered] = await consumer.messages(3)
    assert.deepEqual([delivered?.id, delivered?.timestamp, delivered?.attempts], [id, BigInt(timestamp), 1])
  })

  test('first what waits, then what is in flight, then what is deferred', async t => {
    const running = await start(t)
    const consumer = await running.subscribe(6)
    await running.publish(...numbered(9))
    const [zero, one, two, three, four] = await consumer.messages(6)
    consumer.send(rdy(0), req(zero?.id ?? '', 2 * LONG), req(one?.id ?? '', LONG))
    consumer.send(req(two?.id ?? '', 0), touch(four?.id ?? ''), fin(three?.id ?? ''))
    await consumer.settled()
    await running.publishLater(1.5 * LONG, 'later')
    const all = await peek(running)
    const waiting = ['2 waiting 1', '6 waiting 0', '7 waiting 0', '8 waiting 0']
    const deferred = ['1 deferred 1', 'later deferred 0', '0 deferred 1']
    assert.deepEqual(states(all), [...waiting, '5 inFlight 1', '4 inFlight 1', ...deferred])
    const times = all.slice(4).map(({ until }) => (until ?? 0) - Date.now())
    assert.ok(
      times.slice(0, 2).every(ms => ms > 30_000 && ms < 90_000),
      String(times),
    )
    assert.ok(
      times.slice(2).every(ms => ms > 0.5 * LONG && ms < 2.5 * LONG),
      String(times),
    )
    assert.deepEqual(states(await peek(running, 'topic=t&channel=c&n=6')), states(all).slice(0, 6))
  })

  test('what a topic holds that is in no channel yet', async t => {
    const running = await start(t)
    running.nsqd.topic('t')
    await running.publish('a', 'b')
    await running.publishLater(LONG, 'later')
    assert.deepEqual(states(await peek(running, 'topic=t')), [
      'a waiting 0',
      'b waiting 0',
      'later deferred 0',
    ])
    running.topic().channel('c')
    assert.deepEqual(await peek(running, 'topic=t'), [])
    assert.equal((await peek(running)).length, 3)
    running.topic().pause()
    await running.publish('c')
    assert.deepEqual(bodies(await peek(running, 'topic=t')), ['c'])
    assert.equal((await peek(running)).length, 3)
    assert.equal((await peek(running, 'topic=t&channel=')).length, 1)
  })

  test('a paused channel, and an emptied stretch', async t => {
    const running = await start(t)
    const channel = running.nsqd.topic('t').channel('c')
    channel.pause()
    await running.publish('a', 'b')
    running.topic().pause()
    await running.publish('lost', 'lost')
    running.topic().empty()
    await running.publish('c')
    running.topic().unpause()
    assert.deepEqual(bodies(await peek(running)), ['a', 'b', 'c'])
    running.channel().empty()
    assert.deepEqual(await peek(running), [])
  })

  test('deferred messages that the channel has not come to', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    const publisher = await running.connect()
    const commands = [dpub('t', 2 * LONG, 'last'), dpub('t', LONG, 'later'), dpub('t', 1, 'due')]
    await running.publish('first')
    for (const command of commands) assert.equal(await publisher.ask(command), 'OK')
    await running.publish('second')
    await running.restart()
    await until(() => Date.now() > running.nsqd.startTime.getTime() + 5)
    const expected = ['first waiting 0', 'due waiting 0', 'second waiting 0']
    const all = [...expected, 'later deferred 0', 'last deferred 0']
    assert.deepEqual(states(await peek(running)), all)
    assert.deepEqual(states(await peek(running, 'topic=t&channel=c&n=4')), all.slice(0, 4))
    assert.equal(running.channel().deferredCount, 0)
  })

  for (const [name, topic] of [
    ['a topic', 't'],
    ['an ephemeral topic', 't#ephemeral'],
  ] as const) {
    test(`every state of ${name}`, async t => {
      const running = await start(t, { memQueueSize: 1000 })
      const query = `topic=${encodeURIComponent(topic)}&channel=c`
      const consumer = await running.subscribe(4, { topic })
      await running.nsqd.publish(
        topic,
        numbered(6).map(body => Buffer.from(body)),
        0,
      )
      const [zero, one, two] = await consumer.messages(4)
      consumer.send(rdy(0), req(zero?.id ?? '', LONG), req(one?.id ?? '', 0), touch(two?.id ?? ''))
      await consumer.settled()
      const expected = [
        '1 waiting 1',
        '4 waiting 0',
        '5 waiting 0',
        '3 inFlight 1',
        '2 inFlight 1',
        '0 deferred 1',
      ]
      assert.deepEqual(states(await peek(running, query)), expected)
    })
  }
})

describe('bodies in /peek', () => {
  test('text is cut between two characters', async t => {
    assert.deepEqual(await shown(t, Buffer.from('añ€😀'), 9), ['añ€', 'utf8', 10])
    assert.deepEqual(await shown(t, Buffer.from('añ€😀'), 10), ['añ€😀', 'utf8', 10])
    assert.deepEqual(await shown(t, Buffer.from('añ€'), 2), ['a', 'utf8', 6])
    assert.deepEqual(await shown(t, Buffer.from('€uro'), 1), ['', 'utf8', 6])
    assert.deepEqual(await shown(t, Buffer.from('text'), 0), ['', 'utf8', 4])
  })

  test('what is not UTF-8 is base64, and cut at the byte', async t => {
    const bytes = Buffer.from([0xff, 0x00, 0x80, 0x80, 0x80, 0x80])
    assert.deepEqual(await shown(t, bytes, 100), [bytes.toString('base64'), 'base64', 6])
    assert.deepEqual(await shown(t, bytes, 4), [bytes.subarray(0, 4).toString('base64'), 'base64', 6])
    const half = Buffer.from('é').subarray(0, 1)
    assert.deepEqual(await shown(t, half, 100), [half.toString('base64'), 'base64', 1])
  })

  test('control characters, quotes and an empty body come through', async t => {
    const body = '\u0000\u001b[31m"\\\n</script>\u2028'
    assert.deepEqual(await shown(t, Buffer.from(body), 100), [body, 'utf8', Buffer.byteLength(body)])
    assert.deepEqual(await shown(t, Buffer.alloc(0), 100), ['', 'utf8', 0])
  })

  test('large ones: of each its share of 8 MiB', async t => {
    const large = Buffer.alloc(1024 * 1024, 'x')
    const running = await cold(t, {}, async ({ nsqd }) => {
      nsqd.topic('t').channel('c')
      await nsqd.publish('t', Array.from<Buffer>({ length: 12 }).fill(large), 0)
      await nsqd.publish('t', [large.fill('y', 1000)], LONG)
    })
    const whole = await peek(running, 'topic=t&channel=c&n=2&max_body=8388608')
    assert.deepEqual([whole.length, whole[0]?.body.length], [2, large.length])
    const many = await peek(running, 'topic=t&channel=c&n=1000&max_body=8388608')
    assert.equal(many.length, 13)
    assert.ok(many.every(({ body, size }) => body.length === 8388 && size === large.length))
    assert.equal(many.at(-1)?.state, 'deferred')
  })
})

describe('/peek and the disk', () => {
  test('goes over several segments', async t => {
    const running = await cold(t, { maxBytesPerFile: 4000 }, async each => {
      each.nsqd.topic('t').channel('c')
      for (let i = 0; i < 100; i += 10) await each.publish(...numbered(10, i, 500))
    })
    const all = await peek(running, 'topic=t&channel=c&n=1000')
    assert.deepEqual(bodies(all), numbered(100, 0, 500))
  })

  test('reads no more of a backlog than is needed', async t => {
    const running = await cold(t, {}, async each => {
      each.nsqd.topic('t').channel('c')
      for (let i = 0; i < 200; i++) await each.publish(...numbered(100, i * 100, 200))
    })
    const count = countReads(t)
    assert.equal((await peek(running)).length, 10)
    assert.ok(count.bytes > 0 && count.bytes <= 128 * 1024, `${count.bytes} bytes were read`)
    assert.equal((await peek(running, 'topic=t&channel=c&n=100&max_body=0')).length, 100)
    assert.ok(count.bytes <= 256 * 1024, `${count.bytes} bytes were read`)
  })

  test('gives up where a backlog is of deferred messages only', async t => {
    const running = await cold(t, { syncEvery: 1_000_000 }, async each => {
      each.nsqd.topic('t').channel('c')
      // Nobody takes it: the channel does not come to the others.
      await each.publish('first')
      const body = Buffer.alloc(1000)
      for (let i = 0; i < 45; i++) {
        const deferred = Array.from<Buffer>({ length: 1000 }).fill(body)
        await each.nsqd.publish('t', deferred, LONG)
      }
      await each.publish('behind')
    })
    const count = countReads(t)
    const all = await peek(running, 'topic=t&channel=c&max_body=4')
    assert.deepEqual(
      all.map(({ state }) => state),
      ['waiting', ...Array.from<string>({ length: 9 }).fill('deferred')],
    )
    assert.ok(count.bytes < 40 * 1024 * 1024, `${count.bytes} bytes were read`)
  })

  test('leaves out what is damaged, as consumers do', async t => {
    const running = await cold(t, { maxBytesPerFile: 4000 }, async each => {
      each.nsqd.topic('t').channel('c')
      for (let i = 0; i < 40; i += 2) await each.publish(...numbered(2, i, 300))
    })
    const first = running.topic().log.first
    const second = first.next
    assert.ok(first.file && second?.file && second.next)
    overwrite(first.file.logPath, 3 * 334 + 5, 'damage')
    overwrite(second.file.logPath, 0, Buffer.alloc(second.committedSize))
    const log = running.log.length
    const shown = await peek(running, 'topic=t&channel=c&n=1000')
    assert.ok(shown.length < 40)
    assert.deepEqual(
      running.log.slice(log).filter(line => / (ERROR|WARNING): /.test(line)),
      [],
    )
    const consumer = await running.subscribe(100)
    const delivered = await consumer.messages(shown.length)
    assert.deepEqual(
      shown.map(({ id }) => id),
      delivered.map(({ id }) => id),
    )
    assert.equal(running.channel().depth, 0)
  })

  test('shows stragglers, which lie elsewhere', async t => {
    const running = await start(t, { maxBytesPerFile: 4000 })
    const consumer = await running.subscribe(1000)
    for (let i = 0; i < 40; i += 10) await running.publish(...numbered(10, i, 300))
    for (const { id, body } of await consumer.messages(40)) {
      consumer.send(body.startsWith('3.') ? req(id, LONG) : fin(id))
    }
    await until(() =>
      [...running.channel().held().values()].some(held => !held.segment.file?.logPath.endsWith('.log')),
    )
    assert.deepEqual(states(await peek(running)), [`${'3'.padEnd(300, '.')} deferred 1`])
  })
})

describe('files that go while /peek looks', () => {
  test('it looks again, at what is there then', async t => {
    const running = await cold(t, {}, async each => {
      each.nsqd.topic('t').channel('c')
      await each.publish('a', 'b')
    })
    let left = 2
    replaceOpen(t, () => {
      if (left-- > 0) throw systemError('ENOENT')
    })
    assert.deepEqual(bodies(await peek(running)), ['a', 'b'])
    assert.ok(left < 0)
  })

  test('a channel that was deleted meanwhile is not found; a disk that refuses is logged', async t => {
    const running = await cold(t, {}, async each => {
      each.nsqd.topic('t').channel('c')
      await each.publish('a')
    })
    let code = 'EIO'
    replaceOpen(t, () => {
      if (code === 'ENOENT') running.nsqd.deleteChannel('t', 'c')
      throw systemError(code)
    })
    assert.equal(await running.http('GET', '/peek?topic=t&channel=c'), '{"message":"INTERNAL_ERROR"}')
    assert.match(running.log.join(''), /ERROR: GET \/peek failed: EIO/)
    code = 'ENOENT'
    assert.equal(await running.http('GET', '/peek?topic=t&channel=c'), '{"message":"CHANNEL_NOT_FOUND"}')
  })
})

describe('/peek changes nothing', () => {
  test('no state, no file, no descriptor, no log', async t => {
    const running = await start(t, { maxBytesPerFile: 4000 })
    const consumer = await running.subscribe(5)
    for (let i = 0; i < 40; i += 10) await running.publish(...numbered(10, i, 300))
    const [first, second] = await consumer.messages(5)
    consumer.send(rdy(0), req(first?.id ?? '', 0), req(second?.id ?? '', LONG))
    await consumer.settled()
    await running.nsqd.settle('t')
    await until(() => !running.topic().dirty)
    const state = async (): Promise<unknown> => ({
      stats: JSON.parse(await running.http('GET', '/stats?format=json&include_mem=false')),
      checkpoint: JSON.stringify(running.channel().checkpoint()),
      file: readFileSync(join(running.dataPath, 't.topic', 'checkpoint'), 'latin1'),
      dirty: running.topic().dirty,
      log: running.log.filter(line => !line.includes(' GET /')),
    })
    const before = await state()
    await peek(running, 'topic=t&channel=c&n=1000')
    await peek(running, 'topic=t&channel=c&n=3&max_body=0')
    await peek(running, 'topic=t')
    assert.deepEqual(await state(), before)
    await running.restart()
    const resting = JSON.stringify(running.topic().log.memoryOrdinal)
    await peek(running, 'topic=t&channel=c&n=1000')
    assert.equal(JSON.stringify(running.topic().log.memoryOrdinal), resting)
    const again = await running.subscribe(100)
    assert.equal((await again.messages(39)).length, 39)
  })

  test('while producers and consumers run and segments go', async t => {
    const running = await start(t, { maxBytesPerFile: 100_000, memQueueBytes: 1024 * 1024 })
    const consumer = await running.subscribe(50)
    const got = new Map<string, number>()
    let published = 0
    const work = { isDone: false }
    const produce = async (): Promise<void> => {
      for (; published < 4000; published += 20) await running.publish(...numbered(20, published, 1000))
      await until(() => got.size === 4000)
      work.isDone = true
    }
    const consume = async (): Promise<void> => {
      // More than fits into memory.
      await until(() => published > 3000)
      while (!work.isDone) {
        for (const { id, body } of consumer.takeAll()) {
          got.set(body, (got.get(body) ?? 0) + 1)
          consumer.send(fin(id))
        }
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    let peeks = 0
    const look = async (): Promise<void> => {
      while (!work.isDone) {
        const messages = await peek(running, 'topic=t&channel=c&n=200')
        assert.equal(new Set(messages.map(({ id }) => id)).size, messages.length)
        assert.ok(messages.every(({ body, size }) => body.length === 1000 && size === 1000))
        const waiting = messages
          .filter(({ state }) => state === 'waiting')
          .map(({ body }) => Number.parseInt(body, 10))
        assert.deepEqual(
          waiting,
          waiting.toSorted((a, b) => a - b),
        )
        peeks++
      }
    }
    await Promise.all([produce(), consume(), look(), look()])
    assert.ok(peeks > 2)
    assert.ok([...got.values()].every(times => times === 1))
    assert.equal(running.channel().timeoutCount, 0)
  })
})

describe('the arguments of /peek', () => {
  test('are checked', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    const refused = async (query: string): Promise<string> => {
      const { host, port } = running.nsqd.httpAddress
      const response = await fetch(`http://${host}:${port}/peek?${query}`)
      return `${response.status} ${await response.text()}`
    }
    const cases: [query: string, answer: string][] = [
      ['', '400 {"message":"MISSING_ARG_TOPIC"}'],
      ['topic=', '404 {"message":"TOPIC_NOT_FOUND"}'],
      ['topic=nope', '404 {"message":"TOPIC_NOT_FOUND"}'],
      ['topic=t&channel=nope', '404 {"message":"CHANNEL_NOT_FOUND"}'],
      ['topic=t&n=0', '400 {"message":"INVALID_ARG_N"}'],
      ['topic=t&n=1001', '400 {"message":"INVALID_ARG_N"}'],
      ['topic=t&n=1e2', '400 {"message":"INVALID_ARG_N"}'],
      ['topic=t&n=', '400 {"message":"INVALID_ARG_N"}'],
      ['topic=t&max_body=-1', '400 {"message":"INVALID_ARG_MAX_BODY"}'],
      ['topic=t&max_body=8388609', '400 {"message":"INVALID_ARG_MAX_BODY"}'],
      ['topic=t&channel=c', '200 {"messages":[]}'],
    ]
    for (const [query, answer] of cases) assert.equal(await refused(query), answer, query)
  })
})
