import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Nsqd } from '../../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../../src/nsqd/options.ts'
import { Session } from '../../../src/nsqd/session.ts'
import { MAGIC_V2, rdy, req, sub } from '../../../src/protocol/command.ts'
import { FrameReader, FrameType } from '../../../src/protocol/frame.ts'
import { decodeMessage } from '../../../src/protocol/message.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { until } from '../../support/wait.ts'
import type { Target } from '../target.ts'
import { FakeSocket, turn } from './fake-socket.ts'
import { fastFolder, sealCheckpoint } from './files.ts'

const MESSAGES = 60
/** Turns of the event loop in which what there is has been delivered, though it is read in the background. */
const QUIET_TURNS = 30

const bodyOf = (number: number): string => `message ${number} `.padEnd(60 + (number % 50), 'x')
const BODIES = new Set(Array.from({ length: MESSAGES }, (_, i) => bodyOf(i)))

/**
 * A whole data path of which one file is changed: nsqd must start with it, twice, or say in one of its errors why not; and no
 * message may be delivered that was never published. How much may be lost is asked in test/storage/damage.test.ts.
 */
export async function recovery(): Promise<Target> {
  const folder = fastFolder()
  const template = join(folder, 'template')
  const dataPath = join(folder, 'data')
  await fill(template)
  const files = readdirSync(template, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(template, name)).isFile() && !name.endsWith('.lock'))
    .sort()
  return {
    name: 'recovery',
    // The first byte says which file it is.
    corpus: files.map((name, i) => Buffer.concat([Buffer.from([i]), readFileSync(join(template, name))])),
    tokens: ['\0\0\0\x01', '\0\0\0\x02', 'nsqtscp2', '{}', 'null', Buffer.alloc(512)],
    async run(input, random) {
      const name = files[(input[0] ?? 0) % files.length] ?? ''
      const content = input.subarray(1)
      // One whose checksum says that it is whole is believed.
      if (name.endsWith('checkpoint') && random.chance(0.7)) sealCheckpoint(content)
      rmSync(dataPath, { recursive: true, force: true })
      cpSync(template, dataPath, { recursive: true })
      writeFileSync(join(dataPath, name), content)
      try {
        await startAndRead(dataPath)
        await startAndRead(dataPath)
      } catch (error) {
        if (!(error instanceof NsqError)) throw error
        // Only what a person has to look at: the topics and channels.
        if (error.code !== 'E_METADATA') throw error
        return 'rejected'
      }
      return 'accepted'
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function newNsqd(dataPath: string, errors: string[]): Nsqd {
  const options = resolveNsqdOptions({
    dataPath,
    tcpAddress: '127.0.0.1:0',
    httpAddress: '127.0.0.1:0',
    maxBytesPerFile: 2500,
    retainBytes: 3000,
  })
  const write = (line: string): void => void errors.push(line)
  return new Nsqd(options, new Logger({ prefix: '', level: LogLevel.error, write }))
}

/** Several segments, two channels, messages in hand, requeued, deferred and finished. */
async function fill(dataPath: string): Promise<void> {
  mkdirSync(dataPath)
  const nsqd = newNsqd(dataPath, [])
  await nsqd.start()
  nsqd.topic('t').channel('c')
  nsqd.topic('t').channel('d').pause()
  for (let i = 0; i < MESSAGES; i++)
    await nsqd.publish('t', [Buffer.from(bodyOf(i))], i % 7 === 3 ? 3_600_000 : 0)
  const client = new FakeSocket()
  const session = new Session(nsqd, client.asSocket(), 1)
  const received: string[] = []
  client.push(Buffer.concat([MAGIC_V2, sub('t', 'c'), rdy(MESSAGES)]))
  await until(() => readMessages(client, received) > 30)
  for (const [i, id] of received.entries()) {
    if (i % 3 === 0) client.push(Buffer.from(`FIN ${id}\n`))
    if (i % 3 === 1) client.push(req(id, i % 2 === 0 ? 3_600_000 : 0))
  }
  await until(() => session.finishCount > 8)
  session.destroy()
  await nsqd.close()
  if (!existsSync(join(dataPath, 't.topic', 'checkpoint'))) throw new Error('there is no checkpoint')
}

/** Adds the ids of what came, and checks it; gives how many. */
function readMessages(client: FakeSocket, ids: string[]): number {
  ids.length = 0
  const reader = new FrameReader(
    {
      frame(type, bytes, start, end) {
        if (type !== FrameType.message) return
        const { id, body } = decodeMessage(bytes, start, end)
        if (!BODIES.has(body.toString())) throw new Error(`"${body.toString()}" was never published`)
        ids.push(id)
      },
    },
    65_536,
  )
  for (const bytes of client.written) reader.push(bytes)
  return ids.length
}

async function startAndRead(dataPath: string): Promise<void> {
  const errors: string[] = []
  const nsqd = newNsqd(dataPath, errors)
  try {
    await nsqd.start()
    await nsqd.publish('t', [Buffer.from(bodyOf(0))], 0)
    if (nsqd.topics.has('t')) {
      for (const channel of ['c', 'd']) {
        nsqd.topic('t').channel(channel).unpause()
        const client = new FakeSocket()
        const session = new Session(nsqd, client.asSocket(), 1)
        client.push(Buffer.concat([MAGIC_V2, sub('t', channel), rdy(MESSAGES)]))
        const ids: string[] = []
        for (let i = 0, last = -1; i < QUIET_TURNS; i++) {
          await turn()
          const count = client.written.length
          if (count !== last) i = 0
          last = count
        }
        readMessages(client, ids)
        session.destroy()
      }
      await nsqd.peek('t', 'c', { count: 100, maxBody: 1000 })
    }
  } finally {
    await nsqd.close()
  }
  const internal = errors.find(line => /TypeError|RangeError|ERR_|undefined|not a function/.test(line))
  if (internal !== undefined) throw new Error(`it was logged: ${internal}`)
}
