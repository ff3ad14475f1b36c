import type { MakeTarget } from '../target.ts'
import { nsqdCommands } from './commands.ts'
import { clientFrames } from './frames.ts'
import { clientHandshake, identifyRequest } from './identify.ts'
import { lookupCommands, lookupReplies } from './lookup.ts'

/** Everything that faces a socket or a file, by its name. */
export const TARGETS: Readonly<Record<string, MakeTarget>> = {
  'nsqd-commands': nsqdCommands,
  identify: identifyRequest,
  'client-frames': clientFrames,
  'client-handshake': clientHandshake,
  'nsqlookupd-commands': lookupCommands,
  'nsqlookupd-replies': lookupReplies,
}
