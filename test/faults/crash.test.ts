import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { pub } from '../../src/protocol/command.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import { seeded } from '../storage/random.ts'
import { Spawned, spawnNsqd } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause } from '../support/wait.ts'
import { Ledger } from './ledger.ts'
import { CheckpointWatch } from './support/checkpoint-watch.ts'
import { Load, SHAPE } from './support/load.ts'
import { Preload } from './support/preload.ts'

/** Kills in each of the tests. */
const KILLS = Number(process.env.KILLS ?? 3)
/** This share of the kills comes at some change of a file, the others at some time. */
const AT_CHANGE = 0.7
/** What is changed, and at the how manyth time at most a kill comes. Rare things have their own, or none would ever hit them. */
const CHANGES = [
  { kinds: 'open,write,sync,truncate,rename,remove,mkdir', most: 300 },
  { kinds: 'write', most: 100 },
  { kinds: 'rename', most: 12 },
  { kinds: 'remove', most: 8 },
] as const
const PAUSE_MS = process.env.KILLS === undefined ? 30 : 8

/** Small, so that there are many of everything; a timeout long enough for a busy machine not to come near it. */
const FLAGS = ['--max-bytes-per-file=25000', '--mem-queue-bytes=1048576', '--msg-timeout=2500ms']

async function crashes(t: TestContext, flags: readonly string[]): Promise<void> {
  const random = seeded(text => t.diagnostic(text))
  const death = await Preload.build('death.ts')
  const dataPath = temporaryFolder()
  const ledger = new Ledger()
  const watch = new CheckpointWatch(dataPath)
  const generation = (topic: string): number => watch.generation(topic)
  const load = new Load({ ledger, random, generation, pauseMs: PAUSE_MS })
  const topics = Object.keys(SHAPE)
  let killedAtStart = 0
  let stopped = 0
  await prepare(t, load, dataPath, flags)
  for (let kill = 0; kill < KILLS; kill++) {
    const { kinds, most } = random.pick(CHANGES)
    const change = String(random.int(1, most))
    const launcher = random.chance(AT_CHANGE) ? death.launcher({ path: dataPath, kinds, change }) : []
    const nsqd = new Spawned('nsqd', [`--data-path=${dataPath}`, ...flags], launcher)
    t.after(() => nsqd.kill())
    const runMs = random.int(50, random.pick([300, 1500]))
    const isStopped = random.chance(0.1)
    if (await isStarted(nsqd)) {
      const deadline = performance.now() + runMs
      const isOver = (): boolean => performance.now() > deadline || !nsqd.isAlive
      const running = load.run(nsqd, isOver)
      while (!isOver()) await pause(5)
      const code = await nsqd.kill(isStopped ? 'SIGTERM' : 'SIGKILL')
      if (code !== null) assert.equal(code, 0, nsqd.log)
      if (code === 0) stopped++
      await running
      for (const topic of topics) ledger.saved(topic, code === 0 ? Infinity : watch.saved(topic))
    } else {
      killedAtStart++
    }
    ledger.crashed()
  }
  const nsqd = await spawnNsqd(t, dataPath, ...flags)
  await load.finish(nsqd)
  assert.equal(await nsqd.kill('SIGTERM'), 0, nsqd.log)
  for (const topic of topics) ledger.saved(topic)
  const last = await spawnNsqd(t, dataPath, ...flags)
  await load.findNothing(last, 300)
  assert.equal(await last.kill('SIGTERM'), 0, last.log)
  t.diagnostic(`kills ${KILLS}, of them ${killedAtStart} in the start, ${stopped} stops; ${String(ledger)}`)
}

/** Makes the channels: what comes before them is not theirs. */
async function prepare(
  t: TestContext,
  load: Load,
  dataPath: string,
  flags: readonly string[],
): Promise<void> {
  const nsqd = await spawnNsqd(t, dataPath, ...flags)
  await load.prepare(nsqd)
  await nsqd.kill()
}

/** False when it was killed before it was ready; an end of its own is a fault. */
async function isStarted(nsqd: Spawned): Promise<boolean> {
  try {
    await nsqd.start()
    return true
  } catch (error) {
    assert.match(String(error), /exited with null/)
    return false
  }
}

describe('nsqd killed again and again in the middle of everything', () => {
  test('loses nothing acknowledged, and redelivers nothing that a checkpoint has: process', t =>
    crashes(t, ['--durability=process', ...FLAGS]))

  test('the same with what is finished retained: power', t =>
    crashes(t, ['--durability=power', '--retain-bytes=500000', ...FLAGS]))
})

describe('an nsqd that is killed', () => {
  for (const [durability, kinds] of [
    ['process', 'write'],
    ['power', 'sync'],
  ] as const) {
    test(`just before the ${kinds} of a message has not said OK to it: ${durability}`, async t => {
      const dataPath = temporaryFolder()
      const death = await Preload.build('death.ts')
      const launcher = death.launcher({ path: dataPath, kinds, end: '.log', change: '3' })
      const nsqd = new Spawned('nsqd', [`--data-path=${dataPath}`, `--durability=${durability}`], launcher)
      t.after(() => nsqd.kill())
      const client = new RawClient((await nsqd.start()).tcp)
      const replies: string[] = []
      while (!client.isClosed) replies.push(await client.ask(pub('t', 'a')).catch(() => 'closed'))
      assert.deepEqual(replies, ['OK', 'OK', 'closed'])
    })
  }
})
