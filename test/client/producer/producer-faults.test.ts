/**
 * Producers whose nsqds do all that they should not: every promise settles, and what is acknowledged was taken.
 * `SEED=7 node --import tsx --test test/client/producer/producer-faults.test.ts` to have a failure again.
 */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { PublishError } from '../../../src/client/errors.ts'
import type { Producer } from '../../../src/client/producer/producer.ts'
import type { ProducerOptions } from '../../../src/client/producer/producer-options.ts'
import type { ProducerStrategy } from '../../../src/client/producer/router.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { type Random, seeded } from '../../storage/random.ts'
import { pause, until } from '../../support/wait.ts'
import type { FakeNsqd, Published } from '../fake-nsqd.ts'
import { Producing } from './producing.ts'

const STRATEGIES: readonly ProducerStrategy[] = ['failover', 'round-robin', 'least-pending', 'all']

const producing = new Producing()
afterEach(() => producing.close())

/** An nsqd that works most of the time. */
class Faulty {
  readonly taken = new Set<string>()
  #isWell = false
  readonly #fake: FakeNsqd
  readonly #random: Random
  /** Over which it answers nothing more: an answer would be taken for that of an earlier command. */
  #silentSession: unknown

  constructor(fake: FakeNsqd, random: Random) {
    this.#fake = fake
    this.#random = random
    fake.answerPublish = published => this.#answer(published)
  }

  #answer({ command, bodies }: Published): 'ok' | 'silence' | 'drop' | { error: string } | { fatal: string } {
    const random = this.#random
    const take = (): void => bodies.forEach(body => this.taken.add(body))
    const session = this.#fake.sessions.at(-1)
    if (session === this.#silentSession) return 'silence'
    const fault = this.#isWell ? 1 : random.fraction()
    if (fault < 0.03) return 'drop'
    if (fault < 0.05) {
      // Taken, and lost on the way back.
      take()
      return 'drop'
    }
    if (fault < 0.06) {
      if (random.chance(0.5)) take()
      this.#silentSession = session
      return 'silence'
    }
    if (fault < 0.08) return { fatal: `E_${command}_FAILED ${command} failed` }
    if (fault < 0.09) return { error: `E_${command}_FAILED ${command} failed` }
    if (fault < 0.1) return { fatal: 'E_BAD_MESSAGE too big' }
    take()
    return 'ok'
  }

  /** From now on it works. */
  recover(): void {
    this.#isWell = true
    if (this.#silentSession !== undefined) this.#fake.open[0]?.socket.destroy()
  }

  /** Cuts the connection, or is away for some time. */
  async fail(): Promise<void> {
    if (this.#random.chance(0.5)) {
      this.#fake.open[0]?.socket.destroy()
      return
    }
    await this.#fake.close()
    await pause(this.#random.int(0, 50))
    await this.#fake.listen()
  }
}

/** Counts how publishes end. */
class Outcomes {
  started = 0
  readonly acknowledged: string[] = []
  readonly codes = new Map<string, number>()
  settled = 0

  add(published: Promise<void>, bodies: readonly string[]): void {
    this.started++
    void this.#watch(published, bodies)
  }

  async #watch(published: Promise<void>, bodies: readonly string[]): Promise<void> {
    try {
      await published
      this.acknowledged.push(...bodies)
    } catch (error) {
      assert.ok(error instanceof NsqError, String(error))
      if (error instanceof PublishError) {
        assert.ok(error.unacknowledged > 0 && error.unacknowledged <= bodies.length)
      }
      this.codes.set(error.code, (this.codes.get(error.code) ?? 0) + 1)
    }
    this.settled++
  }
}

/** Publishes so many times, in bursts, and sometimes more than there is room for. */
async function publishMany(
  producer: Producer,
  outcomes: Outcomes,
  random: Random,
  calls: number,
): Promise<void> {
  let left = random.int(1, 30)
  for (let call = 0; call < calls; call++) {
    const bodies = Array.from(
      { length: random.chance(0.7) ? 1 : random.int(2, 20) },
      (_, i) => `${call} ${i} ${'x'.repeat(random.chance(0.05) ? 3000 : random.int(0, 100))}`,
    )
    const [only = ''] = bodies
    const options = random.chance(0.1) ? { defer: 1 } : {}
    outcomes.add(
      producer.publish(`t${random.int(0, 2)}`, bodies.length === 1 ? only : bodies, options),
      bodies,
    )
    if (--left > 0) continue
    left = random.int(1, 30)
    if (random.chance(0.6)) await pause(random.int(0, 2))
  }
}

interface Round {
  random: Random
  nsqds: FakeNsqd[]
  faulty: Faulty[]
  producer: Producer
  outcomes: Outcomes
}

async function begin(random: Random, options: ProducerOptions): Promise<Round> {
  const nsqds = await producing.nsqds(random.int(1, 3))
  const producer = producing.producer({
    nsqd: nsqds.map(nsqd => nsqd.address),
    retries: random.int(0, 5),
    maxConnectAttempts: random.int(1, 20),
    maxPendingBytes: random.pick([2000, 20_000, 1_000_000]),
    maxBatchBytes: random.pick([100, 1000, 10_000]),
    whenFull: random.pick(['wait', 'error']),
    publishTimeoutMs: random.int(100, 500),
    ...options,
  })
  return {
    random,
    nsqds,
    faulty: nsqds.map(nsqd => new Faulty(nsqd, random)),
    producer,
    outcomes: new Outcomes(),
  }
}

async function trouble({ faulty, random, outcomes }: Round, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await random.pick(faulty).fail()
    await pause(random.int(1, 30))
  }
  assert.ok(outcomes.settled <= outcomes.started)
}

function checkTaken({ faulty, outcomes }: Round): void {
  for (const body of outcomes.acknowledged) {
    assert.ok(
      faulty.some(nsqd => nsqd.taken.has(body)),
      `"${body}" is acknowledged, and nobody has it`,
    )
  }
}

for (const strategy of STRATEGIES) {
  test(`${strategy}: every publish settles, and nothing acknowledged is lost`, async t => {
    const random = seeded(text => t.diagnostic(text))
    for (let i = 0; i < 3; i++) {
      const round = await begin(random, { strategy })
      const { producer, outcomes, faulty } = round
      let isOver = false
      const troubled = trouble(round, () => isOver)
      await publishMany(producer, outcomes, random, 500)
      await until(
        () => outcomes.settled === outcomes.started,
        () => `${outcomes.settled} of ${outcomes.started}`,
      )
      isOver = true
      await troubled
      checkTaken(round)
      // And it is as good as new when they are.
      for (const nsqd of faulty) nsqd.recover()
      for (let isGood = false, tries = 0; !isGood; tries++) {
        assert.ok(tries < 500, `still ${[...outcomes.codes.keys()].join(', ')}`)
        isGood = await producer.publish('t', 'at last').then(
          () => true,
          () => false,
        )
        // With whenFull: 'error' the next one would fail before anything can have changed.
        if (!isGood) await pause(5)
      }
      await producer.close()
      assert.equal(producer.pendingBytes, 0)
      await producing.close()
    }
  })

  test(`${strategy}: closing in the middle settles everything`, async t => {
    const random = seeded(text => t.diagnostic(text))
    for (let i = 0; i < 8; i++) {
      const round = await begin(random, { strategy, publishTimeoutMs: 60_000 })
      const { producer, outcomes } = round
      let isOver = false
      const troubled = trouble(round, () => isOver)
      const published = publishMany(producer, outcomes, random, 300)
      await pause(random.int(0, 60))
      const waiting = producer.room()
      await producer.close(random.pick([0, 0, 1, 20, 100]))
      await Promise.all([waiting, published])
      // Those that came after it were refused at once, the others have settled with it.
      await new Promise(resolve => setImmediate(resolve))
      assert.equal(outcomes.settled, outcomes.started)
      assert.equal(producer.pendingBytes, 0)
      isOver = true
      await troubled
      checkTaken(round)
      await producing.close()
    }
  })
}

test('closing before anything was sent, while connecting, and without any nsqd', async () => {
  const nsqd = await producing.nsqd()
  const idle = producing.producer({ nsqd: nsqd.address })
  await idle.close()
  const connecting = producing.producer({ nsqd: nsqd.address })
  const connected = connecting.connect().catch((error: unknown) => error)
  const outcomes = new Outcomes()
  outcomes.add(connecting.publish('t', 'x'), ['x'])
  await connecting.close(0)
  await connected
  await nsqd.close()
  for (const strategy of STRATEGIES) {
    const producer = producing.producer({ nsqd: nsqd.address, strategy, maxConnectAttempts: 1000 })
    outcomes.add(producer.publish('t', ['x', 'y']), ['x', 'y'])
    await pause(1)
    await producer.close(10)
    assert.equal(producer.pendingBytes, 0)
  }
  assert.equal(outcomes.settled, 5)
  // The first may have been quick enough.
  assert.equal((outcomes.codes.get('E_CLOSED') ?? 0) + outcomes.acknowledged.length, 5)
})
