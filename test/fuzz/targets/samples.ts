/** What is valid, made by our own encoders. */
import {
  auth,
  cls,
  dpub,
  fin,
  identify,
  MAGIC_V2,
  mpub,
  nop,
  pub,
  rdy,
  req,
  sub,
  touch,
} from '../../../src/protocol/command.ts'
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME, responseFrame } from '../../../src/protocol/frame.ts'
import { MESSAGE_OVERHEAD, writeMessageHeader } from '../../../src/protocol/message.ts'

export const TOPIC = 't#ephemeral'
export const ID = '0123456789abcdef'

export const IDENTIFY_REQUEST = {
  client_id: 'c',
  hostname: 'h',
  user_agent: 'fuzz/1',
  feature_negotiation: true,
  heartbeat_interval: 30_000,
  output_buffer_size: 16_384,
  output_buffer_timeout: 250,
  sample_rate: 0,
  msg_timeout: 60_000,
}

export const IDENTIFY_ANSWER = {
  max_rdy_count: 2500,
  version: '1.3.0',
  max_msg_timeout: 900_000,
  msg_timeout: 60_000,
  tls_v1: false,
  deflate: false,
  deflate_level: 6,
  max_deflate_level: 6,
  snappy: false,
  sample_rate: 0,
  auth_required: false,
  output_buffer_size: 16_384,
  output_buffer_timeout: 250,
}

/** Conversations of clients with nsqd. */
export const CONVERSATIONS: readonly Buffer[] = [
  [identify(IDENTIFY_REQUEST), sub(TOPIC, 'c'), rdy(5), fin(ID), req(ID, 10), touch(ID), nop(), cls()],
  [pub(TOPIC, 'hello'), pub(TOPIC, 'world'), mpub(TOPIC, ['a', 'bb', 'ccc']), dpub(TOPIC, 100, 'later')],
  [identify({ ...IDENTIFY_REQUEST, feature_negotiation: false }), mpub(TOPIC, ['x']), mpub(TOPIC, ['y'])],
  [identify({ heartbeat_interval: -1 }), auth('secret'), pub(TOPIC, Buffer.alloc(300, 'b'))],
  [sub(TOPIC, 'c#ephemeral'), rdy(2500), fin(ID), fin(ID), fin('ffffffffffffffff')],
  [pub(TOPIC, 'a\n'), sub(TOPIC, 'c'), rdy(1), Buffer.from(`FIN ${ID}\r\nNOP\r\n`)],
  [
    mpub(
      TOPIC,
      Array.from({ length: 30 }, (_, i) => `message ${i}`),
    ),
    nop(),
  ],
  [identify({ ...IDENTIFY_REQUEST, snappy: true }), nop()],
  [identify({ ...IDENTIFY_REQUEST, deflate: true, deflate_level: 3 }), nop()],
].map(commands => Buffer.concat([MAGIC_V2, ...commands]))

export const COMMAND_TOKENS = [
  'IDENTIFY\n',
  'AUTH\n',
  'SUB ',
  'PUB ',
  'MPUB ',
  'DPUB ',
  'RDY ',
  'FIN ',
  'REQ ',
  'TOUCH ',
  'CLS\n',
  'NOP\n',
  '  V2',
  '  V1',
  '#ephemeral',
  ` ${ID}`,
  '\r\n',
  ' ',
  '{}',
  'null',
  '"deflate":true,',
  '"snappy":true,',
  '"tls_v1":true,',
  '[[[[[[[[',
  '__proto__',
]

export function messageFrame(body: string, attempts = 1): Buffer {
  const frame = Buffer.alloc(MESSAGE_OVERHEAD + body.length)
  writeMessageHeader(frame, 0, body.length, 0x17, 0x5a5a5a5a, attempts, 0x01234567, 0x89abcdef)
  frame.write(body, MESSAGE_OVERHEAD)
  return frame
}

/** What nsqds send. */
export const FRAMES: readonly Buffer[] = [
  [OK_FRAME, HEARTBEAT_FRAME, messageFrame('hello'), messageFrame('', 65_535)],
  [responseFrame(JSON.stringify(IDENTIFY_ANSWER)), OK_FRAME, messageFrame('x'.repeat(200))],
  [errorFrame(`E_FIN_FAILED FIN ${ID} failed ID not in flight`), errorFrame('E_INVALID')],
  [messageFrame('one'), messageFrame('two'), messageFrame('three'), responseFrame('CLOSE_WAIT')],
].map(frames => Buffer.concat(frames))
