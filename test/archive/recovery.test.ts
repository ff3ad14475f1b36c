import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs, {
  appendFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { Chunks } from '../../src/archive/chunks.ts'
import { loadCompression, type Compression } from '../../src/archive/compression.ts'
import type { Delivered, Destination, SealedPart } from '../../src/archive/destination.ts'
import { InPlace } from '../../src/archive/folder-destination.ts'
import type { Manifest } from '../../src/archive/manifest.ts'
import { IN_PLACE, type Marker } from '../../src/archive/marker.ts'
import type { PartFolder } from '../../src/archive/part-folder.ts'
import { recoverPart } from '../../src/archive/recovery.ts'
import { recordFormat, type FramingName } from '../../src/archive/record-format.ts'
import { NsqError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import {
  archive,
  bodiesIn,
  FakeMessage,
  filesIn,
  hiddenIn,
  Log,
  namesOf,
  numbered,
  openArchive,
  openFolder,
  textOf,
} from './rig.ts'

const DEAD_PID = 2 ** 22 + 1

/** What a run that died has left: a file, its marker, and its lock. */
function leave(folder: string, marker: Partial<Marker> & { file: string }, content: Buffer | string): string {
  const key = namesOf({}).key
  const state = join(folder, '.nsq-ts')
  mkdirSync(state, { recursive: true })
  const path = join(folder, marker.file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  const number = readdirSync(state).length + 1
  const full: Marker = {
    template: marker.file.replace('-000000', '<REV>'),
    topic: 't',
    channel: 'c',
    framing: 'lines',
    compression: 'none',
    destination: IN_PLACE,
    isAppended: false,
    start: 0,
    finishAfter: 'durable',
    ...marker,
  }
  writeFileSync(join(state, `${key}-${number}.part`), JSON.stringify({ version: 1, ...full }))
  writeFileSync(join(state, `${key}.lock`), JSON.stringify({ pid: DEAD_PID, started: null }))
  return join(state, `${key}-${number}.part`)
}

/** What was kept of what was cut, beside this marker. */
function copies(marker: string): string[] {
  const folder = dirname(marker)
  return readdirSync(folder)
    .filter(name => name.endsWith('.cut'))
    .map(name => join(folder, name))
}

async function encoded(
  bodies: readonly string[],
  framing: FramingName,
  compression: Compression['name'],
): Promise<Buffer> {
  const chunks = new Chunks()
  for (const body of bodies) recordFormat(framing).append(new FakeMessage(body), chunks)
  return Buffer.concat(await (await loadCompression(compression)).compress(chunks.buffers))
}

/** Runs a recovery of all that is in a folder, as another archive would. */
async function recoverAll(folder: string, own?: Destination, manifest?: Manifest): Promise<Log> {
  const log = new Log()
  const parts = await openFolder({ output: folder }, log)
  await parts.recover(own ?? new InPlace(parts.path), manifest)
  await parts.close()
  return log
}

describe('recovery', () => {
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    for (const framing of ['lines', 'escaped', 'jsonl', 'length'] as const) {
      test(`cuts a torn end, wherever it was torn (${framing}, ${compression})`, async () => {
        const output = temporaryFolder()
        const first = await encoded(['one', 'two'], framing, compression)
        const second = await encoded(['three'], framing, compression)
        // What is whole is found by `wholePart`, whose own tests look at every byte.
        const cuts = Array.from(second, (_, i) => i + 1).filter(
          cut => cut <= 3 || cut % 11 === 0 || cut >= second.length - 3,
        )
        for (const cut of cuts) {
          const file = `t-000000.${cut}.log`
          leave(output, { file, framing, compression }, Buffer.concat([first, second.subarray(0, cut)]))
        }
        const log = await recoverAll(output)
        assert.deepEqual(log.warnings, [])
        for (const cut of cuts) {
          const bodies = await bodiesIn(join(output, `t-000000.${cut}.log`), framing, compression)
          const values =
            framing === 'jsonl' ? bodies.map(text => String(Object(JSON.parse(text))['body'])) : bodies
          assert.deepEqual(values, cut === second.length ? ['one', 'two', 'three'] : ['one', 'two'])
        }
        assert.deepEqual(hiddenIn(output), [])
        assert.equal(log.parts.length, cuts.length)
      })
    }
  }

  test('says what it has done, and how much', async t => {
    const output = temporaryFolder()
    leave(output, { file: 't-000000.log' }, 'one\ntwo\nthr')
    const { archiver, log } = await openArchive(t, { output })
    assert.equal(archiver.progress.recovered, 1)
    await archiver.close()
    assert.deepEqual(log.lines, ['kept t-000000.log, 3 cut', 'delivered t-000000.log'])
    assert.equal(archiver.progress.files, 0)
    const [part] = log.parts
    assert.deepEqual([part?.recovered, part?.records, part?.bytes, part?.channel], [true, 2, 8, 'c'])
  })

  test('of a file that is to be continued: it is', async t => {
    const output = temporaryFolder()
    leave(output, { file: 't-000000.log', isAppended: true, start: 8 }, 'old\nol\0\nnew\nto')
    const rig = await openArchive(t, { output })
    await archive(rig, [new FakeMessage('next')])
    await rig.archiver.close()
    assert.equal(textOf(output, 't-000000.log'), 'old\nol\0\nnew\nnext\n')
    assert.deepEqual(rig.log.lines.slice(0, 2), ['kept t-000000.log, 2 cut', 'continued t-000000.log'])
  })

  test('never cuts what was there before', async () => {
    const output = temporaryFolder()
    leave(output, { file: 't-000000.log', isAppended: true, start: 8 }, 'old\ntorn')
    await recoverAll(output)
    assert.equal(textOf(output, 't-000000.log'), 'old\ntorn')
  })

  test('removes a file in which nothing is whole, and a marker without a file', async () => {
    const output = temporaryFolder()
    leave(output, { file: 'dt=1/t-000000.log' }, 'torn')
    leave(output, { file: 't-000000.log' }, '')
    execFileSync('rm', [join(output, 't-000000.log')])
    const log = await recoverAll(output)
    assert.deepEqual(log.lines, ['removed t-000000.log, 4 cut'])
    assert.deepEqual([...filesIn(output), ...hiddenIn(output)], [])
  })

  test('forgets what nsqd still has: a spool whose messages are finished after the upload', async () => {
    const spool = temporaryFolder()
    leave(spool, { file: 't-000000.log', destination: 's3://b/p', finishAfter: 'delivered' }, 'one\n')
    const log = await recoverAll(spool)
    assert.deepEqual(log.lines, ['removed t-000000.log, 0 cut'])
    assert.deepEqual([...filesIn(spool), ...hiddenIn(spool)], [])
  })

  test('of the last file of a folder that goes with it', async t => {
    const spool = temporaryFolder()
    leave(spool, { file: 'dt=1/t-000000.log', destination: 's3://b/p', finishAfter: 'delivered' }, 'one\n')
    const { rm } = fs.promises
    t.mock.method(fs.promises, 'rm', async (path: string, options: object) => {
      await rm(path, options)
      if (path.endsWith('.log')) rmdirSync(join(spool, 'dt=1'))
    })
    syncBuiltinESMExports()
    t.after(() => syncBuiltinESMExports())
    const log = await recoverAll(spool)
    t.mock.restoreAll()
    assert.deepEqual(log.warnings, [])
    assert.deepEqual(hiddenIn(spool), [])
  })

  test('of a file that was delivered since its marker was found: there is nothing to do', async () => {
    const spool = temporaryFolder()
    const plan = {
      folder: spool,
      destination: new InPlace(spool),
      manifest: undefined,
      openDestination: noBucket,
      events: new Log(),
    }
    const path = join(spool, 'key-1.part')
    assert.equal(await recoverPart(plan, { path, key: 'key', number: 1 }), undefined)
  })

  test('moves files of a work folder to where their marker says', async t => {
    const [work, output, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
    leave(work, { file: 'a/t-000000.log', destination: output }, 'one\n')
    leave(work, { file: 'b/t-000000.log', destination: other }, 'two\nto')
    mkdirSync(join(output, 'a'))
    writeFileSync(join(output, 'a/t-000000.log'), 'mine')
    const rig = await openArchive(t, { output, work })
    await rig.archiver.close()
    assert.equal(textOf(output, 'a/t-000000.log'), 'mine')
    assert.equal(textOf(output, 'a/t-000001.log'), 'one\n')
    assert.equal(textOf(other, 'b/t-000000.log'), 'two\n')
    assert.deepEqual([...filesIn(work), ...hiddenIn(work)], [])
  })

  test('of files that are written where they stay: they do, though their folder has another name now', async t => {
    const root = temporaryFolder()
    const [before, now] = [join(root, 'before'), join(root, 'now')]
    for (const compression of ['none', 'gzip'] as const) {
      const rig = await openArchive(t, { output: before, compression })
      await archive(rig, [new FakeMessage('1')])
      cpSync(before, now, { recursive: true })
      await rig.archiver.close()
      rmSync(before, { recursive: true })
      for (const name of readdirSync(join(now, '.nsq-ts')))
        if (name.endsWith('.lock')) rmSync(join(now, '.nsq-ts', name))
      const log = await recoverAll(now)
      assert.deepEqual(log.warnings, [])
      const file = `t-000000.log${compression === 'gzip' ? '.gz' : ''}`
      assert.deepEqual(await bodiesIn(join(now, file), 'lines', compression), ['1'])
      assert.ok(!existsSync(before))
    }
  })

  test('of one that was interrupted: a part that is where it belongs is not moved again', async t => {
    const [work, output] = [temporaryFolder(), temporaryFolder()]
    leave(work, { file: 't-000000.log', destination: output }, 'one\n')
    writeFileSync(join(output, 't-000000.log'), 'mine')
    linkSync(join(work, 't-000000.log'), join(output, 't-000001.log'))
    const rig = await openArchive(t, { output, work })
    await rig.archiver.close()
    assert.deepEqual(filesIn(output), ['t-000000.log', 't-000001.log'])
    assert.deepEqual([...filesIn(work), ...hiddenIn(work)], [])
  })

  test('warns of what is no marker, leaves it, and goes on', async () => {
    const output = temporaryFolder()
    const outside = join(temporaryFolder(), 'precious')
    writeFileSync(outside, 'one\ntwo')
    const bad = [
      '',
      'garbage',
      '{}',
      'null',
      JSON.stringify({ ...JSON.parse(readFileSync(leave(output, { file: 'x' }, 'x'), 'utf8')), version: 2 }),
    ].map((text, i) => {
      const path = leave(output, { file: `bad${i}` }, 'one\ntwo')
      writeFileSync(path, text)
      return path
    })
    bad.push(leave(output, { file: `../${outside.split('/').slice(-2).join('/')}` }, 'one\ntwo'))
    bad.push(leave(output, { file: 'unknown', compression: 'gzip' }, 'one\ntwo'))
    writeFileSync(bad.at(-1) ?? '', readFileSync(bad.at(-1) ?? '', 'utf8').replace('gzip', 'lzma'))
    leave(output, { file: 't-000000.log' }, 'one\ntwo')
    const log = await recoverAll(output)
    assert.equal(textOf(output, 't-000000.log'), 'one\n')
    assert.equal(textOf(outside), 'one\ntwo')
    assert.deepEqual(
      log.warnings.map(({ code }) => code),
      bad.map(() => 'E_ARCHIVE_RECOVERY'),
    )
    for (const path of bad) {
      assert.ok(existsSync(path))
      assert.ok(log.warnings.some(({ message }) => message.includes(path)))
    }
  })

  test('removes what was to become a marker', async () => {
    const output = temporaryFolder()
    const path = leave(output, { file: 't-000000.log' }, 'one\n')
    writeFileSync(`${path.replace('-1.part', '-2.part')}.tmp`, '{"ver')
    await recoverAll(output)
    assert.deepEqual(hiddenIn(output), [])
  })

  test('leaves a file whose destination cannot be opened to a later run', async () => {
    const spool = temporaryFolder()
    leave(spool, { file: 't-000000.log', destination: 's3://gone/' }, 'one\ntw')
    const log = new Log()
    const folder = await openFolder({ output: spool, openDestination: noBucket }, log)
    await folder.recover(new InPlace(folder.path), undefined)
    await folder.close()
    assert.match(log.warnings[0]?.message ?? '', /no such bucket/)
    // Without that the run would be taken for one after which all is where it belongs.
    assert.deepEqual(folder.recovered, { files: 0, waiting: 1 })
    assert.equal(hiddenIn(spool).length, 1)
    assert.equal(textOf(spool, 't-000000.log'), 'one\ntw')
  })

  test('makes no folder that is missing: it may be elsewhere, and what is moved there is found by nobody', async t => {
    const [work, output] = [temporaryFolder(), temporaryFolder()]
    const missing = join(output, 'missing')
    leave(work, { file: 't-000000.log', destination: missing }, 'one\n')
    const rig = await openArchive(t, { output, work })
    await rig.archiver.close()
    assert.match(rig.log.warnings[0]?.message ?? '', /missing/)
    assert.equal(rig.folder.recovered.waiting, 1)
    assert.deepEqual(filesIn(output), [])
    assert.equal(textOf(work, 't-000000.log'), 'one\n')
    mkdirSync(missing)
    await (await openArchive(t, { output, work })).archiver.close()
    assert.equal(textOf(missing, 't-000000.log'), 'one\n')
  })

  test('of files of other hosts is not for this one to do', async t => {
    const output = temporaryFolder()
    leave(output, { file: 't-000000.log' }, 'one\ntw')
    const lock = join(output, '.nsq-ts', `${namesOf({}).key}.lock`)
    const holder = { pid: DEAD_PID, started: null, hostname: 'elsewhere' }
    writeFileSync(lock, JSON.stringify(holder))
    const log = await recoverAll(output)
    assert.equal(textOf(output, 't-000000.log'), 'one\ntw')
    assert.match(log.warnings[0]?.message ?? '', /elsewhere/)
    assert.match(log.warnings[0]?.remedy ?? '', new RegExp(lock))
    await assert.rejects(openArchive(t, { output }), { code: 'E_ARCHIVE_LOCKED', message: /elsewhere/ })

    writeFileSync(lock, JSON.stringify({ ...holder, hostname: hostname() }))
    await recoverAll(output)
    assert.equal(textOf(output, 't-000000.log'), 'one\n')
  })

  test('leaves files alone that are being written', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, compression: 'gzip' })
    await archive(rig, numbered(3))
    appendFileSync(join(output, 't-000000.log.gz'), 'being written')
    const { size } = statSync(join(output, 't-000000.log.gz'))
    const log = await recoverAll(output)
    assert.deepEqual(log.lines, [])
    assert.equal(statSync(join(output, 't-000000.log.gz')).size, size)
  })

  test('is waited for by an archive of the same names', async t => {
    const spool = temporaryFolder()
    const slow = new Gate()
    t.after(() => slow.open())
    leave(spool, { file: 't-000000.log', destination: slow.id }, 'one\n')
    const log = new Log()
    const folder = await openFolder({ output: spool, openDestination: () => Promise.resolve(slow) }, log)
    await folder.recover(new InPlace(folder.path), undefined)
    await until(() => slow.isAsked)
    let isOpen = false
    const opening = openArchive(t, { output: spool }).then(rig => {
      isOpen = true
      return rig
    })
    await pause(100)
    assert.ok(!isOpen)
    slow.open()
    const rig = await opening
    assert.equal(rig.archiver.progress.recovered, 0)
    assert.deepEqual(log.lines, ['sealed t-000000.log, 0 cut', 'delivered t-000000.log'])
    await folder.close()
    assert.deepEqual(folder.recovered, { files: 1, waiting: 0 })
  })

  test('is not waited for by an archive of the same process, once it only delivers', async t => {
    const spool = temporaryFolder()
    const slow = new Gate()
    leave(spool, { file: 't-000000.log', destination: slow.id }, 'one\n')
    const log = new Log()
    const folder = await openFolder({ output: spool, openDestination: () => Promise.resolve(slow) }, log)
    // Else the archive that is closed then would wait for ever.
    t.after(() => slow.open())
    const recovering = folder.recover(new InPlace(folder.path), undefined)
    await until(() => slow.isAsked)
    const rig = await openArchive(t, { output: spool, options: { folder } })
    assert.equal(rig.archiver.progress.recovered, 0)
    await archive(rig, numbered(3))
    await Promise.all([rig.archiver.close(), recovering])
    const other = await openFolder({ output: spool }, log)
    await assertIsLocked(other)
    slow.open()
    await folder.close()
    await until(() => hiddenIn(spool).length === 0)
    assert.deepEqual(log.lines.slice(-1), ['delivered t-000000.log'])
  })

  test('keeps what it cuts when that is more than a crash tears off', async () => {
    const output = temporaryFolder()
    const bytes = await encoded(['one'], 'lines', 'gzip')
    const garbage = Buffer.alloc(9 * 1024 * 1024, 'garbage')
    const path = leave(
      output,
      { file: 't-000000.log.gz', compression: 'gzip' },
      Buffer.concat([bytes, garbage]),
    )
    const log = await recoverAll(output)
    assert.deepEqual(await bodiesIn(join(output, 't-000000.log.gz'), 'lines', 'gzip'), ['one'])
    const [copy = '', ...more] = copies(path)
    assert.deepEqual(more, [])
    assert.ok(readFileSync(copy).equals(garbage))
    assert.ok(log.warnings[0]?.message.includes(copy))
  })

  test('and keeps it for good, whatever later runs cut', async () => {
    const output = temporaryFolder()
    let path = ''
    for (const fill of ['a', 'b']) {
      const file = `t-000000.${fill}.log.gz`
      path = leave(output, { file, compression: 'gzip' }, Buffer.alloc(9 * 1024 * 1024, fill))
      const number = path.replace(/-\d+\.part$/, '-1.part')
      renameSync(path, number)
      await recoverAll(output)
    }
    const firsts = copies(path).map(copy => readFileSync(copy).toString('latin1', 0, 1))
    assert.deepEqual(firsts.sort(), ['a', 'b'])
  })

  test('tells the manifest of this destination, with a checksum', async () => {
    const output = temporaryFolder()
    leave(output, { file: 't-000000.log', template: 't<REV>.log' }, 'one\n')
    const listed: SealedPart[] = []
    const manifest: Manifest = {
      add: async part => void listed.push(part),
      close: async () => {},
    }
    await recoverAll(output, undefined, manifest)
    assert.equal(
      listed[0]?.sha256,
      execFileSync('sha256sum', [join(output, 't-000000.log')])
        .toString()
        .slice(0, 64),
    )
    assert.equal(listed[0]?.records, 1)
  })

  test('of a folder that was written to by nobody', async () => {
    const log = await recoverAll(join(temporaryFolder(), 'new'))
    assert.deepEqual([log.lines, log.warnings], [[], []])
  })
})

async function assertIsLocked(folder: PartFolder): Promise<void> {
  const log = new Log()
  await folder.recover(new InPlace(folder.path), undefined)
  assert.deepEqual(log.lines, [])
  assert.deepEqual(folder.recovered, { files: 0, waiting: 0 })
}

function noBucket(): Promise<Destination> {
  return Promise.reject(new NsqError('E_S3', 'no such bucket'))
}

/** A destination that takes its time. */
class Gate implements Destination {
  readonly kind = 's3'
  readonly id = 's3://slow/'
  isAsked = false
  open: () => void = () => {}
  readonly #opened = new Promise<void>(resolve => {
    this.open = resolve
  })

  async deliver({ name }: SealedPart): Promise<Delivered> {
    this.isAsked = true
    await this.#opened
    return { name, location: name }
  }

  isTransient(): boolean {
    return false
  }

  async close(): Promise<void> {}
}
