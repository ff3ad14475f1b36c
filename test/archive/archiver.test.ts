import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  answered,
  archive,
  bodiesIn,
  bodiesOf,
  FakeMessage,
  filesIn,
  hiddenIn,
  numbered,
  openArchive,
  textOf,
} from './rig.ts'

describe('Archiver', () => {
  test('finishes messages when they are in a file', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output })
    const messages = numbered(5)
    await archive(rig, messages)
    assert.ok(messages.every(({ isFinished }) => isFinished))
    assert.deepEqual(filesIn(output), ['t-000000.log'])
    assert.equal(
      textOf(output, 't-000000.log'),
      bodiesOf(messages)
        .map(body => `${body}\n`)
        .join(''),
    )
    assert.deepEqual(
      rig.log.finishedIds,
      messages.map(({ id }) => id),
    )
    const { messages: count, bytes, files, inHand, currentFile } = rig.archiver.progress
    assert.deepEqual([count, bytes, files, inHand, currentFile], [5, 50, 0, 0, 't-000000.log'])
    await rig.archiver.close()
    assert.equal(rig.archiver.progress.files, 1)
    assert.deepEqual(rig.log.lines, ['opened t-000000.log', 'delivered t-000000.log'])
    assert.deepEqual(hiddenIn(output), [])
  })

  test('commits a batch that is full', async t => {
    const rig = await openArchive(t, { output: temporaryFolder(), options: { commitAt: 3 } })
    const messages = numbered(3)
    for (const message of messages) rig.archiver.add(message)
    await answered(messages)
    const next = new FakeMessage('next')
    rig.archiver.add(next)
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(!next.isAnswered)
    assert.equal(rig.archiver.progress.inHand, 1)
  })

  test('commits what has many bytes, whatever the number of messages', async t => {
    const rig = await openArchive(t, { output: temporaryFolder(), options: { commitAt: 1_000_000 } })
    const messages = numbered(40, 0, 200_000)
    for (const message of messages) rig.archiver.add(message)
    await answered(messages.slice(0, 21))
  })

  test('commits when the consumer is starved', async t => {
    let isStarved = false
    const options = { isStarved: () => isStarved }
    const rig = await openArchive(t, { output: temporaryFolder(), options })
    const [first, second] = [new FakeMessage('1'), new FakeMessage('2')]
    rig.archiver.add(first)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(rig.archiver.progress.inHand, 1)
    isStarved = true
    rig.archiver.add(second)
    await answered([first, second])
  })

  test('commits each sync interval', async t => {
    const rig = await openArchive(t, { output: temporaryFolder(), options: { syncIntervalMs: 5 } })
    const message = new FakeMessage('1')
    rig.archiver.add(message)
    await answered([message])
  })

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`keeps the order of many batches that are under way together (${compression})`, async t => {
      const output = temporaryFolder()
      const rig = await openArchive(t, { output, compression, options: { commitAt: 7 } })
      const messages = numbered(1000)
      for (const message of messages) rig.archiver.add(message)
      await rig.archiver.close()
      assert.ok(messages.every(({ isFinished }) => isFinished))
      const [name = ''] = filesIn(output)
      assert.deepEqual(await bodiesIn(join(output, name), 'lines', compression), bodiesOf(messages))
    })
  }

  test('says which messages are durable, and were not live any more', async t => {
    const rig = await openArchive(t, { output: temporaryFolder() })
    const messages = numbered(3)
    const [, lost] = messages
    assert.ok(lost !== undefined)
    lost.isLive = false
    await archive(rig, messages)
    assert.deepEqual(rig.log.unfinishedIds, [lost.id])
    assert.equal(rig.log.finishedIds.length, 3)
    const { messages: count, unfinished } = rig.archiver.progress
    assert.deepEqual([count, unfinished], [2, 1])
  })

  test('gives back what comes after close', async t => {
    const rig = await openArchive(t, { output: temporaryFolder() })
    const closing = rig.archiver.close()
    const message = new FakeMessage('late')
    rig.archiver.add(message)
    assert.deepEqual(message.requeued, [0, { backoff: false }])
    assert.equal(rig.archiver.close(), closing)
    await closing
    assert.equal(rig.archiver.progress.requeued, 1)
  })

  test('close waits for a commit that takes its time, and what was added meanwhile is committed', async t => {
    const output = temporaryFolder()
    let proceed: (() => void) | undefined
    const gate = new Promise<void>(resolve => {
      proceed = resolve
    })
    const rig = await openArchive(t, { output, options: { commitAt: 1 } })
    const { writes } = rig.folder
    // All that may write at a time wait.
    const blocked = Array.from({ length: 16 }, () => writes.use(() => gate))
    const messages = numbered(3)
    for (const message of messages) rig.archiver.add(message)
    let isClosed = false
    const closing = rig.archiver.close().then(() => (isClosed = true))
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(!isClosed && messages.every(({ isAnswered }) => !isAnswered))
    proceed?.()
    await Promise.all([...blocked, closing])
    assert.ok(messages.every(({ isFinished }) => isFinished))
  })

  test('flush resolves when nothing was added', async t => {
    const rig = await openArchive(t, { output: temporaryFolder() })
    await rig.archiver.flush()
    assert.deepEqual(filesIn(rig.folder.path), [])
  })
})

describe('Archiver.open', () => {
  test('keeps another archive from the same names, and no other', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output })
    await assert.rejects(openArchive(t, { output }), {
      code: 'E_ARCHIVE_LOCKED',
      message: new RegExp(`process ${process.pid} `),
    })
    await openArchive(t, { output, names: { topic: 'u' } })
    await rig.archiver.close()
    await openArchive(t, { output })
  })
})
