import { parseIdentity } from '../../../src/nsqlookupd/identity.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import {
  identify,
  LookupCommandReader,
  lookupReply,
  LookupReplyReader,
  MAGIC_V1,
  ping,
  register,
  unregister,
} from '../../../src/protocol/lookup.ts'
import { chunksOf, same, type Target } from '../target.ts'

export const IDENTITY = {
  version: '1.3.0',
  tcp_port: 4150,
  http_port: 4151,
  hostname: 'h',
  broadcast_address: 'b',
  topology_zone: 'z',
}

export const REGISTRATIONS: readonly Buffer[] = [
  [identify(IDENTITY), register('t'), register('t', 'c'), ping(), unregister('t', 'c'), unregister('t')],
  [identify({ ...IDENTITY, broadcast_address: '::1' }), register('e#ephemeral', 'c#ephemeral'), ping()],
  [ping(), ping(), identify(IDENTITY), register('constructor', '__proto__')],
].map(commands => Buffer.concat([MAGIC_V1, ...commands]))

export const REGISTRATION_TOKENS = [
  'IDENTIFY\n',
  'PING\n',
  'REGISTER ',
  'UNREGISTER ',
  '  V1',
  ' c',
  '\r\n',
  '\u2028',
  '"broadcast_address":"",',
  'null',
  '{}',
]

const MAX_BODY = 8192

/** What nsqlookupd reads from nsqds. */
export function lookupCommands(): Target {
  return {
    name: 'nsqlookupd-commands',
    corpus: REGISTRATIONS,
    tokens: REGISTRATION_TOKENS,
    mostAtOnce: MAX_BODY,
    run(input, random) {
      const whole = readCommands([input])
      same(readCommands(chunksOf(input, random)), whole, 'in pieces')
      return whole.includes('\nE_') ? 'rejected' : 'accepted'
    },
  }
}

function readCommands(chunks: readonly Buffer[]): string {
  let said = ''
  const reader = new LookupCommandReader(
    {
      IDENTIFY(bytes, start, end) {
        said += `\nIDENTIFY ${JSON.stringify(parseIdentity(bytes, start, end))}`
      },
      PING() {
        said += '\nPING'
      },
      REGISTER(topic, channel) {
        said += `\nREGISTER ${topic} ${channel}`
      },
      UNREGISTER(topic, channel) {
        said += `\nUNREGISTER ${topic} ${channel}`
      },
    },
    MAX_BODY,
  )
  return push(reader, chunks, () => said)
}

/** What nsqd reads from nsqlookupds. */
export function lookupReplies(): Target {
  return {
    name: 'nsqlookupd-replies',
    corpus: [['OK', 'OK', JSON.stringify(IDENTITY)], ['E_INVALID invalid command X'], ['', 'OK']].map(texts =>
      Buffer.concat(texts.map(lookupReply)),
    ),
    tokens: ['OK', 'E_', '\0\0\0\x02'],
    mostAtOnce: MAX_BODY,
    run(input, random) {
      const whole = readReplies([input])
      same(readReplies(chunksOf(input, random)), whole, 'in pieces')
      return whole.includes('\nE_BAD_FRAME') ? 'rejected' : 'accepted'
    },
  }
}

function readReplies(chunks: readonly Buffer[]): string {
  let said = ''
  const reader = new LookupReplyReader(
    {
      reply(bytes, start, end) {
        said += `\n${bytes.toString('latin1', start, end)}`
      },
    },
    MAX_BODY,
  )
  return push(reader, chunks, () => said)
}

function push(reader: { push(chunk: Buffer): void }, chunks: readonly Buffer[], said: () => string): string {
  try {
    for (const chunk of chunks) reader.push(chunk)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return `${said()}\n${error.frameText}`
  }
  return said()
}
