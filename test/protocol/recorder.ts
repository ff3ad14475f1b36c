import { CommandReader } from '../../src/protocol/command-reader.ts'
import type { CommandHandler, CommandLimits } from '../../src/protocol/command-reader.ts'

/** A command as it was handed over: its name and its parameters, bytes as latin1 text. */
export type Event = (string | number)[]

export const LIMITS: CommandLimits = { maxMessageSize: 100, maxBodySize: 500 }

/** Writes down every call; `after` is called behind each. */
export function recorder(events: Event[], after: () => void = () => {}): CommandHandler {
  const note = (...event: Event): void => {
    events.push(event)
    after()
  }
  return {
    IDENTIFY: (bytes, start, end) => note('IDENTIFY', text(bytes, start, end)),
    AUTH: (bytes, start, end) => note('AUTH', text(bytes, start, end)),
    PUB: (topic, bytes, start, end) => note('PUB', topic, text(bytes, start, end)),
    MPUB: (topic, bytes, start, end, count) => note('MPUB', topic, text(bytes, start, end), count),
    DPUB: (topic, delayMs, bytes, start, end) => note('DPUB', topic, delayMs, text(bytes, start, end)),
    SUB: (topic, channel) => note('SUB', topic, channel),
    RDY: count => note('RDY', count),
    FIN: (bytes, at) => note('FIN', text(bytes, at, at + 16)),
    REQ: (bytes, at, delayMs) => note('REQ', text(bytes, at, at + 16), delayMs),
    TOUCH: (bytes, at) => note('TOUCH', text(bytes, at, at + 16)),
    CLS: () => note('CLS'),
    NOP: () => note('NOP'),
    topicNamed: topic => note('topicNamed', topic),
  }
}

/** What a reader makes of the chunks. */
export function readCommands(chunks: Buffer[]): Event[] {
  const events: Event[] = []
  const reader = new CommandReader(recorder(events), LIMITS)
  for (const chunk of chunks) reader.push(chunk)
  return events
}

function text(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end)
}
