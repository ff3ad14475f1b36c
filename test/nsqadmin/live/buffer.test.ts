import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WatchBuffer } from '../../../src/nsqadmin/live/watch/buffer.ts'

function add(buffer: WatchBuffer, ...bodies: (string | Buffer)[]): void {
  for (const body of bodies) {
    buffer.add({ id: 'i', node: 'n', timestamp: 123456789012345678n, attempts: 2, body: Buffer.from(body) })
  }
}

function bodies(taken: ReturnType<WatchBuffer['take']>): string[] {
  return (taken?.messages ?? []).map(({ body }) => body)
}

test('what comes slowly is all shown', () => {
  const buffer = new WatchBuffer(20, 0)
  assert.equal(buffer.take(250), undefined)
  add(buffer, 'a', 'b')
  assert.deepEqual(buffer.take(500), {
    messages: [
      {
        id: 'i',
        node: 'n',
        timestamp: '123456789012345678',
        attempts: 2,
        size: 1,
        body: 'a',
        encoding: 'utf8',
      },
      {
        id: 'i',
        node: 'n',
        timestamp: '123456789012345678',
        attempts: 2,
        size: 1,
        body: 'b',
        encoding: 'utf8',
      },
    ],
    skipped: 0,
  })
  assert.equal(buffer.take(750), undefined)
})

test('a burst after a quiet second is shown; of what goes on like that the newest', () => {
  const buffer = new WatchBuffer(4, 0)
  add(buffer, 'a', 'b', 'c', 'd')
  assert.deepEqual(bodies(buffer.take(0)), ['a', 'b', 'c', 'd'])
  add(buffer, 'e', 'f', 'g', 'h', 'i', 'j')
  const next = buffer.take(250)
  assert.deepEqual(bodies(next), ['j'])
  assert.equal(next?.skipped, 5)
})

test('less than four a second: the newest waits for its turn', () => {
  const buffer = new WatchBuffer(1, 0)
  add(buffer, 'a')
  assert.deepEqual(bodies(buffer.take(0)), ['a'])
  add(buffer, 'b', 'c')
  assert.equal(buffer.take(250), undefined)
  add(buffer, 'd')
  assert.equal(buffer.take(750), undefined)
  const next = buffer.take(1000)
  assert.deepEqual(bodies(next), ['d'])
  assert.equal(next?.skipped, 2)
})

test('what could not be sent, and what was not received, counts as skipped', () => {
  const buffer = new WatchBuffer(10, 0)
  add(buffer, 'a', 'b')
  const taken = buffer.take(0)
  assert.ok(taken !== undefined)
  buffer.putBack(taken)
  buffer.skip(100)
  add(buffer, 'c')
  const next = buffer.take(1000)
  assert.deepEqual(bodies(next), ['c'])
  assert.equal(next?.skipped, 102)
})

test('bodies take 1 MiB at most while they wait, and are copies', () => {
  const buffer = new WatchBuffer(200, 0)
  const body = Buffer.alloc(1024 * 1024, 'x')
  for (let i = 0; i < 200; i++) add(buffer, body)
  const first = Buffer.from('changes')
  add(buffer, first)
  first.fill('!')
  const taken = buffer.take(0)
  const shown = taken?.messages ?? []
  const bytes = shown.reduce((sum, message) => sum + message.body.length, 0)
  assert.ok(bytes <= 1024 * 1024, `${bytes} bytes`)
  assert.equal(shown.length + (taken?.skipped ?? 0), 201)
  assert.equal(shown.at(-1)?.body, 'changes')
  assert.equal(shown[0]?.size, 1024 * 1024)
})
