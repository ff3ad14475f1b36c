import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import { certificates } from '../../test/support/certificates.ts'
import {
  type Contestant,
  deadlineFor,
  lengthOfCommand,
  publishBacklog,
  type Sample,
  type Scale,
  timed,
  WARM_SHARE,
} from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import { BODY_LENGTH } from '../lines.ts'
import { type Outcome, takeTurns } from '../measure.ts'
import { scratchFolder } from '../scratch.ts'
import type { ClientJob } from '../work.ts'
import { Worker } from '../worker.ts'
import type { ClientLine, ConsumeSetting, PublishSetting } from './lines.ts'

export type ClientSetting = PublishSetting | ConsumeSetting

export interface ClientResult {
  readonly line: ClientLine
  /** One for each contestant, in their order. */
  readonly outcomes: readonly { readonly setting: ClientSetting; readonly outcome: Outcome }[]
}

/** What all the contestants of a line share. */
interface Arena {
  readonly daemon: Daemon
  readonly backlog: Worker<'publish'>
  readonly scale: Scale
  readonly tlsCa: string
}

/** Measures a line: all its contestants in turn, on one nsqd that offers TLS, snappy and deflate. */
export async function measureClients(
  line: ClientLine,
  { rounds, scale }: { rounds: number; scale: Scale },
): Promise<ClientResult> {
  const scratch = scratchFolder()
  const { ca, server } = await certificates()
  const [cert, key] = [join(scratch.path, 'cert.pem'), join(scratch.path, 'key.pem')]
  writeFileSync(cert, server.cert)
  writeFileSync(key, server.key)
  const flags = [`--tls-cert=${cert}`, `--tls-key=${key}`, '--https-address=127.0.0.1:0']
  const daemon = await Daemon.start([...flags, '--mem-queue-bytes=268435456'])
  const arena: Arena = { daemon, backlog: new Worker('publish'), scale, tlsCa: ca.cert }
  const contestants = line.contestants.map((setting, i) =>
    startClient(arena, setting, `bench-${line.name}-${i}`),
  )
  try {
    const outcomes = await takeTurns(contestants, rounds)
    return { line, outcomes: [...outcomes].map(([{ setting }, outcome]) => ({ setting, outcome })) }
  } finally {
    for (const contestant of contestants) await contestant.stop()
    arena.backlog.stop()
    await daemon.stop()
    scratch.remove()
  }
}

interface ClientContestant extends Contestant {
  readonly setting: ClientSetting
}

function startClient(arena: Arena, setting: ClientSetting, name: string): ClientContestant {
  const { client } = setting
  if (client === 'bare') return startBare(arena, setting, name)
  const { daemon, tlsCa } = arena
  const load = setting.kind === 'publish' ? startPublisher(arena, setting) : startConsumer(arena, setting)
  return {
    setting,
    async run(round) {
      const isInMemory = setting.kind === 'publish' && setting.onDisk !== true
      const topic = `${name}-${round}${isInMemory ? '#ephemeral' : ''}`
      const sample = await load.run({
        client,
        port: daemon.tcpPort,
        topic,
        tlsCa: setting.tls === true ? tlsCa : '',
        snappy: setting.snappy === true,
        deflate: setting.deflate ?? 0,
      })
      await daemon.deleteTopic(topic)
      return sample
    },
    peakRss: () => undefined,
    async stop() {
      load.stop()
    },
  }
}

/** The least that could be done with as many bytes: what our client makes of them, between a bare sink or source and a load. */
function startBare({ scale }: Arena, setting: ClientSetting, topic: string): ClientContestant {
  const server = new Worker('bare-server')
  const publisher = new Worker('publish')
  const consumer = new Worker('consume')
  const publish = async ({ atOnce, batch }: PublishSetting): Promise<Sample> => {
    // Calls with one message at once go in one command.
    const [depth, inOne] = batch === 1 ? [1, atOnce] : [atOnce, batch]
    const commandLength = lengthOfCommand(topic, inOne)
    const { port } = await server.run({ kind: 'sink', commandLength, path: '', sync: false }, deadlineFor(0))
    return timed(server, () =>
      publisher.run(
        {
          port,
          topic,
          connections: 1,
          depth,
          batch: inOne,
          bodyLength: BODY_LENGTH,
          messages: Number.MAX_SAFE_INTEGER,
          ...scale,
          bare: true,
        },
        deadlineFor(0),
      ),
    )
  }
  const consume = async ({ maxInFlight: ready, messages: wanted }: ConsumeSetting): Promise<Sample> => {
    const { messages, warm } = backlogOf(wanted, scale)
    const frameLength = BODY_LENGTH + MESSAGE_OVERHEAD
    const { port } = await server.run({ kind: 'source', frameLength, ready, messages }, deadlineFor(0))
    const job = { port, topic, channels: ['channel'], ready, bodyLength: BODY_LENGTH, messages, warm }
    return timed(server, () => consumer.run({ ...job, bare: true }, deadlineFor(messages)))
  }
  return {
    setting,
    run: () => (setting.kind === 'publish' ? publish(setting) : consume(setting)),
    peakRss: () => undefined,
    async stop() {
      for (const worker of [server, publisher, consumer]) worker.stop()
    },
  }
}

interface ClientLoad {
  run(job: ClientJob): Promise<Sample>
  stop(): void
}

function startPublisher({ daemon, scale }: Arena, { atOnce, batch }: PublishSetting): ClientLoad {
  const worker = new Worker('client-publish')
  const { warmMs, measureMs } = scale
  return {
    async run(client) {
      await daemon.createTopic(client.topic, [])
      const job = { ...client, atOnce, batch, bodyLength: BODY_LENGTH, warmMs, measureMs }
      return timed(daemon, () => worker.run(job, deadlineFor(0)))
    },
    stop: () => worker.stop(),
  }
}

function startConsumer({ daemon, backlog, scale }: Arena, setting: ConsumeSetting): ClientLoad {
  const worker = new Worker('client-consume')
  const { maxInFlight, take } = setting
  const channel = 'channel'
  const { messages, warm } = backlogOf(setting.messages, scale)
  return {
    async run(client) {
      const { topic } = client
      await daemon.createTopic(topic, [channel])
      await publishBacklog(backlog, daemon.tcpPort, topic, messages)
      const job = { ...client, channel, maxInFlight, take, messages, warm }
      const sample = await timed(daemon, () => worker.run(job, deadlineFor(messages)))
      await daemon.expectEmpty(topic)
      return sample
    },
    stop: () => worker.stop(),
  }
}

/** A whole number of MPUBs. */
function backlogOf(wanted: number, { backlog }: Scale): { messages: number; warm: number } {
  const messages = Math.ceil((wanted * backlog) / 200) * 200
  return { messages, warm: Math.floor(messages * WARM_SHARE) }
}
