import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../storage/random.ts'
import { Spawned, spawnNsqd } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause } from '../support/wait.ts'
import { Ledger } from './ledger.ts'
import { CheckpointWatch } from './support/checkpoint-watch.ts'
import { Load, SHAPE } from './support/load.ts'

/** Kills in each of the tests. */
const KILLS = Number(process.env.KILLS ?? 3)
const PAUSE_MS = process.env.KILLS === undefined ? 30 : 8

/** Small, so that there are many of everything; a timeout long enough for a busy machine not to come near it. */
const FLAGS = ['--max-bytes-per-file=60000', '--mem-queue-bytes=1048576', '--msg-timeout=2500ms']

async function crashes(t: TestContext, flags: readonly string[]): Promise<void> {
  const random = seeded(text => t.diagnostic(text))
  const dataPath = temporaryFolder()
  const ledger = new Ledger()
  const watch = new CheckpointWatch(dataPath)
  const generation = (topic: string): number => watch.generation(topic)
  const load = new Load({ ledger, random, generation, pauseMs: PAUSE_MS })
  const topics = Object.keys(SHAPE)
  let killedAtStart = 0
  let stopped = 0
  for (let kill = 0; kill < KILLS; kill++) {
    if (kill > 0 && random.chance(0.15)) {
      killedAtStart++
      await killAtStart(dataPath, flags, random.int(50, 400))
    }
    const nsqd = await spawnNsqd(t, dataPath, ...flags)
    if (kill === 0) await load.prepare(nsqd)
    let isOver = false
    const running = load.run(nsqd, () => isOver)
    await pause(random.int(50, random.pick([300, 1500])))
    const isStopped = kill > 0 && random.chance(0.1)
    if (isStopped) {
      stopped++
      assert.equal(await nsqd.kill('SIGTERM'), 0, nsqd.log)
    } else {
      await nsqd.kill()
    }
    isOver = true
    await running
    for (const topic of topics) ledger.saved(topic, isStopped ? Infinity : watch.saved(topic))
    ledger.crashed()
  }
  const nsqd = await spawnNsqd(t, dataPath, ...flags)
  await load.finish(nsqd)
  assert.equal(await nsqd.kill('SIGTERM'), 0, nsqd.log)
  for (const topic of topics) ledger.saved(topic)
  const last = await spawnNsqd(t, dataPath, ...flags)
  await load.findNothing(last, 300)
  assert.equal(await last.kill('SIGTERM'), 0, last.log)
  t.diagnostic(
    `kills ${KILLS}, ${killedAtStart} more in the start, of them stops ${stopped}; ${String(ledger)}`,
  )
}

/** Kills an nsqd that has hardly begun. */
async function killAtStart(dataPath: string, flags: readonly string[], afterMs: number): Promise<void> {
  const nsqd = new Spawned('nsqd', [`--data-path=${dataPath}`, ...flags])
  const started = nsqd.start().catch(() => undefined)
  await pause(afterMs)
  await nsqd.kill()
  await started
}

describe('nsqd killed again and again in the middle of everything', () => {
  test('loses nothing acknowledged, and redelivers nothing that a checkpoint has: process', t =>
    crashes(t, ['--durability=process', ...FLAGS]))

  test('the same with what is finished retained: power', t =>
    crashes(t, ['--durability=power', '--retain-bytes=500000', ...FLAGS]))
})
