/**
 * The machine of the archive loses its power, while nsqd goes on: what was finished must be on the disk, which a kill -9
 * alone cannot show. `KILLS=20 SEED=7 node --import tsx --test test/archive-faults/power-cut.test.ts` for more of it.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../storage/random.ts'
import { bundled } from '../support/bundled.ts'
import { endAt } from './moments.ts'
import { finalFiles, litter } from './archived.ts'
import { type Case, CASES, makePlaces } from './cases.ts'
import { Numbered } from './numbered.ts'
import { PowerCut } from './power-cut.ts'
import { expectAll, Rig } from './rig.ts'
import { isInstalled, testFiles } from './system-tools.ts'

const CUTS = Number(process.env['KILLS'] ?? 2)
const IS_LONG = process.env['KILLS'] !== undefined
/** Messages that wait for each run. */
const BACKLOG = IS_LONG ? 3000 : 1000
const ONLY = process.env['CASE'] ?? ''
const JOURNAL = await bundled(new URL('power-journal.ts', import.meta.url))

describe('a power cut in the middle of archiving loses nothing', { concurrency: 2 }, () => {
  for (const each of CASES) {
    if ((each.hasPowerCuts === true || IS_LONG) && each.name.includes(ONLY)) {
      test(each.name, t => cuts(t, each))
    }
  }
})

async function cuts(t: TestContext, each: Case): Promise<void> {
  const { framing, compression, topics } = each
  if (process.platform !== 'linux') return t.skip('needs Linux: /proc says what a descriptor is')
  if (compression !== 'none' && !isInstalled(compression)) return t.skip(`${compression} is not installed`)
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered(each.content, random.seed)
  const rig = await Rig.start(t, { random, messages, ...(topics === undefined ? {} : { topics }) })
  const places = makePlaces(t, rig.folder, each)
  if (places === undefined) return
  const flags = each.flags(places)
  t.diagnostic(flags.join(' '))
  const power = new PowerCut(join(rig.folder, 'journal'), Object.values(places))
  rig.stream.begin()
  const lost = { names: 0, bytes: 0 }
  for (let cut = 0; cut < CUTS; cut++) {
    // More than is archived until then: it is to be busy.
    rig.stream.burst(BACKLOG)
    const archive = rig.archive(['--log-level=info', ...flags], {
      node: ['--import', JOURNAL],
      env: power.env,
    })
    await endAt(archive, random)
    const { names, bytes } = power.happen(random)
    lost.names += names
    lost.bytes += bytes
  }
  await rig.stream.end()
  await rig.drain(flags)
  const files = finalFiles(places.output).filter(name => !name.endsWith('.manifest.jsonl'))
  const paths = files.map(name => join(places.output, name))
  await testFiles(paths, compression)
  const extra = await expectAll(messages, rig.stream.next, paths, framing, compression)
  for (const folder of Object.values(places)) assert.deepEqual(litter(folder), [])
  t.diagnostic(`${CUTS} cuts took ${lost.names} names and ${lost.bytes} bytes`)
  t.diagnostic(`${rig.stream.next} messages, ${extra} of them again, ${files.length} files`)
}
