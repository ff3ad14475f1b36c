import type { MakeTarget } from '../target.ts'
import { answers } from './answers.ts'
import { archives } from './archives.ts'
import { nsqdCommands } from './commands.ts'
import { checkpoints, metadata } from './files.ts'
import { clientFrames } from './frames.ts'
import { lookupdHttp, nsqdHttp } from './http.ts'
import { clientHandshake, identifyRequest } from './identify.ts'
import { compressedStreams, snappyFrames } from './layers.ts'
import { lookupCommands, lookupReplies } from './lookup.ts'
import { nsqdSession } from './session.ts'
import { contextFiles, texts } from './texts.ts'

/** Everything that faces a socket or a file, by its name. */
export const TARGETS: Readonly<Record<string, MakeTarget>> = {
  'nsqd-commands': nsqdCommands,
  'nsqd-session': nsqdSession,
  identify: identifyRequest,
  'client-frames': clientFrames,
  'client-handshake': clientHandshake,
  'nsqlookupd-commands': lookupCommands,
  'nsqlookupd-replies': lookupReplies,
  'nsqd-http': nsqdHttp,
  'nsqlookupd-http': lookupdHttp,
  'snappy-frames': snappyFrames,
  'compressed-streams': compressedStreams,
  texts,
  'http-answers': answers,
  checkpoints,
  metadata,
  archives,
  'context-files': contextFiles,
}
