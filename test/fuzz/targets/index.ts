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
import { rawHttp } from './raw-http.ts'
import { recovery } from './recovery.ts'
import { nsqdSession } from './session.ts'
import { contextFiles, texts } from './texts.ts'

/** Of ten million inputs, how many are for each: those that are slow, as they have sockets or files, get fewer. */
export const TARGETS: Readonly<Record<string, { make: MakeTarget; share: number }>> = {
  'nsqd-commands': { make: nsqdCommands, share: 2_000_000 },
  'nsqd-session': { make: nsqdSession, share: 400_000 },
  identify: { make: identifyRequest, share: 1_000_000 },
  'client-frames': { make: clientFrames, share: 2_000_000 },
  'client-handshake': { make: clientHandshake, share: 500_000 },
  'nsqlookupd-commands': { make: lookupCommands, share: 1_200_000 },
  'nsqlookupd-replies': { make: lookupReplies, share: 1_000_000 },
  'nsqd-http': { make: nsqdHttp, share: 400_000 },
  'nsqlookupd-http': { make: lookupdHttp, share: 400_000 },
  'snappy-frames': { make: snappyFrames, share: 600_000 },
  'compressed-streams': { make: compressedStreams, share: 60_000 },
  texts: { make: texts, share: 1_000_000 },
  'http-raw': { make: rawHttp, share: 30_000 },
  'http-answers': { make: answers, share: 40_000 },
  checkpoints: { make: checkpoints, share: 700_000 },
  recovery: { make: recovery, share: 10_000 },
  metadata: { make: metadata, share: 300_000 },
  archives: { make: archives, share: 150_000 },
  'context-files': { make: contextFiles, share: 300_000 },
}
