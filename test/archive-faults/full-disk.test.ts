/** Disks that fill up, folders that cannot be written to: archive says so, keeps nothing from nsqd, and gets it all later. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../storage/random.ts'
import { type ArchiveProcess, summaryOf } from './archive-process.ts'
import { type Framed, finalFiles, litter } from './archived.ts'
import { eventually } from './eventually.ts'
import { Numbered } from './numbered.ts'
import { expectAll, Rig } from './rig.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { type Compressed, testFiles } from './system-tools.ts'

const DISK_BYTES = 8 * 1024 * 1024
const PATIENCE_MS = 60_000
const IS_LONG = process.env['KILLS'] !== undefined
/** About 2 MB: more than what a file system keeps in reserve, less than the disk. */
const MESSAGES = 4000

interface Case {
  readonly name: string
  /** Which folder is on the disk that is full. */
  readonly full: 'output' | 'work'
  readonly flags: readonly string[]
  readonly hasWorkDir?: true
  readonly compression: Compressed
  /** Each of these fills up once in the short form: a run that ends writes as one that goes on does. */
  readonly endsInLongForm?: true
}

const CASES: readonly Case[] = [
  {
    name: 'output folder, gzip, from a work dir on another disk',
    full: 'output',
    hasWorkDir: true,
    flags: ['--gzip', '--rotate-size=100000'],
    compression: 'gzip',
  },
  { name: 'output folder, lines, in place', full: 'output', flags: [], compression: 'none' },
  {
    name: 'output folder, gzip, in place, small files',
    full: 'output',
    flags: ['--gzip', '--rotate-size=100000'],
    compression: 'gzip',
    endsInLongForm: true,
  },
  { name: 'work dir', full: 'work', hasWorkDir: true, flags: ['--rotate-size=100000'], compression: 'none' },
]

interface Stand {
  readonly rig: Rig
  readonly disk: SmallDisk
  readonly flags: readonly string[]
  readonly output: string
  readonly work: string
}

async function setUp(t: TestContext, { full, flags, hasWorkDir }: Case): Promise<Stand | undefined> {
  const random = seeded(text => t.diagnostic(text))
  const rig = await Rig.start(t, { random, messages: new Numbered('text', random.seed) })
  const disk = SmallDisk.mount(t, DISK_BYTES)
  if (disk === undefined) return undefined
  const output = full === 'output' ? disk.path : join(rig.folder, 'out')
  const work = full === 'work' ? disk.path : join(rig.folder, 'work')
  for (const folder of [output, work]) mkdirSync(folder, { recursive: true })
  const all = [`--output-dir=${output}`, ...(hasWorkDir === true ? [`--work-dir=${work}`] : []), ...flags]
  return { rig, disk, output, work, flags: [...all, '--sync-interval=100ms', '--skip-empty-files'] }
}

/** Publishes all messages at once, and waits until nsqd has them. */
async function publish(rig: Rig, count = MESSAGES): Promise<void> {
  await rig.stream.publish(count)
}

/** Keeps the disk full, also when files are moved away from it, until the process says so. */
async function saysOnFull(disk: SmallDisk, archive: ArchiveProcess): Promise<void> {
  await eventually(
    () => {
      disk.fill()
      return archive.lines.some(line => /no space left|ENOSPC/i.test(line)) || !archive.isRunning
    },
    () => `it never said that there is no space:\n${archive.log}`,
  )
  assert.ok(archive.isRunning, `it has ended\n${archive.log}`)
}

async function expectArchive({ rig, output, work }: Stand, compression: Compressed): Promise<void> {
  const framing: Framed = 'lines'
  const paths = finalFiles(output).map(name => join(output, name))
  await testFiles(paths, compression)
  await expectAll(rig.messages, rig.stream.next, paths, framing, compression)
  for (const folder of [output, work]) assert.deepEqual(litter(folder), [])
  assert.deepEqual(finalFiles(work), [])
}

describe('a full disk', { concurrency: 4 }, () => {
  for (const each of CASES) {
    test(`${each.name}: a run that goes on says so, and archives everything when there is room`, async t => {
      const stand = await setUp(t, each)
      if (stand === undefined) return
      const { rig, disk } = stand
      const archive = rig.archive([...stand.flags])
      await publish(rig, 1000)
      await eventually(
        async () => (await rig.waiting('t')) === 0,
        () => `it does not begin\n${archive.log}`,
      )
      disk.fill()
      await publish(rig)
      await saysOnFull(disk, archive)
      disk.makeRoom()
      await eventually(
        async () => (await rig.waiting('t')) === 0,
        () => `it does not go on\n${archive.log}`,
      )
      archive.send('SIGTERM')
      const { code, stderr } = await archive.end(PATIENCE_MS)
      assert.equal(code, 0, stderr)
      await expectArchive(stand, each.compression)
    })

    if (each.endsInLongForm === true && !IS_LONG) continue
    test(`${each.name}: a run that is to end fails, leaves messages with nsqd, and the next one gets them`, async t => {
      const stand = await setUp(t, each)
      if (stand === undefined) return
      const { rig, disk } = stand
      await publish(rig)
      disk.fill()
      const ended = await rig
        .archive(['--until-empty', '--json', ...stand.flags], { isDirect: true })
        .end(PATIENCE_MS)
      assert.equal(ended.code, 1, ended.stderr)
      assert.match(ended.stderr, /no space left|ENOSPC/i)
      assert.equal(summaryOf(ended).ok, false)
      // What was finished is safe, and that is little more than nothing here.
      assert.ok((await rig.waiting('t')) > 0 || each.hasWorkDir === true)
      disk.makeRoom()
      await rig.drain(stand.flags)
      await expectArchive(stand, each.compression)
    })
  }
})

describe('an output folder that cannot be written to', () => {
  const PLAIN: Case = { name: '', full: 'output', flags: [], compression: 'none' }

  test('at the start: an error, and nothing is taken', async t => {
    const stand = await setUp(t, PLAIN)
    if (stand === undefined) return
    const { rig, disk } = stand
    await publish(rig, 100)
    disk.remount('ro')
    const { code, stderr } = await rig.archive(stand.flags).end(PATIENCE_MS)
    assert.equal(code, 1)
    assert.match(stderr, /read-only|EROFS/i)
    assert.ok(stderr.includes(stand.output), stderr)
    assert.equal(await rig.waiting('t'), 100)
    disk.remount('rw')
    await rig.drain(stand.flags)
    await expectArchive(stand, 'none')
  })

  test('a file where a folder should be: an error that names it', async t => {
    const stand = await setUp(t, PLAIN)
    if (stand === undefined) return
    const path = join(stand.rig.folder, 'file')
    writeFileSync(path, '')
    const { code, stderr } = await stand.rig.archive([`--output-dir=${path}`]).end(PATIENCE_MS)
    assert.equal(code, 1)
    assert.ok(stderr.includes(path), stderr)
  })

  test('it goes away while archive runs: nothing that is finished later is lost', async t => {
    const stand = await setUp(t, { ...PLAIN, flags: ['--rotate-size=20000'] })
    if (stand === undefined) return
    const { rig, output } = stand
    const folder = join(output, 'removed')
    mkdirSync(folder)
    const flags = [...stand.flags, `--output-dir=${folder}`]
    const archive = rig.archive(flags)
    await publish(rig, 500)
    await eventually(
      async () => (await rig.waiting('t')) === 0,
      () => archive.log,
    )
    const first = rig.stream.next
    rmSync(folder, { recursive: true, force: true })
    await publish(rig, 500)
    await eventually(
      async () => (await rig.waiting('t')) === 0 || !archive.isRunning,
      () => archive.log,
    )
    await archive.kill()
    mkdirSync(folder, { recursive: true })
    await rig.drain(flags)
    const paths = finalFiles(folder).map(name => join(folder, name))
    await expectAll(rig.messages, rig.stream.next, paths, 'lines', 'none', first)
  })
})
