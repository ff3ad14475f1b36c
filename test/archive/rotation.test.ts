import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { loadCompression, type Compression } from '../../src/archive/compression.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { archive, bodiesIn, FakeMessage, filesIn, hiddenIn, numbered, openArchive, textOf } from './rig.ts'

const HOUR = 3_600_000
const NOON = Date.UTC(2026, 0, 2, 12)

/** A clock that stands still, for what asks for the time. */
function stopClock(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: NOON })
  return ms => t.mock.timers.setTime(ms)
}

describe('rotation by size', () => {
  test('counts bytes before compression, and one message may go over', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, compression: 'gzip', options: { rotateBytes: 100 } })
    await archive(rig, numbered(30, 0, 24))
    // 25 bytes each: the fifth goes over, the sixth opens the next file.
    await rig.archiver.close()
    const files = filesIn(output)
    assert.deepEqual(
      files,
      Array.from({ length: 6 }, (_, i) => `t-00000${i}.log.gz`),
    )
    for (const file of files) {
      assert.equal((await bodiesIn(join(output, file), 'lines', 'gzip')).length, 5)
      execFileSync('gzip', ['-t', join(output, file)])
    }
  })

  test('continues a file that is short enough, and leaves one that is not', async t => {
    const output = temporaryFolder()
    writeFileSync(join(output, 't-000000.log'), `${'x'.repeat(200)}\n`)
    writeFileSync(join(output, 't-000001.log'), 'first\n')
    const rig = await openArchive(t, { output, options: { rotateBytes: 10 } })
    await archive(rig, [new FakeMessage('second'), new FakeMessage('third')])
    await archive(rig, [new FakeMessage('fourth')])
    await rig.archiver.close()
    assert.equal(textOf(output, 't-000001.log'), 'first\nsecond\nthird\n')
    assert.equal(textOf(output, 't-000002.log'), 'fourth\n')
    assert.deepEqual(rig.log.lines.sort(), [
      'continued t-000001.log',
      'delivered t-000001.log',
      'delivered t-000002.log',
      'opened t-000002.log',
    ])
  })
})

describe('rotation by time', () => {
  const names = { format: '<TOPIC>.<DATETIME><REV>.log', datetimeFormat: '%Y%m%d%H%M%S' }

  test('the name is that of now', async t => {
    const output = temporaryFolder()
    const setTime = stopClock(t)
    const rig = await openArchive(t, { output, names })
    await archive(rig, [new FakeMessage('1')])
    setTime(NOON + 1000)
    await archive(rig, [new FakeMessage('2')])
    await archive(rig, [new FakeMessage('3')])
    assert.equal(filesIn(output).length, 2)
    await until(() => rig.archiver.progress.files === 1)
    await rig.archiver.close()
    const [first = '', second = ''] = filesIn(output)
    assert.deepEqual([textOf(output, first), textOf(output, second)], ['1\n', '2\n3\n'])
  })

  test('each interval has a file, that is new even if one is there', async t => {
    const output = temporaryFolder()
    writeFileSync(join(output, 't-000000.log'), 'old\n')
    const setTime = stopClock(t)
    const rig = await openArchive(t, { output, options: { rotateIntervalMs: HOUR } })
    await archive(rig, [new FakeMessage('1')])
    setTime(NOON + HOUR - 1)
    await archive(rig, [new FakeMessage('2')])
    setTime(NOON + HOUR)
    await archive(rig, [new FakeMessage('3')])
    assert.equal(textOf(output, 't-000000.log'), 'old\n')
    assert.equal(textOf(output, 't-000001.log'), '1\n2\n')
    assert.equal(textOf(output, 't-000002.log'), '3\n')
  })

  test('an interval is over when the clock was set back by as much: it would last until then again', async t => {
    const output = temporaryFolder()
    const setTime = stopClock(t)
    const rig = await openArchive(t, { output, options: { rotateIntervalMs: HOUR } })
    await archive(rig, [new FakeMessage('1')])
    setTime(NOON - 1000)
    await archive(rig, [new FakeMessage('2')])
    setTime(NOON - 24 * HOUR)
    await archive(rig, [new FakeMessage('3')])
    assert.equal(textOf(output, 't-000000.log'), '1\n2\n')
    assert.equal(textOf(output, 't-000001.log'), '3\n')
  })

  test('closes a file whose time is over without messages, and opens none with --skip-empty-files', async t => {
    const output = temporaryFolder()
    const setTime = stopClock(t)
    const rig = await openArchive(t, { output, names, options: { syncIntervalMs: 5 } })
    await archive(rig, [new FakeMessage('1')])
    assert.equal(rig.archiver.progress.files, 0)
    setTime(NOON + 1000)
    await until(() => rig.archiver.progress.files === 1)
    assert.equal(filesIn(output).length, 1)
    await archive(rig, [new FakeMessage('2')])
    assert.equal(filesIn(output).length, 2)
  })

  test('has a file for each time without it, that other programs can read', async t => {
    const output = temporaryFolder()
    const setTime = stopClock(t)
    const options = { syncIntervalMs: 5, keepsEmptyFiles: true }
    const rig = await openArchive(t, { output, names, compression: 'gzip', options })
    for (let second = 1; second <= 3; second++) {
      await until(() => filesIn(output).length === second)
      setTime(NOON + second * 1000)
      await until(() => rig.archiver.progress.files === second)
    }
    await archive(rig, [new FakeMessage('1')])
    await rig.archiver.close()
    const texts = filesIn(output).map(name => gunzipSync(readFileSync(join(output, name))).toString())
    assert.deepEqual(texts, ['', '', '', '1\n'])
    assert.deepEqual(hiddenIn(output), [])
  })
})

describe('hangup', () => {
  test('commits, and closes all files; the next message opens one', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, compression: 'gzip' })
    const message = new FakeMessage('1')
    rig.archiver.add(message)
    rig.archiver.hangup()
    await until(() => rig.archiver.progress.files === 1)
    assert.ok(message.isFinished)
    assert.deepEqual(filesIn(output), ['t-000000.log.gz'])
    rig.archiver.hangup()
    await archive(rig, [new FakeMessage('2')])
    assert.deepEqual(filesIn(output), ['t-000000.log.gz', 't-000001.log.gz'])
  })

  test('goes on with the same file when there is no other name for it', async t => {
    const output = temporaryFolder()
    const names = { format: '<TOPIC>.log', usesRevision: false }
    const rig = await openArchive(t, { output, names })
    for (const message of numbered(50)) {
      rig.archiver.add(message)
      rig.archiver.hangup()
    }
    await rig.archiver.close()
    assert.deepEqual(
      await bodiesIn(join(output, 't.log')),
      numbered(50).map(({ body }) => body.toString()),
    )
    assert.deepEqual(hiddenIn(output), [])
  })

  test('lets go of a file that was renamed', async t => {
    const output = temporaryFolder()
    const names = { format: '<TOPIC>.log', usesRevision: false }
    const rig = await openArchive(t, { output, names })
    await archive(rig, [new FakeMessage('1')])
    renameSync(join(output, 't.log'), join(output, 't.log.1'))
    await archive(rig, [new FakeMessage('2')])
    rig.archiver.hangup()
    await archive(rig, [new FakeMessage('3')])
    assert.equal(textOf(output, 't.log.1'), '1\n2\n')
    assert.equal(textOf(output, 't.log'), '3\n')
  })
})

describe('files that are there', () => {
  test('are continued, with a newline where another program was interrupted', async t => {
    const output = temporaryFolder()
    writeFileSync(join(output, 't-000000.log'), 'whole\ntorn')
    const rig = await openArchive(t, { output })
    await archive(rig, [new FakeMessage('1')])
    await archive(rig, [new FakeMessage('2')])
    assert.equal(textOf(output, 't-000000.log'), 'whole\ntorn\n1\n2\n')
  })

  test('are never touched when compressed', async t => {
    const output = temporaryFolder()
    writeFileSync(join(output, 't-000000.log.gz'), 'mine')
    symlinkSync('/nowhere', join(output, 't-000001.log.gz'))
    mkdirSync(join(output, 't-000002.log.gz'))
    const rig = await openArchive(t, { output, compression: 'gzip' })
    await archive(rig, [new FakeMessage('1')])
    assert.equal(textOf(output, 't-000000.log.gz'), 'mine')
    assert.deepEqual(await bodiesIn(join(output, 't-000003.log.gz'), 'lines', 'gzip'), ['1'])
  })

  test('are continued through a symbolic link', async t => {
    const output = temporaryFolder()
    const other = temporaryFolder()
    symlinkSync(join(other, 'there.log'), join(output, 't-000000.log'))
    const rig = await openArchive(t, { output })
    await archive(rig, [new FakeMessage('1')])
    assert.equal(textOf(other, 'there.log'), '1\n')
  })

  test('are opened anew when another program has cut them, as logrotate does with copytruncate', async t => {
    const [output, copy] = [temporaryFolder(), temporaryFolder()]
    const names = { format: '<TOPIC>.log', usesRevision: false }
    writeFileSync(join(output, 't.log'), Buffer.concat([Buffer.of(0, 0, 0, 90), Buffer.alloc(90, 'before')]))
    const rig = await openArchive(t, { output, names, framing: 'length' })
    await archive(rig, numbered(3))
    truncateSync(join(output, 't.log'))
    const unsure = numbered(3, 3)
    await archive(rig, unsure)
    // They are in the file if it was cut before they were written, and not if it was cut after that.
    for (const { requeued } of unsure) assert.deepEqual(requeued, [1000])
    const again = [...numbered(3, 3), ...numbered(20, 6)]
    await archive(rig, again)
    assert.ok(again.every(({ isFinished }) => isFinished))

    // What a crash would leave now.
    cpSync(output, copy, { recursive: true })
    for (const name of readdirSync(join(copy, '.nsq-ts')))
      if (name.endsWith('.lock')) rmSync(join(copy, '.nsq-ts', name))
    const next = await openArchive(t, { output: copy, names, framing: 'length' })
    await next.archiver.close()
    const found = new Set(await bodiesIn(join(copy, 't.log'), 'length'))
    for (const { body } of again) assert.ok(found.has(body.toString()), body.toString())
  })

  test('a folder that was removed is made again, and what was not in it before is not lost', async t => {
    const output = join(temporaryFolder(), 'deep', 'down')
    const rig = await openArchive(t, { output, names: { format: 'x/<TOPIC><REV>.log' } })
    await archive(rig, [new FakeMessage('1')])
    rmSync(output, { recursive: true })
    const lost = new FakeMessage('2')
    await archive(rig, [lost])
    assert.deepEqual(lost.requeued, [1000])
    await archive(rig, [new FakeMessage('2')])
    assert.equal(filesIn(output).length, 1)
    await rig.archiver.close()
    assert.equal(textOf(output, filesIn(output)[0] ?? ''), '2\n')
    assert.equal(rig.archiver.progress.waiting, 0)
  })
})

/** A message whose time is so many hours after noon. */
function at(hour: number, body: string): FakeMessage {
  return new FakeMessage(body, NOON + hour * HOUR)
}

describe('partitions', () => {
  const names = { format: 'dt=%Y-%m-%d/hour=%H/<TOPIC><REV>.log' }

  test('messages go where their time is, whatever their order', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, names })
    await archive(rig, [at(0, '1'), at(1, '2'), at(0, '3'), at(-24, '4')])
    await archive(rig, [at(1, '5')])
    assert.deepEqual(filesIn(output), [
      'dt=2026-01-01/hour=12/t-000000.log',
      'dt=2026-01-02/hour=12/t-000000.log',
      'dt=2026-01-02/hour=13/t-000000.log',
    ])
    assert.equal(textOf(output, 'dt=2026-01-02/hour=12/t-000000.log'), '1\n3\n')
    assert.equal(textOf(output, 'dt=2026-01-02/hour=13/t-000000.log'), '2\n5\n')
    await rig.archiver.close()
    assert.equal(rig.archiver.progress.files, 3)
  })

  test('of which there are more than may be open', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output, names, compression: 'gzip', options: { commitAt: 150 } })
    // Each hour comes three times, when others have taken its place since.
    const messages = Array.from({ length: 300 }, (_, i) => at(i % 100, String(i)))
    for (const message of messages) rig.archiver.add(message)
    await rig.archiver.close()
    assert.ok(messages.every(({ isFinished }) => isFinished))
    const found: string[] = []
    for (const file of filesIn(output)) found.push(...(await bodiesIn(join(output, file), 'lines', 'gzip')))
    assert.deepEqual(found.sort(), messages.map(({ body }) => body.toString()).sort())
  })

  test('are compressed a few at a time, however many there are: each takes memory', async t => {
    const gzip = await loadCompression('gzip')
    let [underWay, most] = [0, 0]
    const compression: Compression = {
      ...gzip,
      compress: async buffers => {
        most = Math.max(most, ++underWay)
        const compressed = await gzip.compress(buffers)
        underWay--
        return compressed
      },
    }
    const output = temporaryFolder()
    const names = { format: '%Y%m%d%H<REV>.log', extension: '.gz' } as const
    const rig = await openArchive(t, { output, names, options: { compression } })
    const messages = Array.from({ length: 100 }, (_, hour) => at(hour, 'x'))
    await archive(rig, messages)
    assert.ok(messages.every(({ isFinished }) => isFinished))
    assert.ok(most <= 16, `${most}`)
  })

  test('to which nothing came for a while are complete', async t => {
    const output = temporaryFolder()
    const setTime = stopClock(t)
    const rig = await openArchive(t, { output, names, options: { syncIntervalMs: 5, keepsEmptyFiles: true } })
    await archive(rig, [at(0, '1'), at(1, '2')])
    setTime(NOON + 4 * 60_000)
    await archive(rig, [at(1, '3')])
    assert.equal(rig.archiver.progress.files, 0)
    setTime(NOON + 6 * 60_000)
    await until(() => rig.archiver.progress.files === 1)
    assert.equal(rig.log.parts[0]?.name, 'dt=2026-01-02/hour=12/t-000000.log')
    // What comes late has a file of its own.
    await archive(rig, [at(0, '4')])
    assert.equal(textOf(output, 'dt=2026-01-02/hour=12/t-000001.log'), '4\n')
    setTime(NOON - HOUR)
    await until(() => rig.archiver.progress.files === 3)
  })
})
