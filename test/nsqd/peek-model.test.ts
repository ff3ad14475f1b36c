import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dpub, fin, rdy, req, touch } from '../../src/protocol/command.ts'
import type { PeekedMessage } from '../../src/nsqd/peek.ts'
import { type Random, seeded } from '../storage/random.ts'
import type { RawClient, RawMessage } from './raw-client.ts'
import { until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

/** Longer than the test takes: what is deferred stays so, and nothing times out. */
const LONG = 1_200_000
const OPTIONS = { maxBytesPerFile: 30_000, memQueueBytes: 1024 * 1024, msgTimeout: 600_000 }
const STEPS = Number(process.env.STEPS ?? 120)

async function peek({ nsqd }: Running): Promise<PeekedMessage[]> {
  return nsqd.peek('t', 'c', { count: 1000, maxBody: 40 })
}

/** What a channel should hold, as those know who have sent it commands. */
class Model {
  readonly #running: Running
  readonly #random: Random
  /** By body. */
  readonly #waiting = new Map<string, number>()
  readonly #deferred = new Map<string, number>()
  #consumers: { client: RawClient; held: RawMessage[] }[] = []
  #count = 0

  constructor(running: Running, random: Random) {
    this.#running = running
    this.#random = random
  }

  async step(): Promise<void> {
    const what = this.#random.fraction()
    if (what < 0.3) await this.#publish()
    else if (what < 0.7) await this.#work()
    else if (what < 0.8) await this.#subscribe()
    else if (what < 0.88) await this.#disconnect()
    else if (what < 0.92) await this.#restart()
    else if (what < 0.94) this.#empty()
    else await this.check()
  }

  async check(): Promise<void> {
    await this.#settle()
    const shown = await peek(this.#running)
    const inFlight = this.#consumers.flatMap(({ held }) => held.map(({ body, attempts }) => [body, attempts]))
    const expected = [
      ...lines('waiting', this.#waiting),
      ...lines('inFlight', inFlight),
      ...lines('deferred', this.#deferred),
    ]
    const seen = shown.map(({ state, body, attempts }) => `${state} ${body} ${attempts}`)
    assert.deepEqual(seen.toSorted(), expected.toSorted())
    const order = ['waiting', 'inFlight', 'deferred']
    const ranks = shown.map(({ state, until }) => order.indexOf(state) * 1e15 + (until ?? 0))
    assert.deepEqual(
      ranks,
      ranks.toSorted((a, b) => a - b),
    )
  }

  /** What waits comes in the order in which it was shown. */
  async drain(): Promise<void> {
    for (const { client } of this.#consumers.splice(0)) client.destroy()
    await this.#running.restart()
    const shown = (await peek(this.#running)).filter(({ state }) => state === 'waiting')
    const consumer = await this.#running.subscribe(2000)
    const delivered = await consumer.messages(shown.length)
    assert.deepEqual(
      shown.map(({ id, attempts }) => `${id} ${attempts + 1}`),
      delivered.map(({ id, attempts }) => `${id} ${attempts}`),
    )
    // What is deferred behind the last of them is gone through a moment later.
    await until(() => this.#running.channel().depth === 0)
  }

  async #publish(): Promise<void> {
    const publisher = await this.#running.connect()
    for (let i = this.#random.int(1, 12); i > 0; i--) {
      const body = `${this.#count++} `.padEnd(this.#random.chance(0.1) ? 9000 : this.#random.int(0, 900), '.')
      if (this.#random.chance(0.25)) {
        assert.equal(await publisher.ask(dpub('t', LONG + this.#random.int(0, LONG), body)), 'OK')
        this.#deferred.set(body, 0)
      } else {
        await this.#running.publish(body)
        this.#waiting.set(body, 0)
      }
    }
    publisher.destroy()
  }

  async #work(): Promise<void> {
    await this.#settle()
    for (const { client, held } of this.#consumers) {
      for (const message of held.splice(0)) {
        const { id, body, attempts } = message
        const what = this.#random.fraction()
        if (what < 0.3) {
          client.send(fin(id))
        } else if (what < 0.5) {
          const ms = this.#random.pick([0, LONG + this.#random.int(0, LONG)])
          client.send(req(id, ms))
          ;(ms === 0 ? this.#waiting : this.#deferred).set(body, attempts)
        } else {
          held.push(message)
          if (what < 0.6) client.send(touch(id))
        }
      }
      client.send(rdy(this.#random.int(0, 30)))
    }
  }

  /** Until everybody has what nsqd has sent. */
  async #settle(): Promise<void> {
    // A message that one has sent back may go to another: twice, so that this one's answer comes behind it.
    for (let round = 0; round < 2; round++) for (const { client } of this.#consumers) await client.settled()
    for (const { client, held } of this.#consumers) {
      for (const message of client.takeAll()) {
        this.#waiting.delete(message.body)
        held.push(message)
      }
    }
  }

  async #subscribe(): Promise<void> {
    if (this.#consumers.length > 2) return
    const client = await this.#running.subscribe(this.#random.int(0, 20))
    this.#consumers.push({ client, held: [] })
  }

  async #disconnect(): Promise<void> {
    await this.#settle()
    const [gone] = this.#consumers.splice(0, 1)
    if (gone === undefined) return
    for (const { body, attempts } of gone.held) this.#waiting.set(body, attempts)
    const { sessions } = this.#running.channel()
    const left = sessions.size - 1
    gone.client.destroy()
    while (sessions.size > left) await new Promise(resolve => setImmediate(resolve))
  }

  async #restart(): Promise<void> {
    while (this.#consumers.length > 0) await this.#disconnect()
    await this.#running.restart()
  }

  #empty(): void {
    if (this.#consumers.length > 0) return
    this.#running.channel().empty()
    this.#waiting.clear()
    this.#deferred.clear()
  }
}

function lines(state: string, all: Iterable<readonly unknown[]>): string[] {
  return [...all].map(([body, attempts]) => `${state} ${String(body).slice(0, 40)} ${String(attempts)}`)
}

test('/peek shows what a channel holds, whatever has happened to it', async t => {
  const running = await start(t, OPTIONS)
  running.nsqd.topic('t').channel('c')
  const model = new Model(
    running,
    seeded(text => t.diagnostic(text)),
  )
  for (let i = 0; i < STEPS; i++) await model.step()
  await model.check()
  await model.drain()
})
