import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InFlight } from '../../src/nsqd/in-flight.ts'
import type { Session } from '../../src/nsqd/session.ts'
import { recordLength } from '../../src/storage/record.ts'
import { LogRange } from '../../src/storage/log-range.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { openLog, put, Reader, startOf } from '../storage/fixtures.ts'

test('a message that is let go of, and delivered anew, has a time of its own', t => {
  const log = openLog(t, temporaryFolder())
  put(log, 'a', 'b', 'c')
  const { cursor } = new Reader(log)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- InFlight asks nothing else of it
  const session = { number: 7, msgTimeout: 100 } as Session
  const inFlight = new InFlight(log, cursor, new Set([session]), undefined)
  const deliver = (nowMs: number): void => {
    for (let i = 0; i < 3; i++) {
      assert.ok(cursor.fill() && cursor.block !== undefined)
      inFlight.window.add(session.number, cursor.offset)
      cursor.advance(recordLength(cursor.block.bytes, cursor.at), 1)
    }
    inFlight.delivered(session, 0, 3, nowMs)
  }
  deliver(1000)
  assert.deepEqual([inFlight.count, inFlight.nextExpiry()], [3, 1100])
  const range = new LogRange(log, startOf(log), log.end)
  assert.equal(inFlight.countIn(range), 3)
  const lost: Session[] = []
  inFlight.letGo(range, loser => lost.push(loser))
  cursor.jump(startOf(log))
  inFlight.resetWindow()
  assert.deepEqual([lost.length, inFlight.count, inFlight.countIn(range)], [3, 0, 0])
  assert.equal(inFlight.nextExpiry(), undefined)
  deliver(1050)
  inFlight.expire(1100, () => assert.fail('it has not timed out'))
  assert.deepEqual([inFlight.count, inFlight.nextExpiry()], [3, 1150])
})

test('clients that ask for ever other message timeouts cost no ever growing memory', t => {
  const log = openLog(t, temporaryFolder())
  put(log, ...Array.from({ length: 1000 }, String))
  const { cursor } = new Reader(log)
  const sessions = new Set<Session>()
  const inFlight = new InFlight(log, cursor, sessions, undefined)
  for (let i = 0; i < 1000; i++) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- InFlight asks nothing else of it
    const session = { number: 7, msgTimeout: 1000 + i } as Session
    sessions.clear()
    sessions.add(session)
    assert.ok(cursor.fill() && cursor.block !== undefined)
    inFlight.window.add(session.number, cursor.offset)
    cursor.advance(recordLength(cursor.block.bytes, cursor.at), 1)
    inFlight.delivered(session, i, 1, 0)
    assert.equal(inFlight.nextExpiry(), 1000 + i)
    inFlight.window.settle(i)
    assert.equal(inFlight.nextExpiry(), undefined)
    assert.ok(inFlight.flights.timeouts <= 16, `${inFlight.flights.timeouts} are kept track of`)
  }
})
