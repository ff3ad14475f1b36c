import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Registry } from '../../src/nsqlookupd/registry.ts'
import { LookupSession } from '../../src/nsqlookupd/tcp.ts'
import { Complaints } from '../../src/util/complaints.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { FakeSocket } from '../support/fake-socket.ts'

interface SetUp {
  readonly socket: FakeSocket
  readonly log: string[]
  readonly say: (bytes: string) => Promise<void>
  readonly minutes: (count: number) => Promise<void>
}

function setUp(t: TestContext): SetUp {
  let look: (() => void) | undefined
  const interval = t.mock.method(globalThis, 'setInterval', (callback: () => void) => {
    look = callback
    return setTimeout(() => {}, 0)
  })
  const log: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write: line => void log.push(line) })
  const registry = new Registry({ inactiveTimeoutMs: 300_000, tombstoneLifetimeMs: 45_000 })
  const socket = new FakeSocket()
  t.after(() => socket.destroy())
  void new LookupSession(socket, {
    registry,
    logger,
    complaints: new Complaints(logger),
    identifyReply: () => '{}',
  })
  interval.mock.restore()
  const say = async (bytes: string): Promise<void> => {
    socket.push(bytes)
    await setImmediate()
  }
  const minutes = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      look?.()
      await setImmediate()
    }
  }
  return { socket, log, say, minutes }
}

describe('a peer that takes its time', () => {
  for (const [what, bytes] of [
    ['nothing at all', ''],
    ['the magic', '  V'],
    ['a line', '  V1PIN'],
    ['a body', '  V1IDENTIFY\n\0\0\0\x05{'],
  ] as const) {
    test(`ends with an error in ${what}`, async t => {
      const { socket, say, minutes } = setUp(t)
      if (bytes !== '') await say(bytes)
      await minutes(1)
      assert.equal(socket.written, '')
      await minutes(1)
      assert.match(socket.written, /E_INVALID the command took too long to arrive/)
      assert.ok(socket.writableEnded)
    })
  }

  test('may be idle', async t => {
    const { socket, say, minutes } = setUp(t)
    await say('  V1PING\n')
    await minutes(60)
    assert.ok(!socket.writableEnded && !socket.destroyed)
  })

  test('is let go when it does not read', async t => {
    const { socket, log, say, minutes } = setUp(t)
    socket.isStuck = true
    await say('  V1PING\n')
    await say('PING\n')
    await minutes(2)
    assert.ok(socket.destroyed)
    assert.match(log.join(''), /does not read its replies/)
  })
})
