import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ShownMessage } from '../../../src/nsqadmin/live-types.ts'
import {
  arrivalRate,
  EMPTY,
  KEPT,
  matching,
  receive,
  release,
  type WatchList,
} from '../../../src/nsqadmin/ui/messages/watch-list.ts'

function messages(from: number, count: number): ShownMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `id-${from + i}`,
    node: '127.0.0.1:4151',
    timestamp: '1700000000000000000',
    attempts: 1,
    size: 4,
    body: `Body ${from + i}`,
    encoding: 'utf8',
  }))
}

function ids(list: WatchList['shown']): string[] {
  return list.map(({ message }) => message.id)
}

test('the newest message comes first', () => {
  let list = receive(EMPTY, { messages: messages(0, 2), skipped: 0 }, false, 0)
  list = receive(list, { messages: messages(2, 1), skipped: 3 }, false, 0)
  assert.deepEqual(ids(list.shown), ['id-2', 'id-1', 'id-0'])
  assert.equal(list.received, 3)
  assert.equal(list.skipped, 3)
})

test('while somebody reads nothing moves, and what came is shown afterwards', () => {
  const before = receive(EMPTY, { messages: messages(0, 2), skipped: 0 }, false, 0)
  let list = receive(before, { messages: messages(2, 2), skipped: 0 }, true, 0)
  assert.equal(list.shown, before.shown)
  assert.deepEqual(ids(list.held), ['id-3', 'id-2'])
  list = receive(list, { messages: messages(4, 1), skipped: 0 }, true, 0)
  assert.deepEqual(ids(release(list).shown), ['id-4', 'id-3', 'id-2', 'id-1', 'id-0'])
  assert.deepEqual(release(list).held, [])
  // Or with the first that comes when nobody reads any more.
  list = receive(list, { messages: messages(5, 1), skipped: 0 }, false, 0)
  assert.deepEqual(ids(list.shown), ['id-5', 'id-4', 'id-3', 'id-2', 'id-1', 'id-0'])
  assert.deepEqual(list.held, [])
})

test('no more are kept than the newest', () => {
  let list: WatchList = EMPTY
  for (let i = 0; i < 12; i++)
    list = receive(list, { messages: messages(i * 100, 100), skipped: 0 }, false, 0)
  assert.equal(list.shown.length, KEPT)
  assert.equal(list.shown[0]?.message.id, 'id-1199')
  for (let i = 12; i < 24; i++)
    list = receive(list, { messages: messages(i * 100, 100), skipped: 0 }, true, 0)
  assert.equal(list.held.length, KEPT)
  assert.equal(list.shown[0]?.message.id, 'id-1199')
  assert.equal(release(list).shown.length, KEPT)
  assert.equal(release(list).shown[0]?.message.id, 'id-2399')
})

test('each has a key of its own, even when a message comes again', () => {
  let list = receive(EMPTY, { messages: [...messages(0, 3), ...messages(0, 3)], skipped: 0 }, false, 0)
  list = receive(list, { messages: messages(0, 3), skipped: 0 }, true, 0)
  const keys = [...list.held, ...list.shown].map(({ key }) => key)
  assert.equal(new Set(keys).size, 9)
})

test('the rate counts what was skipped, over five seconds', () => {
  let list = receive(EMPTY, { messages: messages(0, 10), skipped: 40 }, false, 1000)
  list = receive(list, { messages: messages(0, 0), skipped: 50 }, false, 4000)
  assert.equal(arrivalRate(list, 4000), 20)
  assert.equal(arrivalRate(list, 7000), 10)
  assert.equal(arrivalRate(list, 20_000), 0)
  assert.equal(receive(list, { messages: [], skipped: 0 }, false, 20_000).arrivals.length, 1)
})

test('words are looked for in bodies, ids and nodes, whatever their case', () => {
  const binary: ShownMessage = {
    id: 'x',
    node: 'other:4151',
    timestamp: '0',
    attempts: 1,
    size: 5,
    body: Buffer.from([0xff, 0x50, 0x4e, 0x47, 0]).toString('base64'),
    encoding: 'base64',
  }
  const { shown } = receive(EMPTY, { messages: [...messages(10, 3), binary], skipped: 0 }, false, 0)
  assert.equal(matching(shown, '  '), shown)
  assert.deepEqual(ids(matching(shown, 'body 11')), ['id-11'])
  assert.deepEqual(ids(matching(shown, 'PNG')), ['x'])
  assert.deepEqual(ids(matching(shown, 'other:')), ['x'])
  assert.deepEqual(ids(matching(shown, 'nothing like it')), [])
})
