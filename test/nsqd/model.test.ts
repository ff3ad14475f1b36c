import assert from 'node:assert/strict'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { dpub, fin, mpub, pub, rdy, req, touch } from '../../src/protocol/command.ts'
import { bytesIn } from '../storage/fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Random, seeded } from '../storage/random.ts'
import { type RawClient, type RawMessage } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { Running, start } from './running.ts'

const CHANNELS = ['one', 'two']
const OPTIONS = { maxBytesPerFile: 60_000, memQueueBytes: 1024 * 1024, syncEvery: 50, syncTimeout: 20 }

/** More for a long search; SEED then repeats what was found. */
const STEPS = Number(process.env.STEPS ?? 300)

/** What a channel must do, as far as one can see from outside. */
class ChannelModel {
  readonly name: string
  /** The attempts of the last delivery of each message. */
  readonly attempts = new Map<string, number>()
  /** Finished for certain: nsqd has read the FIN. */
  readonly finished = new Set<string>()
  /** A FIN was sent, but the connection may have ended before it was read. */
  readonly maybeFinished = new Set<string>()

  constructor(name: string) {
    this.name = name
  }

  delivered({ body, attempts }: RawMessage): void {
    const label = `${this.name}: ${body.slice(0, 20)}`
    assert.equal(this.finished.has(body), false, `${label} came again after it was finished`)
    assert.ok(attempts > (this.attempts.get(body) ?? 0), `${label}: attempts went back to ${attempts}`)
    this.attempts.set(body, attempts)
  }
}

class Consumer {
  readonly client: RawClient
  readonly channel: ChannelModel
  readonly #random: Random
  #held: RawMessage[] = []
  /** Bodies of FINs since nsqd last was seen to have read everything. */
  #unsure: string[] = []

  constructor(client: RawClient, channel: ChannelModel, random: Random) {
    this.client = client
    this.channel = channel
    this.#random = random
  }

  /** Does something with each message that it has. */
  work(finishAll: boolean): void {
    for (const message of this.client.takeAll()) {
      this.channel.delivered(message)
      this.#held.push(message)
    }
    const kept: RawMessage[] = []
    for (const message of this.#held) {
      const what = finishAll ? 0 : this.#random.fraction()
      if (what < 0.6) {
        this.client.send(fin(message.id))
        this.#unsure.push(message.body)
        this.channel.maybeFinished.add(message.body)
      } else if (what < 0.75) {
        this.client.send(req(message.id, this.#random.pick([0, 0, 5, 50])))
      } else {
        if (what < 0.85) this.client.send(touch(message.id))
        kept.push(message)
      }
    }
    this.#held = kept
  }

  /** From here on, what was finished must never come again. */
  async settle(): Promise<void> {
    await this.client.settled()
    for (const body of this.#unsure.splice(0)) this.channel.finished.add(body)
  }
}

class Model {
  readonly #t: TestContext
  readonly #random: Random
  readonly #running: Running
  readonly #acknowledged = new Set<string>()
  readonly #channels = CHANNELS.map(name => new ChannelModel(name))
  #consumers: Consumer[] = []
  #producer: RawClient | undefined
  #count = 0

  constructor(t: TestContext, random: Random, running: Running) {
    this.#t = t
    this.#random = random
    this.#running = running
  }

  async step(): Promise<void> {
    const random = this.#random
    const what = random.fraction()
    if (what < 0.35) await this.#publish()
    else if (what < 0.75) await this.#work()
    else if (what < 0.82) await this.#subscribe()
    else if (what < 0.87) await this.#disconnect()
    else if (what < 0.93) await this.#pauseOrNot()
    else if (what < 0.97) await pause(random.int(1, 30))
    else if (what < 0.99) await this.#restart()
    else await this.#crashCopy()
  }

  /** Finishes everything, and looks whether all is well. */
  async end(): Promise<void> {
    await this.#drain(this.#running, this.#channels)
    for (const channel of this.#channels) {
      for (const body of this.#acknowledged) assert.ok(channel.attempts.has(body), `${body} never came`)
    }
    const topic = this.#running.topic()
    assert.equal(topic.depth, 0)
    const folder = join(this.#running.dataPath, 't.topic')
    await until(() => {
      topic.touched()
      return bytesIn(folder) < 80_000
    })
    assert.deepEqual(
      readdirSync(folder).filter(name => name.includes('.bad')),
      [],
    )
    this.#t.diagnostic(`${this.#acknowledged.size} messages`)
  }

  async #publish(): Promise<void> {
    const random = this.#random
    this.#producer ??= await this.#running.connect()
    const bodies = Array.from({ length: random.pick([1, 3, 40]) }, () =>
      `${this.#count++} `.padEnd(random.chance(0.02) ? random.int(0, 100_000) : random.int(0, 1000), '.'),
    )
    const commands =
      bodies.length > 1 && random.chance(0.6) ? [mpub('t', bodies)] : bodies.map(body => this.#one(body))
    this.#producer.send(...commands)
    for (const _ of commands) assert.equal(await this.#producer.reply(), 'OK')
    for (const body of bodies) this.#acknowledged.add(body)
  }

  #one(body: string): Buffer {
    return this.#random.chance(0.2) ? dpub('t', this.#random.int(1, 100), body) : pub('t', body)
  }

  async #work(): Promise<void> {
    for (const consumer of this.#consumers) {
      consumer.work(false)
      if (this.#random.chance(0.5)) await consumer.settle()
      if (this.#random.chance(0.2)) consumer.client.send(rdy(this.#random.pick([0, 1, 20, 500])))
    }
  }

  async #subscribe(): Promise<void> {
    if (this.#consumers.length >= 6) return
    const channel = this.#random.pick(this.#channels)
    const client = await this.#running.subscribe(this.#random.pick([1, 10, 200]), { channel: channel.name })
    this.#consumers.push(new Consumer(client, channel, this.#random))
  }

  async #disconnect(): Promise<void> {
    if (this.#consumers.length === 0) return
    const [consumer] = this.#consumers.splice(this.#random.int(0, this.#consumers.length - 1), 1)
    if (consumer === undefined) return
    // What has come is seen first: only so can attempts be counted.
    consumer.work(false)
    if (this.#random.chance(0.5)) await consumer.settle()
    consumer.client.destroy()
  }

  async #pauseOrNot(): Promise<void> {
    const topic = this.#running.topic()
    const target = this.#random.chance(0.3) ? topic : this.#running.channel(this.#random.pick(CHANNELS))
    if (target.paused) target.unpause()
    else target.pause()
  }

  async #restart(): Promise<void> {
    for (const consumer of this.#consumers) {
      consumer.work(false)
      await consumer.settle()
    }
    this.#consumers = []
    this.#producer = undefined
    await this.#running.restart()
  }

  /** What a kill -9 at this moment would leave must be enough for everything that is not finished. */
  async #crashCopy(): Promise<void> {
    const path = join(temporaryFolder(), 'copy')
    copyLive(this.#running.dataPath, path)
    const copy = new Running(path, OPTIONS)
    await copy.start()
    const channels = CHANNELS.map(name => new ChannelModel(name))
    await this.#drain(copy, channels)
    for (const [i, channel] of channels.entries()) {
      const original = this.#channels[i]
      assert.ok(original)
      for (const body of this.#acknowledged) {
        if (original.maybeFinished.has(body)) continue
        assert.ok(
          channel.attempts.has(body),
          `${channel.name}: ${body.slice(0, 20)} would be lost by kill -9`,
        )
      }
    }
    await copy.stop()
  }

  async #drain(running: Running, channels: readonly ChannelModel[]): Promise<void> {
    running.topic().unpause()
    const consumers = running === this.#running ? this.#consumers : []
    for (const channel of channels) {
      running.channel(channel.name).unpause()
      const client = await running.subscribe(2500, { channel: channel.name })
      consumers.push(new Consumer(client, channel, this.#random))
    }
    await until(
      () => {
        for (const consumer of consumers) consumer.work(true)
        return channels.every(({ name }) => {
          const { depth, inFlightCount, deferredCount } = running.channel(name)
          return depth + inFlightCount + deferredCount === 0
        })
      },
      () => {
        const states = channels.map(({ name }) => {
          const { depth, inFlightCount, deferredCount } = running.channel(name)
          return `${name}: ${depth} wait, ${inFlightCount} are in flight, ${deferredCount} deferred`
        })
        return states.join('; ')
      },
    )
  }
}

for (const durability of ['process', 'power', 'none'] as const) {
  test(`nsqd does what it must, whatever happens: --durability=${durability}`, async t => {
    const random = seeded(text => t.diagnostic(text))
    const running = await start(t, { ...OPTIONS, durability })
    for (const name of CHANNELS) running.nsqd.topic('t').channel(name)
    const model = new Model(t, random, running)
    for (let step = 0; step < STEPS; step++) await model.step()
    await model.end()
  })
}
/** Copies a data path in use: a file may go while it is copied, and then the copy begins again. */
function copyLive(from: string, to: string): void {
  for (;;) {
    try {
      cpSync(from, to, { recursive: true, filter: name => !name.endsWith('nsqd.lock') })
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      rmSync(to, { recursive: true, force: true })
    }
  }
}
