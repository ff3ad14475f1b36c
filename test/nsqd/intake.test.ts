import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Intake, type IntakeHost } from '../../src/nsqd/intake.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { recover } from '../../src/storage/recovery.ts'
import { ordinalAt, type Position } from '../../src/storage/position.ts'
import { openLog, put, Reader, replaceFs, systemError } from '../storage/fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'

type Durability = 'none' | 'process' | 'power'

/** A topic's part in it; commits when it is told to. */
class Host implements IntakeHost {
  readonly name = 't'
  readonly options: IntakeHost['options']
  readonly calls: string[] = []
  commitsAsked = 0

  constructor(durability: Durability, options: Partial<IntakeHost['options']> = {}) {
    this.options = { durability, syncEvery: 1000, syncTimeout: 60_000, ...options }
  }

  commitLater(): void {
    this.commitsAsked++
  }

  committed(end: Position): void {
    this.calls.push(`committed ${ordinalAt(end)}`)
  }

  makeRoom(): boolean {
    return false
  }

  diskResult(error: Error | null): void {
    if (error !== null) this.calls.push(`disk: ${error.message}`)
  }
}

interface Fixture {
  host: Host
  log: TopicLog
  intake: Intake
  readonly put: (body: string) => void
}

function setUp(
  t: TestContext,
  durability: Durability,
  options: Partial<IntakeHost['options']> = {},
): Fixture {
  const host = new Host(durability, options)
  const log = openLog(t, temporaryFolder())
  const intake = new Intake(host, log)
  t.after(() => intake.close())
  const put = (body: string): void => {
    const bytes = Buffer.from(body)
    intake.put(bytes, 0, bytes.length)
    intake.awaitCommit({
      acknowledge: () => host.calls.push(`OK ${body}`),
      refuse: error => host.calls.push(`${error.code} ${body}`),
    })
  }
  return { host, log, intake, put }
}

/** Syncs that wait until they are let go, with this error if any. */
function slowSyncs(t: TestContext): ((error?: Error) => void)[] {
  const waiting: ((error?: Error) => void)[] = []
  // The folder of a new segment is synced at once.
  replaceFs(t, 'open', () => (_path: string, _flags: string, done: (error: null, fd: number) => void) => {
    done(null, 0)
  })
  for (const name of ['fsync', 'close'] as const) {
    replaceFs(t, name, () => (_fd: number, done: (error: null) => void) => done(null))
  }
  replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error | null) => void) => {
    waiting.push(error => done(error ?? null))
  })
  return waiting
}

describe('--durability', () => {
  test('none: acknowledged at once', t => {
    const { host, intake, put } = setUp(t, 'none')
    put('a')
    put('b')
    assert.deepEqual([host.calls, host.commitsAsked], [['OK a', 'OK b'], 2])
    intake.commit()
    assert.deepEqual(host.calls, ['OK a', 'OK b', 'committed 2'])
  })

  test('process: acknowledged behind the write', t => {
    const { host, intake, put } = setUp(t, 'process')
    put('a')
    put('b')
    intake.commit()
    assert.deepEqual(host.calls, ['committed 2', 'OK a', 'OK b'])
    intake.commit()
    assert.equal(host.calls.length, 3)
  })

  test('power: acknowledged behind the sync; what comes meanwhile waits for the next', t => {
    const syncs = slowSyncs(t)
    const { host, intake, log, put } = setUp(t, 'power')
    const letGo = (): void => {
      for (const done of syncs.splice(0)) done()
    }
    put('a')
    intake.commit()
    put('b')
    put('c')
    intake.commit()
    assert.deepEqual([host.calls, log.endOrdinal], [[], 1])
    const asked = host.commitsAsked
    letGo()
    assert.deepEqual(host.calls, ['committed 1', 'OK a'])
    assert.equal(host.commitsAsked, asked + 1)
    intake.commit()
    letGo()
    assert.deepEqual(host.calls.slice(2), ['committed 3', 'OK b', 'OK c'])
    assert.equal(host.commitsAsked, asked + 1)
  })
})

describe('a disk that refuses', () => {
  for (const durability of ['process', 'power'] as const) {
    test(`a write is told to who published, ${durability}`, async t => {
      const { host, intake, log, put } = setUp(t, durability)
      const restore = replaceFs(t, 'writeSync', () => () => {
        throw systemError('ENOSPC')
      })
      put('a')
      put('b')
      intake.commit()
      restore()
      assert.deepEqual(host.calls, ['disk: ENOSPC: injected', 'E_PUB_FAILED a', 'E_PUB_FAILED b'])
      assert.deepEqual([intake.messageCount, intake.messageBytes], [0, 0])
      put('c')
      intake.commit()
      await until(() => host.calls.length === 5)
      assert.deepEqual(host.calls.slice(3), ['committed 1', 'OK c'])
      assert.deepEqual(new Reader(log).take(), ['c'])
    })
  }

  test('a write is no longer the publisher\'s concern with "none"', t => {
    const { host, intake, put } = setUp(t, 'none')
    replaceFs(t, 'writeSync', () => () => {
      throw systemError('ENOSPC')
    })
    put('a')
    intake.commit()
    assert.deepEqual(host.calls, ['OK a', 'disk: ENOSPC: injected'])
  })

  test('a sync: nothing is acknowledged, and the next one covers it too', async t => {
    const syncs = slowSyncs(t)
    const { host, intake, put } = setUp(t, 'power')
    put('a')
    intake.commit()
    for (const done of syncs.splice(0)) done(systemError('EIO'))
    assert.deepEqual(host.calls, ['disk: EIO: injected', 'E_PUB_FAILED a'])
    put('b')
    intake.commit()
    // What was not synced is read back and written once more before.
    await until(() => {
      for (const done of syncs.splice(0)) done()
      return host.calls.length === 4
    })
    assert.deepEqual(host.calls.slice(2), ['committed 2', 'OK b'])
  })
})

describe('what a power cut can take', () => {
  test('is synced when there is enough of it', async t => {
    const syncs = slowSyncs(t)
    const { intake, put } = setUp(t, 'process', { syncEvery: 3 })
    for (const body of ['a', 'b']) {
      put(body)
      intake.commit()
    }
    assert.equal(syncs.length, 0)
    put('c')
    intake.commit()
    assert.equal(syncs.length, 2)
    // During a sync others are not begun.
    for (let i = 0; i < 5; i++) {
      put(String(i))
      intake.commit()
    }
    assert.equal(syncs.length, 2)
    for (const done of syncs.splice(0)) done()
    await until(() => syncs.length === 2)
  })

  test('is not synced without a rest between two syncs', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const syncs = slowSyncs(t)
    const { intake, put } = setUp(t, 'process', { syncEvery: 1 })
    const publish = (): void => {
      put('a')
      intake.commit()
    }
    publish()
    // Records and index.
    assert.equal(syncs.length, 2)
    publish()
    for (const done of syncs.splice(0)) done()
    publish()
    assert.equal(syncs.length, 0)
    t.mock.timers.tick(10)
    assert.equal(syncs.length, 2)
    for (const done of syncs.splice(0)) done()
    t.mock.timers.tick(10)
    assert.equal(syncs.length, 0)
    publish()
    assert.equal(syncs.length, 2)
  })

  test('is synced after a while', async t => {
    const syncs = slowSyncs(t)
    const { intake, put } = setUp(t, 'process', { syncTimeout: 20 })
    put('a')
    intake.commit()
    await until(() => syncs.length === 2)
    for (const done of syncs.splice(0)) done()
    put('b')
    intake.commit()
    await until(() => syncs.length === 2)
  })
})

test('what a killed process has left is synced after a while, though nothing comes', async t => {
  const folder = temporaryFolder()
  put(openLog(t, folder), 'a')
  let syncs = 0
  replaceFs(t, 'fdatasync', () => (_: number, done: (error: null) => void) => {
    syncs++
    done(null)
  })
  for (const durability of ['power', 'process'] as const) {
    const { segments } = recover(folder, new Map())
    const intake = new Intake(new Host(durability, { syncTimeout: 20 }), openLog(t, folder, { segments }))
    t.after(() => intake.close())
    assert.equal(syncs, 0)
  }
  await until(() => syncs === 2)
})

test('publishers are held back while too much waits for the disk', t => {
  const syncs = slowSyncs(t)
  const { intake, put } = setUp(t, 'power')
  put('a')
  intake.commit()
  assert.equal(intake.isBehind, false)
  for (let i = 0; i < 17; i++) put('x'.repeat(1024 * 1024))
  assert.equal(intake.isBehind, true)
  for (const done of syncs.splice(0)) done()
  intake.commit()
  assert.equal(intake.isBehind, false)
  for (let i = 0; i < 10_001; i++) put('x')
  assert.equal(intake.isBehind, true)
})

test('what is not committed when the topic goes is refused', t => {
  const { host, intake, put } = setUp(t, 'process')
  put('a')
  intake.close()
  assert.deepEqual(host.calls, ['E_PUB_FAILED a'])
})

test('sized and deferred messages are taken in as they are', t => {
  const { intake, log } = setUp(t, 'process')
  const sized = Buffer.from('\0\0\0\x02ab\0\0\0\x01c')
  intake.putSized(sized, 0, sized.length, 2)
  const deferred = Buffer.from('deferred')
  intake.putDeferred(deferred, 0, deferred.length, 5)
  intake.commit()
  assert.deepEqual([intake.messageCount, intake.messageBytes], [3, 11])
  assert.deepEqual(new Reader(log).take(), ['ab', 'c', 'deferred'])
})
