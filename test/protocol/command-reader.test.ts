import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandReader } from '../../src/protocol/command-reader.ts'
import * as command from '../../src/protocol/command.ts'
import { LIMITS, readCommands, recorder } from './recorder.ts'
import type { Event } from './recorder.ts'
import { cut, latin1, random, readsHoweverCut } from './splits.ts'

const ID = '0123456789abcdef'
const OTHER_ID = 'fedcba9876543210'

// Bytes on the wire, and what the handler gets.
const VECTORS: [name: string, bytes: string, events: Event[]][] = [
  ['IDENTIFY', 'IDENTIFY\n\0\0\0\x02{}', [['IDENTIFY', '{}']]],
  ['AUTH', 'AUTH\n\0\0\0\x06secret', [['AUTH', 'secret']]],
  ['PUB', 'PUB t\n\0\0\0\x02hi', [['PUB', 't', 'hi']]],
  ['PUB of bytes', 'PUB t\n\0\0\0\x04\n\0\xff ', [['PUB', 't', '\n\0\xff ']]],
  ['PUB, more parameters', 'PUB bad topic!\n\0\0\0\x01x', [['PUB', 'bad', 'x']]],
  [
    'MPUB',
    'MPUB t\n\0\0\0\x0f\0\0\0\x02\0\0\0\x01a\0\0\0\x02bb',
    [
      ['topicNamed', 't'],
      ['MPUB', 't', '\0\0\0\x01a\0\0\0\x02bb', 2],
    ],
  ],
  ['DPUB', 'DPUB t 400\n\0\0\0\x02hi', [['DPUB', 't', 400, 'hi']]],
  ['DPUB, no digits', 'DPUB t \n\0\0\0\x01x', [['DPUB', 't', 0, 'x']]],
  [
    'DPUB, very late',
    `DPUB t 9${'0'.repeat(30)}\n\0\0\0\x01x`,
    [['DPUB', 't', Number.MAX_SAFE_INTEGER, 'x']],
  ],
  ['SUB', 'SUB t#ephemeral c#ephemeral\n', [['SUB', 't#ephemeral', 'c#ephemeral']]],
  ['RDY', 'RDY 2500\n', [['RDY', 2500]]],
  ['RDY, no count', 'RDY\n', [['RDY', 1]]],
  ['FIN', `FIN ${ID}\n`, [['FIN', ID]]],
  ['FIN, more parameters', `FIN ${ID} x\n`, [['FIN', ID]]],
  ['FIN, not hex', 'FIN ABCDEFGHIJKLM\xff\x01!\n', [['FIN', 'ABCDEFGHIJKLM\xff\x01!']]],
  ['REQ', `REQ ${ID} 400\n`, [['REQ', ID, 400]]],
  ['TOUCH', `TOUCH ${ID}\n`, [['TOUCH', ID]]],
  ['CLS', 'CLS\n', [['CLS']]],
  ['NOP', 'NOP\n', [['NOP']]],
  [
    'carriage returns',
    `NOP\r\nPUB t\r\n\0\0\0\x01xFIN ${ID}\r\nRDY 1\r\n`,
    [['NOP'], ['PUB', 't', 'x'], ['FIN', ID], ['RDY', 1]],
  ],
]

test('every command, however it is cut', async t => {
  for (const [name, bytes, events] of VECTORS) {
    await t.test(name, () => readsHoweverCut(latin1(`  V2${bytes}`), readCommands, events))
  }
})

test('all commands in one stream, twice, however it is cut', () => {
  const stream = VECTORS.map(([, bytes]) => bytes).join('')
  const events = VECTORS.flatMap(([, , events]) => events)
  readsHoweverCut(latin1(`  V2${stream}${stream}`), readCommands, [...events, ...events])
})

test('what the encoders write is read back', () => {
  const body = Buffer.from(Array.from({ length: 100 }, (_, i) => i * 2))
  const text = body.toString('latin1')
  const stream = Buffer.concat([
    command.MAGIC_V2,
    command.identify({ client_id: 'c' }),
    command.auth('s'),
    command.pub('topic', body),
    command.mpub('topic', [body, 'x']),
    command.dpub('topic', 1, body),
    command.sub('topic', 'channel'),
    command.rdy(7),
    command.fin(ID),
    command.req(ID, 8),
    command.touch(ID),
    command.nop(),
    command.cls(),
  ])
  readsHoweverCut(stream, readCommands, [
    ['IDENTIFY', '{"client_id":"c"}'],
    ['AUTH', 's'],
    ['PUB', 'topic', text],
    ['topicNamed', 'topic'],
    ['MPUB', 'topic', `\0\0\0\x64${text}\0\0\0\x01x`, 2],
    ['DPUB', 'topic', 1, text],
    ['SUB', 'topic', 'channel'],
    ['RDY', 7],
    ['FIN', ID],
    ['REQ', ID, 8],
    ['TOUCH', ID],
    ['NOP'],
    ['CLS'],
  ])
})

test('a publishing line is remembered only while the next is the same', () => {
  const mpub = '\0\0\0\x09\0\0\0\x01\0\0\0\x01m'
  const stream =
    'PUB t\n\0\0\0\x01aPUB t\n\0\0\0\x01bPUB tt\n\0\0\0\x01cPUB t\n\0\0\0\x01dPUB t\r\n\0\0\0\x01e' +
    `MPUB t\n${mpub}MPUB t\n${mpub}DPUB t 5\n\0\0\0\x01fDPUB t 5\n\0\0\0\x01gDPUB t 6\n\0\0\0\x01h` +
    'PUB t\n\0\0\0\x01iIDENTIFY\n\0\0\0\x02{}PUB t\n\0\0\0\x01j'
  const batch: Event = ['MPUB', 't', '\0\0\0\x01m', 1]
  readsHoweverCut(latin1(`  V2${stream}`), readCommands, [
    ['PUB', 't', 'a'],
    ['PUB', 't', 'b'],
    ['PUB', 'tt', 'c'],
    ['PUB', 't', 'd'],
    ['PUB', 't', 'e'],
    ['topicNamed', 't'],
    batch,
    ['topicNamed', 't'],
    batch,
    ['DPUB', 't', 5, 'f'],
    ['DPUB', 't', 5, 'g'],
    ['DPUB', 't', 6, 'h'],
    ['PUB', 't', 'i'],
    ['IDENTIFY', '{}'],
    ['PUB', 't', 'j'],
  ])
})

test('a body within a chunk is a view of it, one that spans chunks is copied once', () => {
  const seen: [Buffer, number, number][] = []
  const handler = {
    ...recorder([]),
    PUB: (_topic: string, bytes: Buffer, start: number, end: number) => seen.push([bytes, start, end]),
  }
  const reader = new CommandReader(handler, LIMITS)
  const [first, second, third] = cut(latin1('  V2PUB t\n\0\0\0\x02hiPUB t\n\0\0\0\x05hello'), [28, 29])
  assert.ok(first && second && third)
  reader.push(first)
  reader.push(second)
  reader.push(third)
  assert.equal(seen[0]?.[0], first)
  assert.deepEqual(seen[0]?.slice(1), [14, 16])
  assert.deepEqual(seen[1], [latin1('hello'), 0, 5])
})

test('random streams of FIN and PUB, cut at random', () => {
  const next = random()
  let stream = '  V2'
  const events: Event[] = []
  for (let i = 0; i < 300; i++) {
    const topic = next() < 0.8 ? 'topic' : 'other'
    const body = 'FIN '.repeat(1 + Math.floor(next() * 20))
    const id = next() < 0.5 ? ID : OTHER_ID
    if (next() < 0.5) {
      stream += `FIN ${id}\n`
      events.push(['FIN', id])
    } else {
      stream += `PUB ${topic}\n\0\0\0${String.fromCharCode(body.length)}${body}`
      events.push(['PUB', topic, body])
    }
  }
  readsHoweverCut(latin1(stream), readCommands, events)
})

test('pausing after every command changes nothing but the time', () => {
  const bytes = latin1(`  V2${VECTORS.map(([, bytes]) => bytes).join('')}`)
  const expected = VECTORS.flatMap(([, , events]) => events)
  const readPausing = (chunks: Buffer[]): Event[] => {
    const events: Event[] = []
    const reader: CommandReader = new CommandReader(
      recorder(events, () => (reader.paused = true)),
      LIMITS,
    )
    for (const chunk of chunks) reader.push(chunk)
    for (let i = 0; i < expected.length; i++) reader.resume()
    assert.equal(reader.takeRest().length, 0)
    return events
  }
  readsHoweverCut(bytes, readPausing, expected)
})

test('while paused nothing is handed over, and resume within a handler goes on', () => {
  const events: Event[] = []
  const reader: CommandReader = new CommandReader(
    recorder(events, () => {
      reader.paused = true
      if (events.length > 1) reader.resume()
    }),
    LIMITS,
  )
  reader.push(latin1('  V2NOP\nCLS\n'))
  reader.push(latin1('RDY 1\nRD'))
  reader.push(latin1('Y 2\n'))
  assert.deepEqual(events, [['NOP']])
  reader.resume()
  assert.deepEqual(events, [['NOP'], ['CLS'], ['RDY', 1], ['RDY', 2]])
})

test('what came behind a pause can be taken for another layer', () => {
  const events: Event[] = []
  const reader: CommandReader = new CommandReader(
    recorder(events, () => (reader.paused = true)),
    LIMITS,
  )
  reader.push(latin1('  V2IDENTIFY\n\0\0\0\x02{}\x16\x03'))
  reader.push(latin1('\x01'))
  assert.deepEqual(reader.takeRest(), latin1('\x16\x03\x01'))
  reader.resume()
  reader.push(latin1('NOP\n'))
  assert.deepEqual(events, [['IDENTIFY', '{}'], ['NOP']])
})

test('a body that came in pieces stays as it is for who has paused the reader', () => {
  const bodies: Buffer[] = []
  const limits = { maxMessageSize: 100_000, maxBodySize: 100_000 }
  const read = (body: Buffer, pauses: boolean): void => {
    const reader = new CommandReader(
      {
        ...recorder([]),
        PUB: (_topic, bytes, start, end) => {
          bodies.push(bytes.subarray(start, end))
          reader.paused = pauses
        },
      },
      limits,
    )
    const bytes = Buffer.concat([command.MAGIC_V2, command.pub('t', body)])
    reader.push(bytes.subarray(0, 1000))
    reader.push(bytes.subarray(1000))
  }
  const [first, second, third] = [1, 2, 3].map(i => Buffer.alloc(50_000, i))
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  read(first, true)
  read(second, false)
  read(third, false)
  assert.deepEqual(bodies[0], first)
  assert.deepEqual(bodies[2], third)
  // Nobody was to look at this one any more.
  assert.equal(bodies[1]?.buffer, bodies[2]?.buffer)
})
