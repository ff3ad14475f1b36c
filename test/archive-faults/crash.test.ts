/**
 * kill -9 while messages are archived, again and again: nothing is lost, and every file can be read. `npm run
 * test:crash:archive` has a hundred kills for each case; `KILLS=20 SEED=7 node --import tsx --test
 * test/archive-faults/crash.test.ts` repeats a run, and `CASE=zstd` takes only those that are named so.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import { summaryOf } from './archive-process.ts'
import { finalFiles, litter } from './archived.ts'
import { type Case, CASES, makePlaces } from './cases.ts'
import { Kept } from './kept.ts'
import { endAt } from './moments.ts'
import { readWithOurs } from './our-reader.ts'
import { Numbered } from './numbered.ts'
import { expectAll, Rig } from './rig.ts'
import { isInstalled, testFiles } from './system-tools.ts'

const KILLS = Number(process.env['KILLS'] ?? 1)
const IS_LONG = process.env['KILLS'] !== undefined
/** Messages that wait for each run. */
const BACKLOG = IS_LONG ? 3000 : 1000
const ONLY = process.env['CASE'] ?? ''

describe('kill -9 in the middle of archiving loses nothing', { concurrency: IS_LONG ? 2 : 3 }, () => {
  for (const each of CASES) {
    if ((each.isLong !== true || IS_LONG) && each.name.includes(ONLY)) test(each.name, t => crashes(t, each))
  }
})

async function crashes(t: TestContext, each: Case): Promise<void> {
  const { framing, compression, topics, meanBytes } = each
  if (compression !== 'none' && !isInstalled(compression)) return t.skip(`${compression} is not installed`)
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered(each.content, random.seed)
  const rig = await Rig.start(t, {
    random,
    messages,
    nsqdCrashes: each.nsqdCrashes === true,
    ...(topics === undefined ? {} : { topics }),
    ...(meanBytes === undefined ? {} : { meanBytes }),
  })
  const places = makePlaces(t, rig.folder, each)
  if (places === undefined) return
  const flags = each.flags(places)
  t.diagnostic(flags.join(' '))
  const mayFail = each.nsqdCrashes === true || meanBytes !== undefined
  const kept = new Kept(places.output, framing, compression, each.isInPlace)
  rig.stream.begin()
  for (let kill = 0; kill < KILLS; kill++) {
    // More than is archived until then: it is to be busy.
    rig.stream.burst(BACKLOG)
    const archive = rig.archive(['--log-level=info', ...flags])
    if (each.nsqdCrashes === true && random.chance(0.3)) {
      await pause(random.int(0, 600))
      await rig.crashNsqd()
    }
    await endAt(archive, random, mayFail)
    await kept.look()
  }
  await rig.stream.end()
  const summary = summaryOf(await rig.drain(flags))
  assert.equal(summary.ok, true)
  await kept.look()

  const files = finalFiles(places.output).filter(name => !name.endsWith('.manifest.jsonl'))
  const paths = files.map(name => join(places.output, name))
  await testFiles(paths, compression)
  const extra = await expectAll(messages, rig.stream.next, paths, framing, compression)
  assert.equal(await readWithOurs(paths, framing, compression), rig.stream.next + extra)
  for (const folder of Object.values(places)) assert.deepEqual(litter(folder), [])
  for (const folder of [places.work, places.elsewhere]) assert.deepEqual(finalFiles(folder), [])
  t.diagnostic(`${KILLS} kills, ${rig.stream.next} messages, ${extra} of them again, ${files.length} files`)
}
