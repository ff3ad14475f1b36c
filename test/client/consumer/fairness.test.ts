/** How a consumer shares its budget among nsqds, seen from their side: counted in nsqd at every single delivery. */
import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { Consumer, type ConsumerOptions } from '../../../src/index.ts'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { Session } from '../../../src/nsqd/session.ts'
import { pause, until } from '../../support/wait.ts'
import { Daemons, http, tcp } from '../daemons.ts'

const BODIES = Array.from({ length: 200 }, (_, i) => Buffer.from(String(i)))
/** Finished messages by which an nsqd has had its part. */
const PART = 20

/** nsqds that never run dry, and what they have in flight together. */
class Watched {
  readonly nsqds = new Set<Nsqd>()
  /** Most in flight at once since it was set to 0, over all nsqds. */
  most = 0

  constructor() {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its session below
    const { deliver } = Session.prototype
    const counted = (): void => this.#count()
    mock.method(Session.prototype, 'deliver', function (this: Session, frames: Buffer, count: number): void {
      deliver.call(this, frames, count)
      counted()
    })
  }

  async add(nsqd: Nsqd): Promise<Nsqd> {
    this.nsqds.add(nsqd)
    await this.#refill(nsqd)
    return nsqd
  }

  async remove(nsqd: Nsqd): Promise<void> {
    this.nsqds.delete(nsqd)
    await nsqd.close()
  }

  /** Before each message is answered: whoever has little left gets more, so that nobody is left out for being empty. */
  async refill(): Promise<void> {
    for (const nsqd of this.nsqds) {
      const depth = nsqd.topics.get('t')?.channels.get('c')?.depth ?? Infinity
      if (depth < BODIES.length) await this.#refill(nsqd)
    }
  }

  get sessions(): Session[] {
    return [...this.nsqds].flatMap(nsqd => [...nsqd.sessions]).filter(({ channel }) => channel !== undefined)
  }

  get inFlight(): number {
    return this.sessions.reduce((sum, session) => sum + session.inFlightCount, 0)
  }

  get ready(): number {
    return this.sessions.reduce((sum, session) => sum + session.ready, 0)
  }

  finished(nsqd: Nsqd): number {
    return [...nsqd.sessions].reduce((sum, session) => sum + session.finishCount, 0)
  }

  /** Waits until every nsqd has had a part of this many messages from now on. */
  async untilEverybodyHad(part: number): Promise<void> {
    const before = new Map([...this.nsqds].map(nsqd => [nsqd, this.finished(nsqd)]))
    const had = (nsqd: Nsqd): number => this.finished(nsqd) - (before.get(nsqd) ?? 0)
    await until(
      () => [...this.nsqds].every(nsqd => had(nsqd) >= part),
      () => `each nsqd's part was ${[...this.nsqds].map(had).join(', ')}, not ${part}`,
    )
  }

  #count(): void {
    this.most = Math.max(this.most, this.inFlight)
  }

  async #refill(nsqd: Nsqd): Promise<void> {
    await nsqd.publish('t', BODIES, 0)
  }
}

const daemons = new Daemons()
const consumers: Consumer[] = []
afterEach(async () => {
  mock.restoreAll()
  await Promise.all(consumers.splice(0).map(consumer => consumer.close(0)))
  await daemons.close()
})

function createConsumer(options: Partial<ConsumerOptions> & { maxInFlight: number }): Consumer {
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    concurrency: options.maxInFlight,
    rotateMs: 500,
    reconnectDelayMs: 5,
    maxReconnectDelayMs: 50,
    ...options,
  })
  consumers.push(consumer)
  return consumer
}

for (const count of [1, 3, 20]) {
  for (const maxInFlight of [5, 200]) {
    test(`${count} nsqds, maxInFlight ${maxInFlight}: each has its part, never more are in flight`, async () => {
      const watched = new Watched()
      for (let i = 0; i < count; i++) await watched.add(await daemons.nsqd())
      const consumer = createConsumer({
        nsqd: [...watched.nsqds].map(tcp),
        maxInFlight,
        handler: async () => {
          await pause(Math.random() * 4)
          await watched.refill()
        },
      })
      await consumer.start()
      await until(() => watched.ready === maxInFlight)
      await watched.untilEverybodyHad(PART)
      assert.ok(watched.most <= maxInFlight, `${watched.most} in flight`)
    })
  }
}

for (const [count, maxInFlight] of [
  [3, 5],
  [3, 200],
  [8, 5],
] as const) {
  test(`${count} nsqds that come and go, maxInFlight ${maxInFlight}: each has its part, never more are in flight`, async () => {
    const nsqlookupd = await daemons.nsqlookupd()
    const watched = new Watched()
    const join = async (): Promise<Nsqd> =>
      watched.add(await daemons.nsqd({ lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }))
    for (let i = 0; i < count; i++) await join()
    const consumer = createConsumer({
      lookupd: http(nsqlookupd),
      lookupPollIntervalMs: 20,
      maxInFlight,
      handler: async () => {
        await pause(Math.random() * 4)
        await watched.refill()
      },
    })
    await consumer.start()
    await watched.untilEverybodyHad(1)
    for (let i = 0; i < 3; i++) {
      await join()
      await watched.untilEverybodyHad(1)
      const [longest] = watched.nsqds
      if (longest !== undefined) await watched.remove(longest)
      await watched.untilEverybodyHad(1)
    }
    assert.ok(watched.most <= maxInFlight, `${watched.most} in flight`)
  })

  test(`${count} nsqds, maxInFlight ${maxInFlight}: in backoff one message at most, then each has its part`, async () => {
    const watched = new Watched()
    for (let i = 0; i < count; i++) await watched.add(await daemons.nsqd())
    let isBroken = false
    let failures = 0
    const consumer = createConsumer({
      nsqd: [...watched.nsqds].map(tcp),
      maxInFlight,
      backoffMultiplierMs: 10,
      maxBackoffMs: 100,
      requeueDelayMs: 0,
      handler: async () => {
        await pause(Math.random() * 4)
        await watched.refill()
        if (!isBroken) return
        failures++
        throw new Error('down')
      },
    })
    await consumer.start()
    await watched.untilEverybodyHad(1)
    isBroken = true
    await until(() => failures > 0)
    // All that was under way when the first one failed comes to an end before the rule can be seen.
    await until(() => watched.inFlight === 0 && watched.ready <= 1)
    assert.ok(watched.most <= maxInFlight, `${watched.most} in flight`)
    watched.most = 0
    const before = failures
    await until(() => failures >= before + 5)
    assert.equal(watched.most, 1)
    isBroken = false
    await watched.untilEverybodyHad(1)
    await until(() => watched.ready === maxInFlight)
    await watched.untilEverybodyHad(1)
    assert.ok(watched.most <= maxInFlight, `${watched.most} in flight`)
  })
}
