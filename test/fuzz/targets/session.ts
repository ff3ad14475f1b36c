import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Nsqd } from '../../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../../src/nsqd/options.ts'
import { Session } from '../../../src/nsqd/session.ts'
import type { Topic } from '../../../src/nsqd/topic.ts'
import { FrameReader, FrameType } from '../../../src/protocol/frame.ts'
import { isEphemeral } from '../../../src/protocol/names.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { chunksOf, type Target } from '../target.ts'
import { FakeSocket, turn } from './fake-socket.ts'
import { COMMAND_TOKENS, CONVERSATIONS } from './samples.ts'

const MAX_REPLY = 64 * 1024
const PATIENCE_MS = 3000

/** An nsqd for fuzzing: every topic is ephemeral. */
export class QuietNsqd extends Nsqd {
  readonly folder: string
  /** What was logged as an error: nothing that a client sends is one. */
  readonly errors: string[]

  constructor(given: Parameters<typeof resolveNsqdOptions>[0] = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'nsq-ts-fuzz-'))
    const errors: string[] = []
    const options = resolveNsqdOptions({
      dataPath: folder,
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      memQueueSize: 100,
      maxMsgSize: 4096,
      maxBodySize: 8192,
      ...given,
    })
    const write = (line: string): void => {
      // That is said to who publishes just when the topic goes.
      if (!line.includes('is closed')) errors.push(line)
    }
    super(options, new Logger({ prefix: '', level: LogLevel.error, write }))
    this.folder = folder
    this.errors = errors
  }

  override topic(name: string): Topic {
    return super.topic(isEphemeral(name) ? name : `${name.slice(0, 54)}#ephemeral`)
  }

  /** Forgets everything, so that an input does not depend on those before it; throws what was logged. */
  check(): void {
    for (const name of this.topics.keys()) this.deleteTopic(name)
    const [error] = this.errors.splice(0)
    if (error !== undefined) throw new Error(`it was logged: ${error}`)
  }

  override async close(): Promise<void> {
    await super.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A whole connection to nsqd, with topics, channels and compression, but without a socket. */
export async function nsqdSession(): Promise<Target> {
  const nsqd = new QuietNsqd()
  await nsqd.start()
  let number = 0
  return {
    name: 'nsqd-session',
    corpus: CONVERSATIONS,
    tokens: COMMAND_TOKENS,
    maxInput: 8192,
    async run(input, random) {
      const socket = new FakeSocket()
      const session = new Session(nsqd, socket.asSocket(), ++number)
      const chunks = random.chance(0.2) ? chunksOf(input, random).slice(0, 50) : [input]
      for (const [i, chunk] of chunks.entries()) {
        if (!socket.destroyed) socket.push(chunk)
        if (i < 3) await turn()
      }
      if (!socket.destroyed) socket.push(null)
      await ended(socket)
      if (session.state !== 0 && session.state !== 1) throw new Error(`it ends in state ${session.state}`)
      nsqd.check()
      return readReplies(socket.written)
    },
    close: () => nsqd.close(),
  }
}

/** What nsqd has to say ends when its client has ended. */
async function ended(socket: FakeSocket): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!socket.writableFinished && !socket.destroyed) {
    if (performance.now() > deadline) throw new Error('the connection does not end')
    await turn()
  }
  socket.destroy()
  // The layers over it close after it.
  await turn()
}

/** Whatever came, the replies are frames, and a refusal is the last of them. */
function readReplies(written: readonly Buffer[]): 'accepted' | 'rejected' {
  let refusal = ''
  let isCompressed = false
  const reader = new FrameReader(
    {
      frame(type, bytes, start, end) {
        const text = bytes.toString('latin1', start, Math.min(end, start + 300))
        if (refusal !== '') throw new Error(`behind ${refusal} comes ${text}`)
        if (type === FrameType.error && !/^E_(FIN|REQ|TOUCH)_FAILED/.test(text)) refusal = text
        // What follows is in another coding.
        if (type === FrameType.response && /"(?:snappy|deflate)":true/.test(text))
          reader.paused = isCompressed = true
      },
    },
    MAX_REPLY,
  )
  for (const bytes of written) reader.push(bytes)
  return refusal !== '' && !isCompressed ? 'rejected' : 'accepted'
}
