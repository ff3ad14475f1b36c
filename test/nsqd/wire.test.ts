import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { compressSync } from 'snappy'
import { snappyLayer } from '../../src/net/snappy.ts'
import { MAGIC_V2, nop, pub } from '../../src/protocol/command.ts'
import { errorFrame } from '../../src/protocol/frame.ts'
import { SNAPPY_IDENTIFIER, snappyChunk } from '../../src/protocol/snappy-frames.ts'
import { Turn } from '../../src/nsqd/turn.ts'
import { type Sender, Unsent } from '../../src/nsqd/unsent.ts'
import { Wire, type WireOwner } from '../../src/nsqd/wire.ts'
import { NsqError } from '../../src/util/errors.ts'
import { Complaints } from '../../src/util/complaints.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { recorder, type Event } from '../protocol/recorder.ts'
import { Random } from '../storage/random.ts'
import { FakeSocket } from '../support/fake-socket.ts'

/** Stands for the topic that commits what is published. */
const TOPIC = {}

const HEARTBEAT = 30_000
const LIMITS = { maxMessageSize: 1024 * 1024, maxBodySize: 1024 * 1024 }

interface SetUp {
  readonly socket: FakeSocket
  readonly wire: Wire
  readonly unsent: Unsent
  readonly log: string[]
  readonly events: Event[]
  /** What the client says, in a chunk of its own. */
  readonly say: (bytes: Buffer | string) => Promise<void>
  /** Lets so many heartbeats come. */
  readonly beats: (count: number) => Promise<void>
}

/** A connection; every TOUCH is answered with an error, and a PUB waits for its commit. */
function setUp(t: TestContext): SetUp {
  let beat: (() => void) | undefined
  const interval = t.mock.method(globalThis, 'setInterval', (callback: () => void) => {
    beat = callback
    return setTimeout(() => {}, 0)
  })
  const log: string[] = []
  const events: Event[] = []
  const socket = new FakeSocket()
  const owner: WireOwner = {
    ...recorder(events),
    PUB: () => wire.published(TOPIC),
    TOUCH: () => wire.reply(errorFrame('E_TOUCH_FAILED')),
    drained() {},
    ended() {},
    closed() {},
  }
  const write = (line: string): void => void log.push(line)
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write })
  const unsent = new Unsent()
  const complaints = new Complaints(logger)
  const host = { logger, complaints, turn: new Turn({ flushesFirst: false }), unsent }
  const wire: Wire = new Wire(host, socket, owner, LIMITS)
  wire.beatEvery(HEARTBEAT)
  interval.mock.restore()
  t.after(() => wire.destroy())
  const say = async (bytes: Buffer | string): Promise<void> => {
    socket.push(bytes)
    await setImmediate()
    await setImmediate()
  }
  const beats = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      beat?.()
      await setImmediate()
      await setImmediate()
    }
  }
  return { socket, wire, unsent, log, events, say, beats }
}

test('publishes that the disk refuses are one line in the log, however many there are', async t => {
  const { wire, log, say } = setUp(t)
  await say(MAGIC_V2)
  for (let i = 0; i < 1000; i++) await say(pub('t', Buffer.from('x')))
  const cause = new Error('ENOSPC')
  for (let i = 0; i < 1000; i++)
    wire.refuse(new NsqError('E_PUB_FAILED', 'cannot write to topic t', { cause }))
  const [line, ...others] = log.filter(line => !line.includes('DEBUG'))
  assert.match(line ?? '', /E_PUB_FAILED cannot write to topic t: ENOSPC/)
  assert.deepEqual(others, [])
})

const TOO_LONG = 'E_INVALID the command took too long to arrive'

describe('a client that takes its time', () => {
  for (const [what, bytes] of [
    ['the magic', '  '],
    ['a line', '  V2FIN 0123'],
    ['a size', '  V2PUB t\n\0'],
    ['a body', '  V2PUB t\n\0\0\0\x05hell'],
    ['a body whose line is all there is', '  V2PUB t\n'],
  ] as const) {
    test(`ends with an error in ${what}`, async t => {
      const { socket, log, say, beats } = setUp(t)
      await say(bytes)
      await beats(2)
      assert.ok(!socket.written.includes(TOO_LONG))
      await beats(1)
      assert.ok(socket.written.includes(TOO_LONG), socket.written)
      assert.ok(log.at(-1)?.includes(TOO_LONG))
      assert.ok(socket.writableEnded)
    })
  }

  test('byte by byte is not faster', async t => {
    const { socket, say, beats } = setUp(t)
    await say('  V2')
    for (const byte of 'SUB') {
      await say(byte)
      await beats(1)
    }
    await setImmediate()
    assert.ok(socket.written.includes(TOO_LONG))
  })

  test('stays while it finishes what it begins', async t => {
    const { socket, events, say, beats } = setUp(t)
    await say('  V2NO')
    for (let i = 0; i < 10; i++) {
      await beats(2)
      await say('P\nNO')
    }
    assert.equal(events.length, 10)
    assert.ok(!socket.writableEnded)
  })

  test('has longer for a long body', async t => {
    const { socket, say, beats } = setUp(t)
    await say(Buffer.concat([MAGIC_V2, pub('t', Buffer.alloc(1024 * 1024)).subarray(0, -1)]))
    await beats(3)
    assert.ok(!socket.writableEnded)
    await beats(1)
    assert.ok(socket.written.includes(TOO_LONG))
  })

  test('may be idle', async t => {
    const { socket, say, beats } = setUp(t)
    await say(MAGIC_V2)
    await beats(100)
    assert.ok(!socket.writableEnded && !socket.destroyed)
  })
})

describe('a client that does not read', () => {
  test('is let go', async t => {
    const { socket, wire, log, say, beats } = setUp(t)
    await say(MAGIC_V2)
    socket.isStuck = true
    wire.deliver(Buffer.alloc(100_000, '.'))
    await setImmediate()
    await beats(1)
    // It is there, and says so.
    for (let i = 0; i < 3; i++) {
      await say(nop())
      await beats(1)
    }
    assert.ok(socket.destroyed)
    assert.match(log.join(''), /does not read what it is sent/)
  })

  test('is sent less when much waits for others, and takes nothing of what is theirs with it', async t => {
    const { socket, wire, unsent, say } = setUp(t)
    await say(MAGIC_V2)
    socket.isStuck = true
    wire.deliver(Buffer.alloc(100_000, '.'))
    await setImmediate()
    assert.equal(wire.isBacklogged, false)
    unsent.update(waits(64 * 1024 * 1024 - 100_000))
    assert.equal(wire.isBacklogged, true)
    // What is in the log's own memory is not held on to.
    const block = Buffer.alloc(10_000, 'a')
    wire.deliver(block)
    block.fill('b')
    socket.isStuck = false
    socket.takeWrite()
    await setImmediate()
    assert.ok(socket.written.endsWith('a'))
    assert.deepEqual([wire.isBacklogged, unsent.isMuch], [false, false])
    socket.isStuck = true
    wire.deliver(Buffer.alloc(100_000, '.'))
    await setImmediate()
    assert.equal(unsent.isMuch, true)
    wire.destroy()
    await setImmediate()
    assert.equal(unsent.isMuch, false)
  })

  test('is read on when what lies below its compression has gone, too', async t => {
    const { socket, wire, unsent, events, say } = setUp(t)
    const coded = snappyChunk(nop(), compressSync)
    await say(MAGIC_V2)
    await new Promise<void>(resolve => {
      wire.upgrade([{ name: 'snappy', layer: snappyLayer() }], resolve)
    })
    unsent.update(waits(64 * 1024 * 1024))
    socket.isStuck = true
    // The layer is done with it as soon as it is coded, and it becomes a little more by that.
    wire.deliver(new Random(1).bytes(64 * 1024))
    await setImmediate()
    await say(Buffer.concat([SNAPPY_IDENTIFIER, coded]))
    assert.deepEqual([wire.isBacklogged, events.length], [true, 1])
    socket.isStuck = false
    socket.takeWrite()
    await setImmediate()
    await say(coded)
    assert.deepEqual([wire.isBacklogged, events.length], [false, 2])
  })

  test('stays when it does read, however slowly', async t => {
    const { socket, wire, say, beats } = setUp(t)
    await say(MAGIC_V2)
    socket.isStuck = true
    for (let i = 0; i < 10; i++) {
      wire.deliver(Buffer.alloc(100_000, '.'))
      await setImmediate()
      await beats(1)
      socket.takeWrite()
      await setImmediate()
      await beats(1)
    }
    assert.ok(!socket.destroyed)
  })
})

describe('replies behind a publish that waits for the disk', () => {
  test('are bounded: no more is read', async t => {
    const { socket, wire, say } = setUp(t)
    const errors = (): number => socket.written.split('E_TOUCH_FAILED').length - 1
    const touch = 'TOUCH 0123456789abcdef\n'
    await say(Buffer.concat([MAGIC_V2, pub('t', Buffer.from('x'))]))
    await say(touch.repeat(999))
    assert.equal(socket.isPaused(), false)
    await say(touch)
    assert.equal(socket.isPaused(), true)
    assert.equal(errors(), 0)
    wire.acknowledge(TOPIC)
    await setImmediate()
    assert.equal(socket.isPaused(), false)
    assert.equal(errors(), 1000)
  })

  test('are waited for, however long: nothing is read, so nothing can be heard', async t => {
    const { socket, wire, say, beats } = setUp(t)
    let later = 0
    t.mock.method(performance, 'now', () => later)
    await say(Buffer.concat([MAGIC_V2, pub('t', Buffer.from('x'))]))
    wire.pause()
    for (let i = 0; i < 20; i++) {
      later += HEARTBEAT
      await beats(1)
    }
    assert.ok(!socket.destroyed)
  })
})

/** Somebody else with so many bytes that wait. */
function waits(pending: number): Sender {
  return { given: pending, sent: 0, pending }
}
