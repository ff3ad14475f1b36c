import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Address, formatAddress } from '../../src/util/address.ts'
import type { Random } from '../storage/random.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { Spawned } from '../support/spawned.ts'
import { ArchiveProcess, type Ended, type StartOptions } from './archive-process.ts'
import { bodiesIn, type Framed } from './archived.ts'
import { NsqdHere } from './nsqd-here.ts'
import type { Numbered } from './numbered.ts'
import { Stream } from './stream.ts'
import type { Compressed } from './system-tools.ts'

/** The last run has all to do that was not done before. */
const DRAIN_MS = 180_000

export const CHANNEL = 'nsq_to_file'

interface Channel {
  depth: number
  in_flight_count: number
  deferred_count: number
}

export interface RigOptions {
  readonly random: Random
  readonly topics?: readonly string[]
  readonly messages: Numbered
  /** nsqd has a process of its own, and can be killed. */
  readonly nsqdCrashes?: boolean
  /** Where nsqd has its data; a folder of the rig's unless given. */
  readonly dataPath?: string
  /** Bytes that go between nsqd and archive until something happens to the connection; nothing does unless given. */
  readonly meanBytes?: number
}

interface Start extends StartOptions {
  /** No faults between it and nsqd. */
  readonly isDirect?: boolean
}

/** An nsqd that can crash, a stream of numbered messages to it, and as many runs of archive as it takes. */
export class Rig {
  /** Goes when the test ends. */
  readonly folder: string
  readonly topics: readonly string[]
  readonly #options: RigOptions
  readonly #dataPath: string
  readonly #running = new Set<ArchiveProcess>()
  #nsqd: Spawned | NsqdHere
  #stream: Stream | undefined
  readonly #forArchive: FaultProxy
  readonly #forStream: FaultProxy

  private constructor(folder: string, options: RigOptions) {
    this.folder = folder
    this.topics = options.topics ?? ['t']
    this.#options = options
    this.#dataPath = options.dataPath ?? join(folder, 'nsqd')
    mkdirSync(this.#dataPath, { recursive: true })
    this.#nsqd = this.#newNsqd()
    const { random, meanBytes } = options
    // Where nsqd is is known, and told them, when it has started.
    const nowhere = { host: '', port: 0 }
    this.#forArchive = new FaultProxy(nowhere, { random, meanBytes: meanBytes ?? Infinity, hangs: 0 })
    this.#forStream = new FaultProxy(nowhere, { random, meanBytes: Infinity, hangs: 0 })
  }

  static async start(t: TestContext, options: RigOptions): Promise<Rig> {
    const folder = temporaryFolder()
    const rig = new Rig(folder, options)
    t.after(() => rig.#close())
    await rig.#nsqd.start()
    await rig.#forArchive.start()
    await rig.#forStream.start()
    rig.#redirect()
    if (options.meanBytes === undefined) rig.#forArchive.calm()
    rig.#forStream.calm()
    // Before anything is published: what came earlier would not be the channel's.
    for (const topic of rig.topics) {
      await rig.#post(`/topic/create?topic=${topic}`)
      await rig.#post(`/channel/create?topic=${topic}&channel=${CHANNEL}`)
    }
    return rig
  }

  get messages(): Numbered {
    return this.#options.messages
  }

  /** Where nsqd listens now. */
  get nsqd(): Address {
    return this.#nsqd.tcp
  }

  /** The stream of messages to this nsqd. */
  get stream(): Stream {
    const { messages, random } = this.#options
    this.#stream ??= new Stream({ nsqd: this.#forStream.address, topics: this.topics, messages, random })
    return this.#stream
  }

  /** Starts archive; it is killed when the test ends. */
  archive(flags: readonly string[], { isDirect = false, ...start }: Start = {}): ArchiveProcess {
    const nsqd = formatAddress(isDirect ? this.#nsqd.tcp : this.#forArchive.address)
    const archive = new ArchiveProcess([...this.topics, `--nsqd-tcp-address=${nsqd}`, ...flags], start)
    this.#running.add(archive)
    void archive.ended.finally(() => this.#running.delete(archive))
    return archive
  }

  /** From now on archive hears nothing from nsqd, and nsqd nothing from archive; nobody is told. */
  hang(): void {
    this.#forArchive.hang()
  }

  /** Runs archive until the channels are empty; it must say, and its exit code, that all is well. */
  async drain(flags: readonly string[], start: StartOptions = {}): Promise<Ended> {
    // nsqd does not know that processes are gone whose connections hang, and waits for what they have in flight.
    this.#forArchive.cut()
    const ended = await this.archive(['--until-empty', '--json', ...flags], { ...start, isDirect: true }).end(
      DRAIN_MS,
    )
    assert.equal(ended.code, 0, `the last run ended with ${ended.code}\n${ended.stdout}\n${ended.stderr}`)
    for (const topic of this.topics) {
      assert.equal(await this.waiting(topic), 0, `messages of ${topic} that were not finished`)
    }
    return ended
  }

  /** Kills nsqd without warning and starts it again, elsewhere; only where `nsqdCrashes` is set. */
  async crashNsqd(): Promise<void> {
    assert.ok(this.#nsqd instanceof Spawned)
    await this.#nsqd.kill()
    this.#nsqd = this.#newNsqd()
    await this.#nsqd.start()
    this.#redirect()
  }

  async channel(topic: string): Promise<Channel> {
    const { port } = this.#nsqd.http
    const response = await fetch(`http://127.0.0.1:${port}/stats?format=json&topic=${topic}`)
    const stats: { topics: { channels: (Channel & { channel_name: string })[] }[] } = JSON.parse(
      await response.text(),
    )
    const channel = stats.topics[0]?.channels.find(({ channel_name: name }) => name === CHANNEL)
    if (channel === undefined) throw new Error(`nsqd has no channel ${CHANNEL} of ${topic}`)
    return channel
  }

  /** Messages of a topic that archive has not finished. */
  async waiting(topic: string): Promise<number> {
    const { depth, in_flight_count: inFlight, deferred_count: deferred } = await this.channel(topic)
    return depth + inFlight + deferred
  }

  #newNsqd(): Spawned | NsqdHere {
    return this.#options.nsqdCrashes === true
      ? new Spawned('nsqd', [`--data-path=${this.#dataPath}`])
      : new NsqdHere(this.#dataPath)
  }

  #redirect(): void {
    for (const proxy of [this.#forArchive, this.#forStream]) proxy.redirect(this.#nsqd.tcp)
  }

  async #post(path: string): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#nsqd.http.port}${path}`, { method: 'POST' })
    assert.equal(response.status, 200, path)
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#running].map(archive => archive.kill()))
    await this.#stream?.abandon()
    await this.#forArchive.close()
    await this.#forStream.close()
    await this.#nsqd.kill()
  }
}

/**
 * Checks that every message from `from` up to `count` is in these files at least once; gives how often one was there
 * again.
 */
export async function expectAll(
  messages: Numbered,
  count: number,
  paths: readonly string[],
  framing: Framed,
  compression: Compressed,
  from = 0,
): Promise<number> {
  const seen = new Uint8Array(count)
  let extra = 0
  for await (const body of bodiesIn(paths, framing, compression)) {
    const number = messages.numberOf(body)
    if (number >= count) throw new Error(`message ${number} was never published`)
    if (seen[number] === 1) extra++
    seen[number] = 1
  }
  const missing = [...seen.keys()].filter(number => number >= from && seen[number] === 0)
  assert.deepEqual(missing.slice(0, 20), [], `${missing.length} of ${count} messages are missing`)
  return extra
}
