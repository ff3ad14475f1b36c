import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { loadCompression } from '../../src/archive/compression.ts'
import { PartLost } from '../../src/archive/errors.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { pause, until } from '../support/wait.ts'
import {
  answered,
  archive,
  bodiesIn,
  bodiesOf,
  FakeMessage,
  fileMethods,
  filesIn,
  hiddenIn,
  numbered,
  openArchive,
  type FakeMessage as Message,
} from './rig.ts'

/** What a method of open files does in the given calls (counted from 1) instead of what it always does. */
async function failing(
  t: TestContext,
  method: 'datasync' | 'truncate' | 'writev',
  calls: readonly number[],
  code = 'ENOSPC',
): Promise<void> {
  const methods: Record<string, unknown> = Object(await fileMethods(join(temporaryFolder(), 'any')))
  const original = methods[method]
  if (!(typeof original === 'function')) throw new Error(`no ${method}`)
  let call = 0
  methods[method] = function (this: unknown, ...given: unknown[]): unknown {
    call++
    if (!calls.includes(call)) return original.apply(this, given)
    return Promise.reject(Object.assign(new Error(`${code}: made up, ${method}`), { code }))
  }
  t.after(() => {
    methods[method] = original
  })
}

/** Makes each sync take its time; returns how many there were at once at most. */
async function slowSyncs(t: TestContext): Promise<() => number> {
  const methods: Record<string, unknown> = Object(await fileMethods(join(temporaryFolder(), 'any')))
  const original = methods['datasync']
  if (!(typeof original === 'function')) throw new Error('no datasync')
  let [now, most] = [0, 0]
  methods['datasync'] = async function (this: unknown): Promise<void> {
    most = Math.max(most, ++now)
    await pause(50)
    await original.call(this)
    now--
  }
  t.after(() => {
    methods['datasync'] = original
  })
  return () => most
}

const finished = (messages: readonly Message[]): boolean => messages.every(({ isFinished }) => isFinished)
const wentBack = (messages: readonly Message[]): boolean =>
  messages.every(({ requeued }) => requeued?.join() === '1000')

describe('a batch that cannot be made durable', () => {
  for (const method of ['writev', 'datasync'] as const) {
    for (const compression of ['none', 'gzip'] as const) {
      test(`goes back, and the next one, cut already, is written (${method}, ${compression})`, async t => {
        const output = temporaryFolder()
        const rig = await openArchive(t, { output, compression, options: { commitAt: 10 } })
        const [first, second, third] = [numbered(10), numbered(10, 10), numbered(10, 20)]
        await archive(rig, first)
        await failing(t, method, [1])
        for (const message of [...second, ...third]) rig.archiver.add(message)
        await answered([...second, ...third])
        await rig.archiver.close()
        assert.ok(finished(first) && wentBack(second) && finished(third))
        const [file = ''] = filesIn(output)
        assert.deepEqual(
          await bodiesIn(join(output, file), 'lines', compression),
          bodiesOf([...first, ...third]),
        )
        const { messages, requeued, inHand } = rig.archiver.progress
        assert.deepEqual([messages, requeued, inHand], [20, 10, 0])
        assert.ok(rig.log.lines.includes('gave back 10: E_ARCHIVE_WRITE'))
      })
    }
  }

  test('is cut off the file, even when it could be written', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output })
    await archive(rig, numbered(3))
    await failing(t, 'datasync', [1])
    const lost = numbered(3, 3)
    await archive(rig, lost)
    assert.ok(wentBack(lost))
    assert.deepEqual(await bodiesIn(join(output, 't-000000.log')), bodiesOf(numbered(3)))
  })

  test('leaves no empty file behind, when it was the first', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, options: { keepsEmptyFiles: true } })
    await failing(t, 'datasync', [1])
    const lost = numbered(3)
    await archive(rig, lost)
    await rig.archiver.close()
    assert.ok(wentBack(lost))
    assert.deepEqual(filesIn(output), [])
    assert.equal(rig.archiver.progress.files, 0)
  })

  test('leaves no folder that was made for it', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, names: { format: 'dt=%Y/<TOPIC><REV>.log' } })
    await failing(t, 'datasync', [1])
    await archive(rig, numbered(3))
    await rig.archiver.close()
    assert.deepEqual(readdirSync(output), ['.nsq-ts'])
  })

  test('leaves no file of no bytes, when it is that of a time in which nothing came', async t => {
    const output = temporaryFolder()
    const options = { keepsEmptyFiles: true, syncIntervalMs: 5 }
    const rig = await openArchive(t, { output, compression: 'gzip', options })
    await until(() => filesIn(output).length === 1)
    await failing(t, 'writev', [1])
    await rig.archiver.close()
    assert.deepEqual([...filesIn(output), ...hiddenIn(output)], [])
    assert.match(rig.log.warnings[0]?.message ?? '', /ENOSPC/)
  })

  test('lets the next one wait for those before it, though it could not even be compressed', async t => {
    const output = temporaryFolder()
    const compression = await loadCompression('gzip')
    let batches = 0
    const compress = (buffers: readonly Buffer[]): Promise<Buffer[]> =>
      ++batches === 2 ? Promise.reject(new PartLost('no memory')) : compression.compress(buffers)
    const options = { commitAt: 1, compression: { ...compression, compress } }
    const rig = await openArchive(t, { output, compression: 'gzip', options })
    const most = await slowSyncs(t)
    const [first, second, third] = [numbered(1), numbered(1, 1), numbered(1, 2)]
    for (const message of [...first, ...second]) rig.archiver.add(message)
    await answered(second)
    await archive(rig, third)
    await rig.archiver.close()
    assert.ok(finished(first) && wentBack(second) && finished(third))
    assert.equal(most(), 1)
    assert.deepEqual([filesIn(output), hiddenIn(output)], [['t-000000.log.gz'], []])
    assert.deepEqual(
      await bodiesIn(join(output, 't-000000.log.gz'), 'lines', 'gzip'),
      bodiesOf([...first, ...third]),
    )
  })

  test('leaves no zeros in a file that another program has cut meanwhile', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output })
    await archive(rig, numbered(3))
    truncateSync(join(output, 't-000000.log'))
    await failing(t, 'datasync', [1])
    const lost = numbered(1, 3)
    await archive(rig, lost)
    assert.ok(wentBack(lost))
    await archive(rig, numbered(1, 3))
    assert.ok(!readFileSync(join(output, 't-000000.log')).includes(0))
  })

  test('leaves a file that cannot be cut back to the next run, and another one is opened', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, compression: 'gzip', options: { commitAt: 5 } })
    const [first, second, third] = [numbered(5), numbered(5, 5), numbered(5, 10)]
    await archive(rig, first)
    await failing(t, 'datasync', [1])
    await failing(t, 'truncate', [1])
    await archive(rig, second)
    await archive(rig, third)
    await rig.archiver.close()
    assert.ok(finished(first) && wentBack(second) && finished(third))
    assert.equal(rig.archiver.progress.waiting, 1)
    assert.equal(rig.log.warnings.length, 1)
    assert.deepEqual(filesIn(output), ['t-000000.log.gz', 't-000001.log.gz'])
    assert.deepEqual(await bodiesIn(join(output, 't-000001.log.gz'), 'lines', 'gzip'), bodiesOf(third))

    const next = await openArchive(t, { output, compression: 'gzip' })
    assert.equal(next.archiver.progress.recovered, 1)
    // The batch was whole, though it was not to be trusted.
    assert.deepEqual(
      await bodiesIn(join(output, 't-000000.log.gz'), 'lines', 'gzip'),
      bodiesOf([...first, ...second]),
    )
    await until(() => hiddenIn(output).every(name => name.endsWith('.lock')))
  })

  test('or the same one, as soon as it can be cut, when it can have no other name', async t => {
    const output = temporaryFolder()
    const names = { format: '<TOPIC>.log', usesRevision: false }
    const rig = await openArchive(t, { output, names })
    await archive(rig, numbered(5))
    await failing(t, 'datasync', [1])
    await failing(t, 'truncate', [1, 2])
    for (let i = 1; i <= 3; i++) await archive(rig, numbered(5, 5 * i))
    assert.deepEqual(await bodiesIn(join(output, 't.log')), [
      ...bodiesOf(numbered(5)),
      ...bodiesOf(numbered(5, 15)),
    ])
  })

  test('ends the archive when the error will not pass', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, compression: 'gzip', options: { commitAt: 5 } })
    await archive(rig, numbered(5))
    await failing(t, 'datasync', [1], 'EIO')
    const lost = numbered(7, 5)
    for (const message of lost) rig.archiver.add(message)
    const error = await rig.archiver.failed
    assert.equal(error.code, 'E_ARCHIVE_WRITE')
    assert.match(error.message, /t-000000\.log\.gz: EIO/)
    const late = new FakeMessage('late')
    rig.archiver.add(late)
    for (const { requeued } of [...lost, late]) assert.deepEqual(requeued, [0, { backoff: false }])
    await rig.archiver.close()
    assert.deepEqual(await bodiesIn(join(output, 't-000000.log.gz'), 'lines', 'gzip'), bodiesOf(numbered(5)))
  })

  test('ends an archive that has an end, whatever the error', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, options: { failsAtOnce: true } })
    await failing(t, 'datasync', [1])
    const lost = numbered(5)
    await archive(rig, lost)
    await rig.archiver.failed
    for (const { requeued } of lost) assert.deepEqual(requeued, [0, { backoff: false }])
    await rig.archiver.close()
    assert.deepEqual(filesIn(output), [])
    assert.deepEqual(hiddenIn(output), [])
  })

  test('fails for its part alone', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, names: { format: '%H/<TOPIC><REV>.log' } })
    writeFileSync(join(output, '01'), 'a file where a folder has to be')
    const [good, bad] = [new FakeMessage('good', 0), new FakeMessage('bad', 3_600_000)]
    await archive(rig, [good, bad])
    assert.ok(good.isFinished)
    assert.deepEqual(bad.requeued, [0, { backoff: false }])
    assert.match((await rig.archiver.failed).message, /01/)
  })

  test('a name that is taken, when there is no other', async t => {
    const output = temporaryFolder()
    writeFileSync(join(output, 't.log.gz'), 'mine')
    const names = { format: '<TOPIC>.log', usesRevision: false }
    const rig = await openArchive(t, { output, names, compression: 'gzip' })
    await archive(rig, numbered(1))
    assert.equal((await rig.archiver.failed).code, 'E_ARCHIVE_NAME')
    await rig.archiver.close()
    assert.deepEqual(hiddenIn(output), [])
  })
})

const MIB = 1024 * 1024

describe('a full disk', () => {
  for (const compression of ['none', 'gzip'] as const) {
    test(`stops the archive until there is room (${compression})`, async t => {
      const disk = SmallDisk.mount(t, 2 * MIB)
      if (disk === undefined) return
      writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(MIB))
      const options = { commitAt: 100, rotateBytes: 300_000 }
      const rig = await openArchive(t, { output: disk.path, compression, options })
      const done: string[] = []
      const waiting: string[] = []
      for (let i = 0; waiting.length < 500; i++) {
        // Bodies that gzip makes no shorter than a third.
        const noise = Array.from({ length: 100 }, () => Math.random().toString(36).slice(2)).join('')
        const messages = Array.from({ length: 100 }, (_, n) => new FakeMessage(`${i} ${n} ${noise}`))
        await archive(rig, messages)
        for (const { body, isFinished } of messages) (isFinished ? done : waiting).push(body.toString())
      }
      rmSync(join(disk.path, 'ballast'))
      const again = waiting.map(body => new FakeMessage(body))
      await archive(rig, again)
      assert.ok(finished(again))
      await rig.archiver.close()
      const found: string[] = []
      const extension = compression === 'none' ? '.log' : '.log.gz'
      for (const file of filesIn(disk.path)) {
        if (file !== 'ballast') found.push(...(await bodiesIn(join(disk.path, file), 'lines', compression)))
        assert.ok(file.endsWith(extension))
      }
      assert.deepEqual(found.sort(), [...done, ...waiting].sort())
      assert.deepEqual(hiddenIn(disk.path), [])
    })
  }

  test('has no room for a new file: nothing is left of it', async t => {
    const disk = SmallDisk.mount(t, MIB)
    if (disk === undefined) return
    const rig = await openArchive(t, { output: disk.path })
    disk.fill()
    const lost = numbered(3)
    await archive(rig, lost)
    assert.ok(wentBack(lost))
    disk.makeRoom()
    const again = numbered(3)
    await archive(rig, again)
    assert.ok(finished(again))
    await rig.archiver.close()
    assert.deepEqual(await bodiesIn(join(disk.path, 't-000000.log')), bodiesOf(again))
  })

  test('that becomes read-only ends the archive, and what was finished is there', async t => {
    const disk = SmallDisk.mount(t, 2 * MIB)
    if (disk === undefined) return
    const work = temporaryFolder()
    const rig = await openArchive(t, { output: disk.path, work })
    await archive(rig, numbered(3))
    disk.remount('ro')
    await rig.archiver.close()
    const { waiting, files } = rig.archiver.progress
    assert.deepEqual([waiting, files], [1, 0])
    assert.match((await rig.archiver.failed).message, /EROFS/)
    assert.deepEqual(await bodiesIn(join(work, 't-000000.log')), bodiesOf(numbered(3)))

    disk.remount('rw')
    const next = await openArchive(t, { output: disk.path, work })
    await next.archiver.close()
    assert.deepEqual(await bodiesIn(join(disk.path, 't-000000.log')), bodiesOf(numbered(3)))
    assert.deepEqual(filesIn(work), [])
    assert.deepEqual([...hiddenIn(work), ...readdirSync(disk.path)], ['t-000000.log'])
  })
})
