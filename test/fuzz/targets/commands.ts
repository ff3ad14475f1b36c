import { type CommandHandler, CommandReader } from '../../../src/protocol/command-reader.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import type { Random } from '../../storage/random.ts'
import { chunksOf, same, type Target } from '../target.ts'
import { COMMAND_TOKENS, CONVERSATIONS } from './samples.ts'

const LIMITS = { maxMessageSize: 4096, maxBodySize: 8192 }

/** What nsqd reads from its clients: whole, in pieces, and with a handler that pauses, it must come to the same. */
export function nsqdCommands(): Target {
  return {
    name: 'nsqd-commands',
    corpus: CONVERSATIONS,
    tokens: COMMAND_TOKENS,
    mostAtOnce: LIMITS.maxBodySize,
    run(input, random) {
      const whole = read([input])
      const pieces = read(chunksOf(input, random), random)
      same(pieces, whole, 'in pieces')
      return whole.includes('\nE_') ? 'rejected' : 'accepted'
    },
  }
}

/** The commands, a line each, and the error at the end. */
function read(chunks: readonly Buffer[], pauses?: Random): string {
  let said = ''
  const note = (text: string): void => {
    said += `\n${text}`
    if (pauses?.chance(0.2) === true) reader.paused = true
  }
  const reader = new CommandReader(recorder(note), LIMITS)
  try {
    for (const chunk of chunks) {
      reader.push(chunk)
      // Sometimes more comes meanwhile.
      while (reader.paused && pauses?.chance(0.7) === true) reader.resume()
    }
    while (reader.paused) reader.resume()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    said += `\n${error.frameText}`
  }
  return said
}

function recorder(note: (text: string) => void): CommandHandler {
  return {
    IDENTIFY: (bytes, start, end) => note(`IDENTIFY ${text(bytes, start, end)}`),
    AUTH: (bytes, start, end) => note(`AUTH ${text(bytes, start, end)}`),
    PUB: (topic, bytes, start, end) => note(`PUB ${topic} ${text(bytes, start, end)}`),
    MPUB: (topic, bytes, start, end, count) => note(`MPUB ${topic} ${count} ${text(bytes, start, end)}`),
    DPUB: (topic, delayMs, bytes, start, end) => note(`DPUB ${topic} ${delayMs} ${text(bytes, start, end)}`),
    SUB: (topic, channel) => note(`SUB ${topic} ${channel}`),
    RDY: count => note(`RDY ${count}`),
    FIN: (bytes, at) => note(`FIN ${text(bytes, at, at + 16)}`),
    REQ: (bytes, at, delayMs) => note(`REQ ${text(bytes, at, at + 16)} ${delayMs}`),
    TOUCH: (bytes, at) => note(`TOUCH ${text(bytes, at, at + 16)}`),
    CLS: () => note('CLS'),
    NOP: () => note('NOP'),
    topicNamed: topic => note(`topic ${topic}`),
  }
}

function text(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end)
}
