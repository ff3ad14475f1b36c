import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatAddress } from '../../src/util/address.ts'
import { Spawned } from './spawned.ts'

/** How large it is. */
export interface LargeClusterOptions {
  readonly topics?: number
  /** Of each topic. */
  readonly channels?: number
  readonly nsqds?: number
  /** Flags of each nsqd. */
  readonly flags?: readonly string[]
}

const LARGE = { topics: 1000, channels: 5, nsqds: 3, flags: [] }

/** An nsqlookupd and nsqds that all have the same many topics, each in a process of its own: that of `bin/`. */
export class LargeCluster {
  readonly lookupd: Spawned
  readonly nsqds: readonly Spawned[]
  readonly topics: readonly string[]
  readonly channels: readonly string[]

  /** Starts it, which takes a second or two: the nsqds find their topics in their data paths. */
  static async start(folder: string, options: LargeClusterOptions = {}): Promise<LargeCluster> {
    const { topics, channels, nsqds, flags } = { ...LARGE, ...options }
    const names = numbered('topic', topics)
    const channelNames = numbered('channel', channels)
    const lookupd = await new Spawned('nsqlookupd', []).start()
    const started = numbered('nsqd', nsqds).map((name, index) => {
      const dataPath = join(folder, name)
      mkdirSync(dataPath)
      writeFileSync(join(dataPath, 'nsqd.dat'), metadata(names, channelNames))
      return new Spawned('nsqd', [
        `--data-path=${dataPath}`,
        `--node-id=${index + 1}`,
        `--lookupd-tcp-address=${formatAddress(lookupd.tcp)}`,
        ...flags,
      ])
    })
    const cluster = new LargeCluster(lookupd, started, names, channelNames)
    try {
      await Promise.all(started.map(nsqd => nsqd.start()))
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  private constructor(
    lookupd: Spawned,
    nsqds: readonly Spawned[],
    topics: readonly string[],
    channels: readonly string[],
  ) {
    this.lookupd = lookupd
    this.nsqds = nsqds
    this.topics = topics
    this.channels = channels
  }

  /** HTTP addresses of the nsqds. */
  get nsqdAddresses(): string[] {
    return this.nsqds.map(({ http }) => formatAddress(http))
  }

  get lookupdAddress(): string {
    return formatAddress(this.lookupd.http)
  }

  /** Publishes so many small messages to every `step`th topic of every nsqd. */
  async publish(messages: number, step = 10): Promise<void> {
    const topics = this.topics.filter((_, index) => index % step === 0)
    const body = Array.from({ length: messages }, (_, index) => `message ${index}`).join('\n')
    await Promise.all(
      this.nsqdAddresses.map(async address => {
        for (const topic of topics) {
          const reply = await fetch(`http://${address}/mpub?topic=${topic}`, { method: 'POST', body })
          if (!reply.ok) throw new Error(`${address} answered ${reply.status} ${await reply.text()}`)
        }
      }),
    )
  }

  /** Kills all of it: there is nothing to keep. */
  async stop(): Promise<void> {
    await Promise.all([...this.nsqds, this.lookupd].map(daemon => daemon.kill()))
  }
}

/** `topic-0001`, `topic-0002`, … */
function numbered(name: string, count: number): string[] {
  const width = String(count).length
  return Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(width, '0')}`)
}

function metadata(topics: readonly string[], channels: readonly string[]): string {
  const paused = false
  return JSON.stringify({
    topics: topics.map(name => ({
      name,
      paused,
      channels: channels.map(channel => ({ name: channel, paused })),
    })),
    version: '1.3.0',
  })
}
