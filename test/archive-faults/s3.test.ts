/**
 * Archive to S3, through a network that cuts, stalls and refuses, and killed again and again: nothing is lost, and no
 * object is half there or changes. `KILLS=20 SEED=7 node --import tsx --test test/archive-faults/s3.test.ts` for more of it.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { type Random, seeded } from '../storage/random.ts'
import { bundled } from '../support/bundled.ts'
import { S3Faults } from '../support/s3-faults.ts'
import { S3Server } from '../support/s3-server.ts'
import { ArchiveProcess, summaryOf } from './archive-process.ts'
import { type Framed, finalFiles, litter } from './archived.ts'
import { Bucket } from './bucket.ts'
import { eventually } from './eventually.ts'
import { endAt } from './moments.ts'
import { type Content, Numbered } from './numbered.ts'
import { readWithOurs } from './our-reader.ts'
import { PowerCut } from './power-cut.ts'
import { expectAll, Rig } from './rig.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { type Compressed, isInstalled, testFiles } from './system-tools.ts'

const KILLS = Number(process.env['KILLS'] ?? 1)
const IS_LONG = process.env['KILLS'] !== undefined
const ONLY = process.env['CASE'] ?? ''
/** Messages that wait for each run. */
const BACKLOG = 1000
const OUTPUT = 's3://bucket/logs'
const JOURNAL = await bundled(new URL('power-journal.ts', import.meta.url))
const RATES = { error: 0.03, slowDown: 0.03, cutRequest: 0.05, cutReply: 0.05, stall: 0.1 }

interface Case {
  readonly name: string
  readonly flags: readonly string[]
  readonly hasSpool: boolean
  readonly content: Content
  readonly framing: Framed
  readonly compression: Compressed
  /** The machine loses its power each time, instead of a kill. */
  readonly losesPower?: true
  readonly isLong?: true
}

const PLAIN = { content: 'text', framing: 'lines' } as const
const SMALL = ['--rotate-size=50000', '--sync-interval=100ms']

const CASES: readonly Case[] = [
  {
    name: 'gzip, no spool: finished when uploaded',
    ...PLAIN,
    compression: 'gzip',
    hasSpool: false,
    flags: ['--gzip', '--manifest', '--sync-interval=100ms'],
  },
  {
    name: 'jsonl, zstd, a spool, partitions',
    content: 'text',
    framing: 'jsonl',
    compression: 'zstd',
    hasSpool: true,
    flags: [
      '--zstd',
      '--output-format=jsonl',
      '--time-field=at',
      '--filename-format=dt=%Y-%m-%d/hour=%H/<TOPIC><REV>.log',
      ...SMALL,
    ],
  },
  {
    name: 'lines, a spool, large files',
    ...PLAIN,
    compression: 'none',
    hasSpool: true,
    isLong: true,
    flags: ['--rotate-size=12000000', '--manifest', '--sync-interval=100ms'],
  },
  {
    name: 'gzip, a spool, power cuts',
    ...PLAIN,
    compression: 'gzip',
    hasSpool: true,
    losesPower: true,
    isLong: true,
    flags: ['--gzip', '--manifest', ...SMALL],
  },
]

describe('S3 through faults: killed in the middle, nothing is lost', { concurrency: 2 }, () => {
  for (const each of CASES) {
    if ((each.isLong !== true || IS_LONG) && each.name.includes(ONLY)) test(each.name, t => crashes(t, each))
  }
})

async function crashes(t: TestContext, each: Case): Promise<void> {
  const { framing, compression, losesPower } = each
  if (compression !== 'none' && !isInstalled(compression)) return t.skip(`${compression} is not installed`)
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered(each.content, random.seed)
  const rig = await Rig.start(t, { random, messages })
  const server = await S3Server.start(t)
  await server.createBucket('bucket')
  const faults = await S3Faults.start(t, server.port, { random, rates: RATES })
  const [spool, seen] = [join(rig.folder, 'spool'), join(rig.folder, 'seen')]
  for (const folder of [spool, seen]) mkdirSync(folder)
  const to = [`--output=${OUTPUT}`, `--s3-endpoint=${faults.endpoint}`]
  const flags = [...to, ...each.flags, ...(each.hasSpool ? [`--spool-dir=${spool}`] : [])]
  t.diagnostic(flags.join(' '))
  // Without a spool of its own it has one among the temporary files.
  const env = { ...server.env, TMPDIR: each.hasSpool ? rig.folder : spool }
  const bucket = new Bucket(server, 'bucket', seen)
  const power = losesPower === true ? new PowerCut(join(rig.folder, 'journal'), [spool]) : undefined
  const start = power === undefined ? { env } : { env: { ...env, ...power.env }, node: ['--import', JOURNAL] }
  rig.stream.begin()
  for (let kill = 0; kill < KILLS; kill++) {
    // More than is archived until then: it is to be busy.
    rig.stream.burst(BACKLOG)
    await endAt(rig.archive(['--log-level=info', ...flags], start), random, true)
    power?.happen(random)
    await bucket.look()
  }
  await rig.stream.end()
  faults.calm()
  assert.equal(summaryOf(await rig.drain(flags, { env })).ok, true)
  await bucket.look()
  const paths = finalFiles(seen).map(name => join(seen, name))
  await testFiles(paths, compression)
  const extra = await expectAll(messages, rig.stream.next, paths, framing, compression)
  assert.equal(await readWithOurs(paths, framing, compression), rig.stream.next + extra)
  assert.deepEqual([litter(spool), finalFiles(spool), server.uploads.keys], [[], [], []])
  if (each.flags.includes('--manifest')) {
    const verify = new ArchiveProcess(['verify', OUTPUT, `--s3-endpoint=${server.endpoint}`], { env })
    const { code, stdout, stderr } = await verify.end(60_000)
    assert.equal(code, 0, stdout + stderr)
  }
  t.diagnostic(`${KILLS} kills, ${rig.stream.next} messages, ${extra} of them again, ${paths.length} objects`)
  t.diagnostic(JSON.stringify(faults.counts))
}

interface Stand {
  readonly random: Random
  readonly messages: Numbered
  readonly rig: Rig
  readonly server: S3Server
}

async function setUp(t: TestContext): Promise<Stand> {
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered('text', random.seed)
  const rig = await Rig.start(t, { random, messages })
  const server = await S3Server.start(t)
  await server.createBucket('bucket')
  return { random, messages, rig, server }
}

describe('S3', () => {
  test('a file that is uploaded in several parts', async t => {
    const { messages, rig, server } = await setUp(t)
    const to = [`--s3-endpoint=${server.endpoint}`, '--manifest']
    const { env } = server
    await rig.stream.publish(25_000)
    await rig.drain([`--output=${OUTPUT}`, `--spool-dir=${join(rig.folder, 'spool')}`, ...to], { env })
    assert.ok(server.requests.some(request => request.includes('partNumber=2')))
    const seen = join(rig.folder, 'seen')
    await new Bucket(server, 'bucket', seen).look()
    const paths = finalFiles(seen).map(name => join(seen, name))
    assert.equal(paths.length, 1)
    assert.equal(await expectAll(messages, rig.stream.next, paths, 'lines', 'none'), 0)
  })

  test('a full spool: a run that goes on says so, and uploads everything when there is room', async t => {
    const disk = SmallDisk.mount(t, 8 * 1024 * 1024)
    if (disk === undefined) return
    const { messages, rig, server } = await setUp(t)
    const flags = [
      `--output=${OUTPUT}`,
      `--s3-endpoint=${server.endpoint}`,
      `--spool-dir=${disk.path}`,
      ...SMALL,
    ]
    const { env } = server
    const archive = rig.archive(flags, { env })
    await rig.stream.publish(500)
    await eventually(
      async () => (await rig.waiting('t')) === 0,
      () => `it does not begin\n${archive.log}`,
    )
    disk.fill()
    await rig.stream.publish(2000)
    await eventually(
      () => archive.lines.some(line => /no space left|ENOSPC/i.test(line)) || !archive.isRunning,
      () => `it does not say so\n${archive.log}`,
    )
    assert.ok(archive.isRunning, archive.log)
    disk.makeRoom()
    await eventually(
      async () => (await rig.waiting('t')) === 0,
      () => `it does not go on\n${archive.log}`,
    )
    archive.send('SIGTERM')
    const { code, stderr } = await archive.end(60_000)
    assert.equal(code, 0, stderr)
    const seen = join(rig.folder, 'seen')
    await new Bucket(server, 'bucket', seen).look()
    const paths = finalFiles(seen).map(name => join(seen, name))
    await expectAll(messages, rig.stream.next, paths, 'lines', 'none')
    assert.deepEqual([litter(disk.path), finalFiles(disk.path)], [[], []])
  })

  test('away for a while: what is archived meanwhile waits in the spool', async t => {
    const { random, messages, rig, server } = await setUp(t)
    const faults = await S3Faults.start(t, server.port, { random, rates: { slowDown: 0.5, cutRequest: 0.5 } })
    const spool = join(rig.folder, 'spool')
    const flags = [`--output=${OUTPUT}`, `--s3-endpoint=${faults.endpoint}`, `--spool-dir=${spool}`, ...SMALL]
    const { env } = server
    const archive = rig.archive(flags, { env })
    await rig.stream.publish(2000)
    await eventually(
      async () => (await rig.waiting('t')) === 0,
      () => `nothing is finished\n${archive.log}`,
    )
    assert.ok(finalFiles(spool).length > 0)
    faults.calm()
    archive.send('SIGTERM')
    await archive.end(60_000)
    await rig.drain(flags, { env })
    const seen = join(rig.folder, 'seen')
    await new Bucket(server, 'bucket', seen).look()
    const paths = finalFiles(seen).map(name => join(seen, name))
    await expectAll(messages, rig.stream.next, paths, 'lines', 'none')
    assert.deepEqual([litter(spool), finalFiles(spool)], [[], []])
  })
})
