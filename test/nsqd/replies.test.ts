import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { SocketWriter } from '../../src/net/writer.ts'
import { Replies } from '../../src/nsqd/replies.ts'
import { Random } from '../storage/random.ts'

/** Topics. */
const ONE = {}
const OTHER = {}
const THIRD = {}

function setUp(): { replies: Replies; sent: () => string } {
  const socket = new PassThrough()
  const writer = new SocketWriter(socket)
  const sent = (): string => {
    writer.flush()
    // A frame's size and type are all below a space.
    return Array.from(String(socket.read() ?? ''))
      .filter(character => character >= ' ')
      .join('')
      .trim()
  }
  return { replies: new Replies(writer), sent }
}

describe('Replies', () => {
  test('go out at once when no publish waits', () => {
    const { replies, sent } = setUp()
    replies.reply(Buffer.from('a'))
    assert.deepEqual([sent(), replies.isSettled], ['a', true])
  })

  test('wait behind the publishes that came before them, and no others', () => {
    const { replies, sent } = setUp()
    replies.published(ONE)
    replies.reply(Buffer.from('a '))
    replies.published(ONE)
    replies.reply(Buffer.from('b '))
    assert.deepEqual([sent(), replies.isSettled], ['', false])
    replies.ok(ONE)
    assert.equal(sent(), 'OKa')
    replies.ok(ONE)
    assert.deepEqual([sent(), replies.isSettled], ['OKb', true])
  })

  test('a failed publish has no OK, and lets what waited go', () => {
    const { replies, sent } = setUp()
    replies.published(ONE)
    replies.reply(Buffer.from('error'))
    replies.failed()
    assert.deepEqual([sent(), replies.isSettled], ['error', true])
  })

  test('an OK of one topic does not overtake that of another', () => {
    const { replies, sent } = setUp()
    for (const source of [ONE, OTHER, OTHER, ONE, OTHER]) replies.published(source)
    replies.reply(Buffer.from('end'))
    replies.ok(OTHER)
    replies.ok(OTHER)
    assert.equal(sent(), '')
    replies.ok(ONE)
    assert.equal(sent(), 'OKOKOK')
    replies.ok(OTHER)
    assert.equal(sent(), '')
    replies.ok(ONE)
    assert.deepEqual([sent(), replies.isSettled], ['OKOKend', true])
  })

  test('there is no OK behind a publish that failed, whichever it was', () => {
    const { replies, sent } = setUp()
    for (const source of [ONE, OTHER, ONE, OTHER]) replies.published(source)
    replies.ok(OTHER)
    replies.reply(Buffer.from('error'))
    replies.failed()
    replies.ok(ONE)
    assert.deepEqual([sent(), replies.isSettled], ['', false])
    replies.ok(OTHER)
    assert.deepEqual([sent(), replies.isSettled], ['error', true])
  })

  test('publishes to topics by turns are answered in any order of theirs', () => {
    const random = new Random(7)
    for (let round = 0; round < 200; round++) {
      const { replies, sent } = setUp()
      const order = Array.from({ length: random.int(1, 12) }, () => random.pick([ONE, OTHER, THIRD]))
      const isDone = order.map(() => false)
      let published = 0
      let told = 0
      while (told < order.length) {
        const source = random.pick(order)
        const next = order.findIndex((one, i) => i < published && one === source && isDone[i] === false)
        if (next === -1 || (published < order.length && random.chance(0.5))) {
          const one = order[published]
          if (one !== undefined) {
            replies.published(one)
            published++
          }
          continue
        }
        isDone[next] = true
        replies.ok(source)
        told += sent().length / 'OK'.length
        const inOrder = isDone.indexOf(false)
        assert.equal(told, inOrder === -1 ? order.length : inOrder)
      }
    }
  })
})
