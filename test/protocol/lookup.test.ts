import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../../src/protocol/errors.ts'
import {
  LookupCommandReader,
  LookupReplyReader,
  MAGIC_V1,
  identify,
  lookupReply,
  ping,
  register,
  unregister,
} from '../../src/protocol/lookup.ts'
import { latin1, readsHoweverCut } from './splits.ts'

const IDENTITY = { version: '1', tcp_port: 1, http_port: 2, hostname: 'h', broadcast_address: 'b' }
const MAX = 100

function readCommands(chunks: Buffer[]): string[][] {
  const events: string[][] = []
  const reader = new LookupCommandReader(
    {
      IDENTIFY: (bytes, start, end) => events.push(['IDENTIFY', bytes.toString('latin1', start, end)]),
      PING: () => events.push(['PING']),
      REGISTER: (topic, channel) => events.push(['REGISTER', topic, channel]),
      UNREGISTER: (topic, channel) => events.push(['UNREGISTER', topic, channel]),
    },
    MAX,
  )
  for (const chunk of chunks) reader.push(chunk)
  return events
}

function errorOf(chunks: Buffer[]): string {
  try {
    readCommands(chunks)
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.frameText
  }
  return 'no error'
}

function readReplies(chunks: Buffer[]): string[] {
  const replies: string[] = []
  const reader = new LookupReplyReader(
    { reply: (bytes, start, end) => replies.push(bytes.toString('utf8', start, end)) },
    MAX,
  )
  for (const chunk of chunks) reader.push(chunk)
  return replies
}

test('commands and replies, byte for byte', () => {
  assert.deepEqual(MAGIC_V1, latin1('  V1'))
  assert.deepEqual(ping(), latin1('PING\n'))
  assert.deepEqual(register('t'), latin1('REGISTER t\n'))
  assert.deepEqual(register('t', 'c'), latin1('REGISTER t c\n'))
  assert.deepEqual(unregister('t', ''), latin1('UNREGISTER t\n'))
  assert.deepEqual(unregister('t', 'c'), latin1('UNREGISTER t c\n'))
  assert.deepEqual(
    identify(IDENTITY),
    latin1(
      'IDENTIFY\n\0\0\0\x51{"version":"1","tcp_port":1,"http_port":2,"hostname":"h","broadcast_address":"b"}',
    ),
  )
  assert.deepEqual(lookupReply('OK'), latin1('\0\0\0\x02OK'))
  assert.deepEqual(lookupReply('é'), latin1('\0\0\0\x02\xc3\xa9'))
})

test('reads commands however they are cut', () => {
  const stream = Buffer.concat([
    MAGIC_V1,
    ping(),
    identify(IDENTITY),
    latin1('IDENTIFY\n\0\0\0\0'),
    register('t'),
    register('t', 'c#ephemeral'),
    unregister('t', 'c'),
    latin1('  PING \r\nREGISTER t c more\r\nREGISTER t \n'),
    latin1('IDENTIFY\n\0\0\0\0'),
  ])
  readsHoweverCut(stream, readCommands, [
    ['PING'],
    ['IDENTIFY', JSON.stringify(IDENTITY)],
    ['IDENTIFY', ''],
    ['REGISTER', 't', ''],
    ['REGISTER', 't', 'c#ephemeral'],
    ['UNREGISTER', 't', 'c'],
    ['PING'],
    ['REGISTER', 't', 'c'],
    ['REGISTER', 't', ''],
    ['IDENTIFY', ''],
  ])
})

test('what is wrong is answered as by official nsqlookupd, however it is cut', async t => {
  const errors: [bytes: string, frameText: string][] = [
    ['  V2', 'E_BAD_PROTOCOL'],
    ['  V1WAT\n', 'E_INVALID invalid command WAT'],
    ['  V1REGISTER\n', 'E_INVALID REGISTER insufficient number of params'],
    ['  V1UNREGISTER\n', 'E_INVALID UNREGISTER insufficient number of params'],
    ['  V1REGISTER t!\n', "E_BAD_TOPIC REGISTER topic name 't!' is not valid"],
    ['  V1REGISTER t c!\n', "E_BAD_CHANNEL REGISTER channel name 'c!' is not valid"],
    ['  V1UNREGISTER t c!\n', "E_BAD_CHANNEL UNREGISTER channel name 'c!' is not valid"],
    ['  V1IDENTIFY\n\xff\xff\xff\xff', 'E_BAD_BODY IDENTIFY invalid body size -1'],
    ['  V1IDENTIFY\n\0\0\0\x65', 'E_BAD_BODY IDENTIFY body too big 101 > 100'],
  ]
  for (const [bytes, frameText] of errors) {
    await t.test(JSON.stringify(bytes.slice(0, 40)), () => {
      readsHoweverCut(latin1(bytes), errorOf, frameText)
    })
  }
})

test('reads replies however they are cut', () => {
  const long = 'x'.repeat(MAX)
  const stream = Buffer.concat(['OK', '', 'é', long, 'E_INVALID x', ''].map(lookupReply))
  readsHoweverCut(stream, readReplies, ['OK', '', 'é', long, 'E_INVALID x', ''])
})

test('a reply beyond the limit is refused with its size', () => {
  const expected = { code: 'E_BAD_FRAME', message: 'invalid reply size 5242880, at most 100 is allowed' }
  assert.throws(() => readReplies([latin1('\0\x50\0\0')]), expected)
  assert.throws(() => readReplies(Array.from('\0\x50\0\0', latin1)), expected)
})
