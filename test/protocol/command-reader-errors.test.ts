import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandReader } from '../../src/protocol/command-reader.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { LIMITS, readCommands, recorder } from './recorder.ts'
import type { Event } from './recorder.ts'
import { cut, latin1, readsHoweverCut } from './splits.ts'

const ID = '0123456789abcdef'
const LONG = 'x'.repeat(65)

/** The text of the error frame that the chunks lead to. */
function errorOf(chunks: Buffer[]): string {
  try {
    readCommands(chunks)
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    assert.ok(error.fatal)
    return error.frameText
  }
  return 'no error'
}

// What is sent after the magic, and the frame official nsqd 1.3.0 answers with.
const ERRORS: [bytes: string, frameText: string][] = [
  ['WAT 1\n', 'E_INVALID invalid command WAT'],
  ['pub t\n', 'E_INVALID invalid command pub'],
  ['\n', 'E_INVALID invalid command '],
  [' PUB t\n', 'E_INVALID invalid command '],

  ['IDENTIFY\n\0\0\0\0', 'E_BAD_BODY IDENTIFY invalid body size 0'],
  ['IDENTIFY\n\xff\xff\xff\xff', 'E_BAD_BODY IDENTIFY invalid body size -1'],
  ['IDENTIFY\n\x05\xf5\xe0\xff', 'E_BAD_BODY IDENTIFY body too big 99999999 > 500'],
  ['AUTH x\n', 'E_INVALID AUTH invalid number of parameters'],
  ['AUTH\n\0\0\0\0', 'E_BAD_BODY AUTH invalid body size 0'],
  ['AUTH\n\0\0\x01\xf5', 'E_BAD_BODY AUTH body too big 501 > 500'],

  ['PUB\n', 'E_INVALID PUB insufficient number of parameters'],
  ['PUB \n', 'E_BAD_TOPIC PUB topic name "" is not valid'],
  ['PUB  t\n', 'E_BAD_TOPIC PUB topic name "" is not valid'],
  ['PUB #ephemeral\n', 'E_BAD_TOPIC PUB topic name "#ephemeral" is not valid'],
  ['PUB t#other\n', 'E_BAD_TOPIC PUB topic name "t#other" is not valid'],
  [`PUB ${LONG}\n`, `E_BAD_TOPIC PUB topic name "${LONG}" is not valid`],
  ['PUB "\\\n', 'E_BAD_TOPIC PUB topic name "\\"\\\\" is not valid'],
  ['PUB \xc3\xa9\n', 'E_BAD_TOPIC PUB topic name "é" is not valid'],
  ['PUB t\n\0\0\0\0', 'E_BAD_MESSAGE PUB invalid message body size 0'],
  ['PUB t\n\xff\xff\xff\xff', 'E_BAD_MESSAGE PUB invalid message body size -1'],
  ['PUB t\n\0\0\0\x65', 'E_BAD_MESSAGE PUB message too big 101 > 100'],

  ['DPUB t\n', 'E_INVALID DPUB insufficient number of parameters'],
  ['DPUB\n', 'E_INVALID DPUB insufficient number of parameters'],
  ['DPUB t! 1\n', 'E_BAD_TOPIC DPUB topic name "t!" is not valid'],
  ['DPUB t soon\n', 'E_INVALID DPUB could not parse timeout soon'],
  ['DPUB t -1\n', 'E_INVALID DPUB could not parse timeout -1'],
  ['DPUB t 1.5\n', 'E_INVALID DPUB could not parse timeout 1.5'],
  ['DPUB t 1\n\0\0\0\0', 'E_BAD_MESSAGE DPUB invalid message body size 0'],
  ['DPUB t 1\n\0\0\0\x65', 'E_BAD_MESSAGE DPUB message too big 101 > 100'],

  ['MPUB\n', 'E_INVALID MPUB insufficient number of parameters'],
  ['MPUB t!\n', 'E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "t!" is not valid'],
  ['MPUB t\n\0\0\0\0', 'E_BAD_BODY MPUB invalid body size 0'],
  ['MPUB t\n\xff\xff\xff\xfe', 'E_BAD_BODY MPUB invalid body size -2'],
  ['MPUB t\n\0\0\x27\x10', 'E_BAD_BODY MPUB body too big 10000 > 500'],
  ['MPUB t\n\0\0\0\x03\0\0\0', 'E_BAD_BODY MPUB failed to read message count'],
  ['MPUB t\n\0\0\0\x04\0\0\0\0', 'E_BAD_BODY MPUB invalid message count 0'],
  ['MPUB t\n\0\0\0\x04\x7f\xff\xff\xff', 'E_BAD_BODY MPUB invalid message count 2147483647'],
  ['MPUB t\n\0\0\0\x04\xff\xff\xff\xff', 'E_BAD_BODY MPUB invalid message count -1'],
  ['MPUB t\n\0\0\0\x0d\0\0\0\x02\0\0\0\x01a\0\0\0\0', 'E_BAD_BODY MPUB invalid message count 2'],
  ['MPUB t\n\0\0\0\x0e\0\0\0\x02\0\0\0\x01a\0\0\0\0x', 'E_BAD_MESSAGE MPUB invalid message(1) body size 0'],
  [
    'MPUB t\n\0\0\0\x0e\0\0\0\x02\xff\xff\xff\xffa\0\0\0\x01x',
    'E_BAD_MESSAGE MPUB invalid message(0) body size -1',
  ],
  ['MPUB t\n\0\0\0\x0e\0\0\0\x02\0\0\0\x01a\0\0\0\x65x', 'E_BAD_MESSAGE MPUB message too big 101 > 100'],
  ['MPUB t\n\0\0\0\x0e\0\0\0\x02\0\0\0\x01a\0\0\0\x02x', 'E_BAD_MESSAGE MPUB failed to read message body'],
  [
    'MPUB t\n\0\0\0\x0e\0\0\0\x02\0\0\0\x04abcd\0\0',
    'E_BAD_MESSAGE MPUB failed to read message(1) body size',
  ],
  ['MPUB t\n\0\0\0\x0b\0\0\0\x01\0\0\0\x01abc', 'E_BAD_BODY MPUB body is 2 bytes longer than its messages'],

  ['SUB t\n', 'E_INVALID SUB insufficient number of parameters'],
  ['SUB t! c\n', 'E_BAD_TOPIC SUB topic name "t!" is not valid'],
  ['SUB t c!\n', 'E_BAD_CHANNEL SUB channel name "c!" is not valid'],
  ['RDY -1\n', 'E_INVALID RDY could not parse count -1'],
  ['RDY x\n', 'E_INVALID RDY could not parse count x'],

  ['FIN\n', 'E_INVALID FIN insufficient number of params'],
  ['FIN 0123\n', 'E_INVALID invalid message ID'],
  [`FIN ${ID}0\n`, 'E_INVALID invalid message ID'],
  // As long as a good FIN, but the id has a blank in it.
  ['FIN 0123 56789abcdef\n', 'E_INVALID invalid message ID'],
  ['FIN 0123\n56789abcdef\n', 'E_INVALID invalid message ID'],
  ['FIN 0123456789abcde\r\n', 'E_INVALID invalid message ID'],
  // 16 characters, but 17 bytes.
  ['FIN \xc3\xa9123456789abcdef\n', 'E_INVALID invalid message ID'],
  [`REQ ${ID}\n`, 'E_INVALID REQ insufficient number of params'],
  ['REQ 0123 0\n', 'E_INVALID invalid message ID'],
  [`REQ ${ID} x\n`, 'E_INVALID REQ could not parse timeout x'],
  ['TOUCH\n', 'E_INVALID TOUCH insufficient number of params'],
  ['TOUCH 0123\n', 'E_INVALID invalid message ID'],
]

test('what is wrong is answered as by official nsqd, however it is cut', async t => {
  for (const [bytes, frameText] of ERRORS) {
    await t.test(JSON.stringify(bytes), () => {
      readsHoweverCut(latin1(`  V2${bytes}`), errorOf, frameText)
    })
  }
})

test('what came before an error is handed over', () => {
  const events: Event[] = []
  const reader = new CommandReader(recorder(events), LIMITS)
  assert.throws(() => reader.push(latin1('  V2NOP\nPUB t\n\0\0\0\x01xWAT\n')), ProtocolError)
  assert.deepEqual(events, [['NOP'], ['PUB', 't', 'x']])
})

test('any magic but V2 is refused', () => {
  for (const magic of ['  V1', 'GET ', '\0\0\0\0']) {
    readsHoweverCut(latin1(magic), errorOf, 'E_BAD_PROTOCOL')
  }
  assert.equal(errorOf([latin1('  V')]), 'no error')
})

test('a size beyond the limit is refused with its last byte, before any of the body is kept', () => {
  for (const [line, frameText] of [
    ['PUB t\n', 'E_BAD_MESSAGE PUB message too big 5242880 > 100'],
    ['MPUB t\n', 'E_BAD_BODY MPUB body too big 5242880 > 500'],
    ['IDENTIFY\n', 'E_BAD_BODY IDENTIFY body too big 5242880 > 500'],
  ] as const) {
    assert.equal(errorOf([latin1(`  V2${line}\0\x50\0`)]), 'no error')
    assert.equal(errorOf([latin1(`  V2${line}\0\x50\0\0`)]), frameText)
  }
})

/** What is said to the size of an IDENTIFY. */
function identifyError(size: string): string {
  const reader = new CommandReader(recorder([]), { maxMessageSize: 100, maxBodySize: 5_242_880 })
  try {
    reader.push(latin1(`  V2IDENTIFY\n${size}`))
  } catch (error) {
    assert.ok(error instanceof ProtocolError)
    return error.frameText
  }
  return 'no error'
}

test('what a client says of itself has 64 KiB at most: it is kept as long as the client is connected', () => {
  assert.equal(identifyError('\0\x01\0\0'), 'no error')
  assert.equal(identifyError('\0\x01\0\x01'), 'E_BAD_BODY IDENTIFY body too big 65537 > 65536')
  assert.equal(identifyError('\0\x50\0\x01'), 'E_BAD_BODY IDENTIFY body too big 5242881 > 5242880')
})

test('bodies of exactly the limit are taken', () => {
  const body = 'x'.repeat(100)
  assert.deepEqual(readCommands([latin1(`  V2PUB t\n\0\0\0\x64${body}`)]), [['PUB', 't', body]])
})

test('a line is at most 4096 bytes long, however it is cut', () => {
  const fits = `NOP ${'x'.repeat(4091)}\n`
  const tooLong = 'E_INVALID command line is longer than 4096 bytes'
  for (const places of [[], [4], [5], [2000], [4099], [4, 7, 4098]]) {
    assert.deepEqual(readCommands(cut(latin1(`  V2${fits}${fits}`), places)), [['NOP'], ['NOP']])
    assert.equal(errorOf(cut(latin1(`  V2${'x'.repeat(4096)}`), places)), tooLong)
    assert.equal(errorOf(cut(latin1(`  V2${'x'.repeat(4095)}`), places)), 'no error')
  }
  assert.equal(errorOf([latin1('  V2NOP'), latin1('x'.repeat(1_000_000))]), tooLong)
})

test('an error of the handler reaches the caller', () => {
  const handler = {
    ...recorder([]),
    SUB: () => {
      throw new ProtocolError('E_INVALID', 'cannot SUB in current state')
    },
  }
  const reader = new CommandReader(handler, LIMITS)
  assert.throws(() => reader.push(latin1('  V2SUB t c\n')), {
    frameText: 'E_INVALID cannot SUB in current state',
  })
})
