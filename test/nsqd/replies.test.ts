import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { SocketWriter } from '../../src/net/writer.ts'
import { Replies } from '../../src/nsqd/replies.ts'

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
    replies.published()
    replies.reply(Buffer.from('a '))
    replies.published()
    replies.reply(Buffer.from('b '))
    assert.deepEqual([sent(), replies.isSettled], ['', false])
    replies.ok()
    assert.equal(sent(), 'OKa')
    replies.ok()
    assert.deepEqual([sent(), replies.isSettled], ['OKb', true])
  })

  test('a failed publish has no OK, and lets what waited go', () => {
    const { replies, sent } = setUp()
    replies.published()
    replies.reply(Buffer.from('error'))
    replies.failed()
    assert.deepEqual([sent(), replies.isSettled], ['error', true])
  })
})
