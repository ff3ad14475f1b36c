import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../storage/random.ts'
import { Spawned } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { Ledger } from './ledger.ts'
import { Load, SHAPE } from './support/load.ts'
import { PowerDisk } from './support/power-disk.ts'
import { Preload } from './support/preload.ts'
import { syncedMessages } from './support/synced-messages.ts'

/** Power cuts in each of the tests. */
const CUTS = Number(process.env.CUTS ?? 2)
const PAUSE_MS = process.env.CUTS === undefined ? 30 : 15
const FLAGS = ['--max-bytes-per-file=25000', '--mem-queue-bytes=1048576', '--msg-timeout=2500ms']

/** A nsqd whose disk is watched. */
interface Life {
  readonly nsqd: Spawned
  /** As it was when nsqd began. */
  readonly disk: PowerDisk
  readonly dataPath: string
  readonly journal: string
}

async function begin(
  t: TestContext,
  dataPath: string,
  watcher: Preload,
  flags: readonly string[],
  faults: Readonly<Record<string, string>> = {},
): Promise<Life> {
  const disk = new PowerDisk(dataPath)
  const journal = join(temporaryFolder(), 'journal')
  const start = async (given: Readonly<Record<string, string>>): Promise<Spawned> => {
    const launcher = watcher.launcher({ path: dataPath, journal, ...given })
    const nsqd = new Spawned('nsqd', [`--data-path=${dataPath}`, ...flags], launcher)
    t.after(() => nsqd.kill())
    await nsqd.start()
    return nsqd
  }
  const nsqd = await start(faults).catch((error: unknown) => {
    // It may refuse to start on such a disk, and must start on the next one as if nothing had been.
    if (faults.seed === undefined || !/\nnsqd: .*EIO/.test(String(error))) throw error
    return start({})
  })
  return { nsqd, disk, dataPath, journal }
}

/** Waits until no power cut can take the channels: that is not promised of those that have just been made. */
async function settle({ dataPath, journal }: Life): Promise<void> {
  const names = Object.entries(SHAPE).flat(2)
  await until(
    () => {
      const disk = new PowerDisk(dataPath, [])
      disk.replay(readFileSync(journal))
      const saved = disk.certain('nsqd.dat.synced')?.durable.toString() ?? ''
      return names.every(name => saved.includes(`"${name}"`))
    },
    () => 'the channels are not saved',
  )
}

async function cuts(t: TestContext, how: 'ordered' | 'any', flags: readonly string[], isSafe: boolean) {
  const random = seeded(text => t.diagnostic(text))
  const watcher = await Preload.build('disk-journal.ts')
  // Stragglers are published again, under new ids, where the checkpoint that says whose they are is torn.
  const ledger = new Ledger({ mayRepeat: !isSafe })
  const kept = new Set<string>()
  const topics = Object.keys(SHAPE)
  let dataPath = temporaryFolder()
  let life: Life
  const load = new Load({
    ledger,
    random,
    generation: () => statSync(life.journal).size,
    pauseMs: PAUSE_MS,
  })
  for (let cut = 0; cut < CUTS; cut++) {
    // In every other life some syncs fail.
    const faults = cut % 2 === 1 ? { seed: String(random.int(1, 1e9)) } : {}
    life = await begin(t, dataPath, watcher, flags, faults)
    if (cut === 0) {
      await load.prepare(life.nsqd)
      await settle(life)
    }
    let isOver = false
    const running = load.run(life.nsqd, () => isOver)
    await pause(random.int(20, random.pick([100, 600, 1500])))
    await life.nsqd.kill()
    isOver = true
    await running
    life.disk.replay(readFileSync(life.journal))
    dataPath = temporaryFolder()
    life.disk.cut(dataPath, random, how)
    for (const name of syncedMessages(life.disk)) kept.add(name)
    if (isSafe) {
      for (const disorder of life.disk.disorders) ledger.fault(disorder)
      for (const topic of topics) {
        const checkpoint = life.disk.certain(`${topic}.topic/checkpoint`)
        // Of what was noted at the moment when it was begun, it may know nothing.
        ledger.saved(topic, (checkpoint?.at ?? 0) - 1)
      }
      ledger.checkKept(kept)
    } else {
      // Checkpoints are not synced then: all that is there may come again.
      ledger.onlyKept(kept)
    }
    ledger.crashed()
  }
  life = await begin(t, dataPath, watcher, flags)
  await load.finish(life.nsqd)
  assert.equal(await life.nsqd.kill('SIGTERM'), 0, life.nsqd.log)
  t.diagnostic(`cuts ${CUTS}; ${String(ledger)}`)
}

describe('power cuts in the middle of everything', () => {
  test('lose nothing acknowledged: --durability=power, on a file system with a journal', t =>
    cuts(t, 'ordered', ['--durability=power', ...FLAGS], true))

  test('nor where every name that was not synced may be lost by itself', t =>
    cuts(t, 'any', ['--durability=power', '--retain-bytes=300000', ...FLAGS], true))

  test('take what was not synced at most: --durability=process', t =>
    cuts(t, 'any', ['--durability=process', '--sync-every=200', '--sync-timeout=100ms', ...FLAGS], false))
})
