import assert from 'node:assert/strict'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { now } from '../../src/nsqd/clock.ts'
import { dpub, fin, mpub, pub, rdy, req, touch } from '../../src/protocol/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Random, seeded } from '../storage/random.ts'
import { type RawClient, type RawMessage } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { Running, start } from './running.ts'

const CHANNELS = ['one', 'two']
const OPTIONS = { maxBytesPerFile: 60_000, memQueueBytes: 1024 * 1024, syncEvery: 50, syncTimeout: 20 }
/** All that a run publishes is retained, or the newest of it; or only what is not finished. */
const RETAIN_ALL = 2 ** 40
const RETAIN_SOME = 150_000

/** What may wait in the variants that bound it; a step publishes up to 40. */
const BOUNDS = { maxChannelDepth: 150, maxTopicDepth: 60, maxChannelBytes: 150_000 }

/** More for a long search; SEED then repeats what was found. */
const STEPS = Number(process.env.STEPS ?? 300)

/** What a channel must do, as far as one can see from outside. */
class ChannelModel {
  readonly name: string
  /** The attempts of the last delivery of each message. */
  readonly attempts = new Map<string, number>()
  /** Finished for certain, or emptied: nsqd has read the FIN. */
  readonly finished = new Set<string>()
  /** A FIN was sent, but the connection may have ended before it was read. */
  readonly maybeFinished = new Set<string>()

  constructor(name: string) {
    this.name = name
  }

  /** Gone before it was finished. */
  emptied(body: string): void {
    this.maybeFinished.add(body)
    this.finished.add(body)
  }

  /** It comes again, whatever has become of it. */
  replayed(body: string): void {
    this.maybeFinished.delete(body)
    this.finished.delete(body)
    this.attempts.delete(body)
  }

  /** Those of these that have yet to come. */
  missing(bodies: Iterable<string>): string[] {
    return [...bodies].filter(body => !this.maybeFinished.has(body))
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

  /** Waits for what is on the way, after RDY 0, and forgets what it has of these; returns that. */
  async rest(gone: (body: string) => boolean): Promise<RawMessage[]> {
    await this.settle()
    for (const message of this.client.takeAll()) {
      this.channel.delivered(message)
      this.#held.push(message)
    }
    const lost = this.#held.filter(({ body }) => gone(body))
    this.#held = this.#held.filter(({ body }) => !gone(body))
    return lost
  }

  /** Finishes messages that nsqd may have taken back. */
  async finishLate(messages: readonly RawMessage[], mayBeThere: boolean): Promise<void> {
    for (const { id, body } of messages) {
      this.client.send(fin(id), touch('~'.repeat(16)))
      const reply = await this.client.reply()
      if (reply.startsWith('E_FIN_FAILED')) {
        assert.match(await this.client.reply(), /^E_TOUCH_FAILED/)
      } else {
        assert.ok(mayBeThere, `${body.slice(0, 20)} was not taken back`)
        this.channel.emptied(body)
      }
    }
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
  /** Bodies that were refused, as too much waits: nobody may ever see one. */
  readonly #refused = new Set<string>()
  /** Messages may be dropped. */
  readonly #drops: boolean
  /** How many were, of each channel and of the topic itself, until the last restart. */
  readonly #dropped = new Map<string, number>()
  /** Messages that were published together, and a time before that. */
  readonly #batches: { readonly at: number; readonly bodies: readonly string[] }[] = []
  /** Bodies that wait in the topic, which is paused. */
  readonly #undistributed = new Set<string>()
  readonly #channels = CHANNELS.map(name => new ChannelModel(name))
  #consumers: Consumer[] = []
  #producer: RawClient | undefined
  #count = 0

  constructor(t: TestContext, random: Random, running: Running) {
    this.#t = t
    this.#random = random
    this.#running = running
    const { overflow, messageTtl } = running.options
    this.#drops = overflow === 'drop-oldest' || messageTtl > 0
  }

  async step(): Promise<void> {
    await this.#act()
    for (const channel of this.#running.topic().channels.values()) {
      const counts = [...channel.sessions].map(session => session.inFlightCount)
      assert.ok(counts.every(count => count >= 0))
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        channel.inFlightCount,
      )
      const held = channel.held()
      const inFlight = [...held.values()].filter(({ session }) => session !== undefined).length
      assert.equal(held.readyCount + held.deferredCount + inFlight, held.size)
    }
  }

  async #act(): Promise<void> {
    const random = this.#random
    const what = random.fraction()
    if (what < 0.35) await this.#publish()
    else if (what < 0.75) await this.#work()
    else if (what < 0.82) await this.#subscribe()
    else if (what < 0.87) await this.#disconnect()
    else if (what < 0.92) await this.#pauseOrNot()
    else if (what < 0.94) await this.#replay()
    else if (what < 0.95) await this.#empty()
    else if (what < 0.97) await pause(random.int(1, 30))
    else if (what < 0.99) await this.#restart()
    else await this.#crashCopy()
  }

  /** Finishes everything, and looks whether all is well. */
  async end(): Promise<void> {
    await this.#drain(this.#running, this.#channels)
    for (const channel of this.#channels) {
      for (const body of this.#refused) assert.equal(channel.attempts.has(body), false, `${body} was refused`)
      this.#checkLost(channel.name, channel.missing(this.#acknowledged), 'never came')
    }
    this.#t.diagnostic(
      `${this.#refused.size} refused, ${CHANNELS.map(name => this.#droppedOf(name)).join('+')} dropped`,
    )
    assert.equal(this.#running.topic().depth, 0)
    // What was retained goes when it is retained no more.
    this.#consumers = []
    await this.#running.restart({ retainBytes: 0 })
    const topic = this.#running.topic()
    const folder = join(this.#running.dataPath, 't.topic')
    const segments = (): string[] => readdirSync(folder).filter(name => /\.(log|kept)$/.test(name))
    // A few at once: of a long run there are thousands.
    for (let left = segments().length; left > 1; left = segments().length) {
      await until(
        () => {
          topic.touched()
          return segments().length < left
        },
        () => `still there: ${segments().join(', ')}`,
      )
    }
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
    const together = bodies.length > 1 && random.chance(0.6)
    const at = now()
    this.#producer.send(...(together ? [mpub('t', bodies)] : bodies.map(body => this.#one(body))))
    const taken: string[] = []
    for (const part of together ? [bodies] : bodies.map(body => [body])) {
      const reply = await this.#producer.reply()
      if (reply !== 'OK') {
        assert.match(reply, /^E_PUB_FAILED topic t is full: \d+ (messages|bytes) wait in/)
        this.#producer = undefined
        break
      }
      taken.push(...part)
    }
    this.#batches.push({ at, bodies: taken })
    for (const body of bodies.slice(taken.length)) this.#refused.add(body)
    for (const body of taken) {
      this.#acknowledged.add(body)
      if (this.#running.topic().paused) this.#undistributed.add(body)
    }
  }

  /** How many messages that should have come to a channel were dropped by now. */
  #droppedOf(name: string): number {
    const topic = this.#running.topic()
    const before = (this.#dropped.get(name) ?? 0) + (this.#dropped.get('') ?? 0)
    const own = [topic, topic.channels.get(name)]
    return own.reduce((sum, one) => sum + (one?.droppedCount ?? 0) + (one?.expiredCount ?? 0), before)
  }

  /** None is lost but those that were dropped. */
  #checkLost(channel: string, lost: readonly string[], what: string): void {
    const allowed = this.#droppedOf(channel)
    assert.ok(
      lost.length <= allowed,
      `${channel}: ${lost.length} messages ${what}, but ${allowed} were dropped: ${lost[0]?.slice(0, 20)}`,
    )
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
    if (!target.paused) {
      target.pause()
      return
    }
    target.unpause()
    if (target === topic) this.#undistributed.clear()
  }

  /** Everything of a time comes again, and nothing twice; the rest stays as it is. */
  async #replay(): Promise<void> {
    const random = this.#random
    if (this.#batches.length === 0) return
    const from = random.int(0, this.#batches.length - 1)
    const to = random.chance(0.3) ? this.#batches.length : random.int(from + 1, this.#batches.length)
    const range = { since: this.#batches[from]?.at ?? 0, until: this.#batches[to]?.at }
    const model = random.pick(this.#channels)
    const bodies = this.#batches.slice(from, to).flatMap(batch => batch.bodies)
    // What was dropped while it waited in the topic can be given again.
    const wanted = new Set(this.#drops ? bodies : bodies.filter(body => !this.#undistributed.has(body)))
    const late = await this.#rest(model, body => wanted.has(body))
    const before = this.#held(model.name)
    const { nsqd } = this.#running
    const planned = await nsqd.replay('t', model.name, range, false)
    if (!this.#drops) assert.equal(this.#held(model.name), before, 'to look changes nothing')
    const { messages, waiting } = await nsqd.replay('t', model.name, range, true)
    // Without retention segments may go between the two. What is dropped in the topic meanwhile can be given again.
    if (!this.#drops) assert.ok(messages <= planned.messages && waiting <= planned.waiting)
    if (!this.#drops) assert.equal(this.#held(model.name), before + messages - waiting, 'the depth is exact')
    if (!this.#drops && this.#running.options.retainBytes === RETAIN_ALL) {
      assert.deepEqual([messages, waiting], [wanted.size, planned.waiting])
    }
    const known = new Set(model.missing(wanted))
    for (const body of wanted) {
      model.replayed(body)
      // What was finished is there, or not.
      if (messages < wanted.size && !known.has(body)) model.maybeFinished.add(body)
    }
    await nsqd.settle('t')
    const mayBeThere = this.#drops || messages < wanted.size
    for (const [consumer, lost] of late) await consumer.finishLate(lost, mayBeThere)
  }

  /** Forgets what waits in a channel, or in the topic. */
  async #empty(): Promise<void> {
    const topic = this.#running.topic()
    if (!this.#drops) assert.equal(topic.depth, this.#undistributed.size)
    if (this.#random.chance(0.5)) {
      topic.empty()
      for (const body of this.#undistributed) {
        for (const channel of this.#channels) {
          // One that was dropped here before may have been given again, and be in a channel.
          if (this.#drops) channel.maybeFinished.add(body)
          else channel.emptied(body)
        }
      }
      this.#undistributed.clear()
      return
    }
    const model = this.#random.pick(this.#channels)
    await this.#rest(model, () => true)
    this.#running.channel(model.name).empty()
    for (const body of this.#acknowledged) if (!this.#undistributed.has(body)) model.emptied(body)
  }

  /** Until nothing is on the way to a consumer of this channel. What each has of these, it forgets. */
  async #rest(
    channel: ChannelModel,
    gone: (body: string) => boolean,
  ): Promise<(readonly [Consumer, readonly RawMessage[]])[]> {
    const consumers = this.#consumers.filter(consumer => consumer.channel === channel)
    // Those that have gone may have sent something before.
    const { sessions } = this.#running.channel(channel.name)
    await until(() => sessions.size === consumers.length)
    for (const { client } of consumers) client.send(rdy(0))
    const late: (readonly [Consumer, readonly RawMessage[]])[] = []
    for (const consumer of consumers) late.push([consumer, await consumer.rest(gone)])
    return late
  }

  /** All that a channel has not finished. */
  #held(name: string): number {
    const { depth, inFlightCount, deferredCount } = this.#running.channel(name)
    return depth + inFlightCount + deferredCount
  }

  async #restart(): Promise<void> {
    for (const consumer of this.#consumers) {
      consumer.work(false)
      await consumer.settle()
    }
    this.#consumers = []
    this.#producer = undefined
    const paused = (): boolean[] => {
      const { channels } = this.#running.topic()
      return [this.#running.topic(), ...CHANNELS.map(name => channels.get(name))].map(
        one => one?.paused ?? false,
      )
    }
    const before = paused()
    const topic = this.#running.topic()
    const ended = [['', topic] as const, ...topic.channels]
    await this.#running.restart()
    // Some may have been dropped while it stopped.
    for (const [name, one] of ended) {
      const count = (one.droppedCount ?? 0) + (one.expiredCount ?? 0)
      this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + count)
    }
    assert.deepEqual(paused(), before)
  }

  /** What a kill -9 at this moment would leave must be enough for everything that is not finished. */
  async #crashCopy(): Promise<void> {
    const path = join(temporaryFolder(), 'copy')
    copyLive(this.#running.dataPath, path)
    const copy = new Running(path, OPTIONS)
    const channels = CHANNELS.map(name => new ChannelModel(name))
    try {
      await copy.start()
      await this.#drain(copy, channels)
    } finally {
      await copy.stop()
    }
    for (const [i, channel] of channels.entries()) {
      const original = this.#channels[i]
      assert.ok(original)
      const lost = original.missing(this.#acknowledged).filter(body => !channel.attempts.has(body))
      this.#checkLost(channel.name, lost, 'would be lost by kill -9')
    }
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
        // What was dropped in the topic is passed first, which may take a read.
        if (running.topic().depth > 0) return false
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
        return [`topic: ${running.topic().depth} wait`, ...states].join('; ')
      },
    )
  }
}

const VARIANTS = [
  { durability: 'process', retainBytes: RETAIN_ALL },
  { durability: 'power', retainBytes: RETAIN_SOME },
  { durability: 'none', retainBytes: 0 },
  { durability: 'process', retainBytes: RETAIN_ALL, ...BOUNDS },
  { durability: 'power', retainBytes: RETAIN_SOME, ...BOUNDS, overflow: 'drop-oldest' },
  { durability: 'process', retainBytes: 0, ...BOUNDS, overflow: 'drop-oldest', messageTtl: 50 },
] as const

for (const variant of VARIANTS) {
  const title = Object.entries(variant)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
  test(`nsqd does what it must, whatever happens: ${title}`, async t => {
    const random = seeded(text => t.diagnostic(text))
    const running = await start(t, { ...OPTIONS, ...variant })
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
