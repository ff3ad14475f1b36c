/**
 * Both sides go and come back in turn, killed or stopped, while numbered messages are on their way: none is lost. `KILLS=50
 * node --import tsx --test test/cli/mirror/restarts.test.ts` for more of it.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Consumer, Producer } from '../../../src/index.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { Spawned } from '../../support/spawned.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause, until } from '../../support/wait.ts'
import { betweenFlags, startMirror } from './rig.ts'

const KILLS = Number(process.env['KILLS'] ?? 2)
const TOPIC = 'numbers'
const BATCH = 50

/** An nsqd in a process of its own, which comes back on the same port with what it has kept. */
class Victim {
  readonly #folder = temporaryFolder()
  #nsqd = this.#spawn('127.0.0.1:0')

  static async start(t: TestContext): Promise<Victim> {
    const victim = new Victim()
    t.after(() => victim.#nsqd.kill())
    await victim.#nsqd.start()
    return victim
  }

  get tcp(): string {
    return formatAddress(this.#nsqd.tcp)
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    const { tcp } = this
    await this.#nsqd.kill(signal)
    // While it is away, the others go on.
    await pause(50)
    this.#nsqd = this.#spawn(tcp)
    await this.#nsqd.start()
  }

  #spawn(tcp: string): Spawned {
    return new Spawned('nsqd', [`--data-path=${this.#folder}`, `--tcp-address=${tcp}`])
  }
}

test('while both sides are restarted in turn, nothing is lost', async t => {
  const [from, to] = await Promise.all([Victim.start(t), Victim.start(t)])
  const arrived = new Set<number>()
  let deliveries = 0
  const check = new Consumer({
    topic: TOPIC,
    channel: 'check',
    nsqd: to.tcp,
    maxInFlight: 1000,
    onError: () => {},
    onMessage: message => {
      deliveries++
      arrived.add(Number(message.body.toString()))
      message.finish()
    },
  })
  t.after(() => check.close(0))
  await check.start()

  const producer = new Producer({ nsqd: from.tcp, retries: 1000, maxConnectAttempts: 1_000_000 })
  t.after(() => producer.close(0))
  let published = 0
  const enough = new AbortController()
  const publishing = (async () => {
    while (!enough.signal.aborted) {
      const bodies = Array.from({ length: BATCH }, (_, index) => Buffer.from(String(published + index)))
      await producer.publishBatch(TOPIC, bodies)
      published += BATCH
      await pause(5)
    }
  })()

  const flags = [TOPIC, ...betweenFlags(from, to), '--consumer-opt', 'max_backoff_duration,100ms']
  const running = startMirror(t, flags)
  await until(() => arrived.size > 0)
  for (let kill = 0; kill < KILLS; kill++) {
    const before = arrived.size
    await until(() => arrived.size >= before + 2 * BATCH)
    await (kill % 2 === 0 ? to : from).restart(kill % 4 === 1 ? 'SIGTERM' : 'SIGKILL')
  }
  enough.abort()
  await publishing
  await until(
    () => arrived.size >= published,
    () => `${arrived.size} of ${published} arrived\n${running.around.err()}`,
  )
  const { err } = await running.stop()
  for (let number = 0; number < published; number++)
    assert.ok(arrived.has(number), `${number} is lost\n${err}`)
  assert.equal(arrived.size, published)
  t.diagnostic(`${KILLS} restarts, ${published} messages, ${deliveries - published} of them again`)
})
