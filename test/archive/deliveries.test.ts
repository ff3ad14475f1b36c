import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Deliveries, type Delivery } from '../../src/archive/deliveries.ts'
import type { Delivered, Destination, SealedPart } from '../../src/archive/destination.ts'
import type { Manifest } from '../../src/archive/manifest.ts'
import { Slots } from '../../src/util/slots.ts'
import { NsqError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { answered, archive, filesIn, hiddenIn, numbered, openArchive } from './rig.ts'

/** A destination that fails when it is told to, for as long as it is told to. */
class Bucket implements Destination {
  readonly kind = 's3'
  readonly id = 's3://bucket/prefix'
  /** What `deliver` throws. */
  error: NsqError | undefined
  isTransientError = true
  attempts = 0
  underWay = 0
  mostUnderWay = 0
  readonly names: string[] = []
  readonly signals: AbortSignal[] = []
  /** What `deliver` waits for. */
  gate: Promise<void> | undefined

  async deliver({ name }: SealedPart, signal: AbortSignal): Promise<Delivered> {
    this.attempts++
    this.signals.push(signal)
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
    await (this.gate ?? new Promise(resolve => setImmediate(resolve)))
    this.underWay--
    if (this.error !== undefined) throw this.error
    this.names.push(name)
    return { name, location: `${this.id}/${name}` }
  }

  isTransient(): boolean {
    return this.isTransientError
  }

  async close(): Promise<void> {}
}

const SLOW_DOWN = new NsqError('E_S3', 'SlowDown')

interface Rig {
  deliveries: Deliveries
  bucket: Bucket
  events: string[]
  add: (manifest?: Manifest, destination?: Destination) => Promise<void>
  folder: string
}

function rig(retryMs = 1): Rig {
  const folder = temporaryFolder()
  const bucket = new Bucket()
  const events: string[] = []
  const deliveries = new Deliveries(
    new Slots(4),
    {
      delivered: ({ name }) => events.push(`delivered ${name}`),
      warned: ({ message }) => events.push(`warned ${message}`),
      failed: ({ message }) => events.push(`failed ${message}`),
    },
    retryMs,
  )
  let number = 0
  const add = (manifest?: Manifest, destination: Destination = bucket): Promise<void> => {
    const name = `part-${++number}`
    const delivery: Delivery = {
      part: { ...PART, name, path: join(folder, name) },
      markerPath: join(folder, `${name}.marker`),
      destination,
      manifest,
    }
    writeFileSync(delivery.part.path, 'content')
    writeFileSync(delivery.markerPath, '{}')
    return deliveries.add(delivery)
  }
  return { deliveries, bucket, events, add, folder }
}

const PART: SealedPart = {
  path: '',
  name: '',
  template: 't<REV>',
  topic: 't',
  channel: 'c',
  framing: 'lines',
  compression: 'none',
  records: 1,
  bytes: 7,
  sha256: undefined,
  from: undefined,
  to: undefined,
  recovered: false,
}

describe('Deliveries', () => {
  test('removes a part, and last its marker, when it is delivered', async () => {
    const { deliveries, events, add, folder } = rig()
    await add()
    assert.deepEqual(events, ['delivered part-1'])
    assert.deepEqual(readdirSync(folder), [])
    assert.equal(deliveries.waiting, 0)
  })

  test('makes a few at a time', async () => {
    const { bucket, add } = rig()
    await Promise.all(Array.from({ length: 20 }, () => add()))
    assert.equal(bucket.mostUnderWay, 4)
    assert.equal(bucket.names.length, 20)
  })

  test('tries again, until an error has passed', async () => {
    const { deliveries, bucket, events, add } = rig()
    bucket.error = SLOW_DOWN
    const done = add()
    await until(() => bucket.attempts === 3)
    assert.equal(deliveries.waiting, 1)
    bucket.error = undefined
    await done
    assert.deepEqual(events.slice(0, 2), ['warned SlowDown', 'warned SlowDown'])
    assert.equal(events.at(-1), 'delivered part-1')
  })

  test('does not deliver again what only the manifest did not take', async () => {
    const { bucket, events, add, folder } = rig()
    let lines = 0
    const manifest: Manifest = {
      async add({ path }) {
        assert.ok(existsSync(path))
        if (++lines < 3) throw SLOW_DOWN
      },
      async close() {},
    }
    await add(manifest)
    assert.equal(bucket.attempts, 1)
    assert.equal(lines, 3)
    assert.equal(events.at(-1), 'delivered part-1')
    assert.deepEqual(readdirSync(folder), [])
  })

  test('ends at an error that will not pass, and keeps what is not delivered', async () => {
    const { deliveries, bucket, events, add, folder } = rig()
    bucket.error = new NsqError('E_S3_DENIED', 'denied')
    bucket.isTransientError = false
    await Promise.all([add(), add(), add()])
    assert.deepEqual(events, ['failed denied'])
    assert.equal(deliveries.waiting, 3)
    assert.equal(readdirSync(folder).length, 6)
    await add()
    assert.equal(bucket.attempts, 3)
    await deliveries.close()
  })

  test('goes on with what belongs to another destination', async () => {
    const { deliveries, bucket, events, add } = rig()
    bucket.error = new NsqError('E_S3_DENIED', 'denied')
    bucket.isTransientError = false
    await add()
    const other = new Bucket()
    await add(undefined, other)
    assert.deepEqual(events, ['failed denied', 'delivered part-2'])
    assert.deepEqual([bucket.attempts, other.attempts, deliveries.waiting], [1, 1, 1])
  })

  test('close tries what waits at once, and gives up after ten seconds', async t => {
    const { deliveries, bucket, events, add, folder } = rig(600_000)
    t.mock.method(performance, 'now', () => now)
    let now = 0
    bucket.error = SLOW_DOWN
    const adding = [add(), add()]
    await until(() => events.length === 2)
    const { attempts } = bucket
    now = 1
    const closing = deliveries.close()
    now = 10_002
    await Promise.all([closing, ...adding])
    assert.ok(bucket.attempts > attempts)
    assert.equal(deliveries.waiting, 2)
    assert.equal(readdirSync(folder).length, 4)
    assert.ok(bucket.signals.every(({ aborted }) => aborted))
  })

  test('close delivers all that can be delivered, however long it takes', async t => {
    const { deliveries, bucket, add } = rig()
    let now = 0
    t.mock.method(performance, 'now', () => (now += 5000))
    const adding = Array.from({ length: 20 }, () => add())
    await deliveries.close()
    await Promise.all(adding)
    assert.equal(bucket.names.length, 20)
  })
})

describe('an archive with a spool', () => {
  test('finishes messages when they are in the spool, and uploads each part under a name of its own', async t => {
    const [output, bucket] = [temporaryFolder(), new Bucket()]
    let open: (() => void) | undefined
    bucket.gate = new Promise(resolve => {
      open = resolve
    })
    const options = { rotateBytes: 1, commitAt: 1 }
    const archiver = await openArchive(t, { output, destination: bucket, compression: 'gzip', options })
    const messages = numbered(10)
    for (const message of messages) await archive(archiver, [message])
    assert.ok(messages.every(({ isFinished }) => isFinished))
    assert.equal(archiver.archiver.progress.files, 0)
    await until(() => archiver.archiver.progress.waiting === 9)
    open?.()
    await archiver.archiver.close()
    assert.equal(new Set(bucket.names).size, 10)
    for (const name of bucket.names) assert.match(name, /^t-\d{8}T\d{6}Z-[0-9a-f]{8}\.log\.gz$/)
    assert.deepEqual([...filesIn(output), ...hiddenIn(output)], [])
  })

  test('fails when nothing can be uploaded, and the next run uploads what waits', async t => {
    const [output, bucket] = [temporaryFolder(), new Bucket()]
    bucket.error = new NsqError('E_S3_DENIED', 'denied')
    bucket.isTransientError = false
    const first = await openArchive(t, { output, destination: bucket })
    await archive(first, numbered(3))
    await first.archiver.close()
    assert.equal((await first.archiver.failed).code, 'E_S3_DENIED')
    assert.equal(first.archiver.progress.waiting, 1)
    const names = filesIn(output)

    bucket.error = undefined
    const second = await openArchive(t, { output, destination: bucket })
    await second.archiver.close()
    assert.deepEqual(bucket.names, names)
    assert.deepEqual([...filesIn(output), ...hiddenIn(output)], [])
  })
})

describe('an archive with a spool in which files for another bucket wait', () => {
  test('goes on when that one takes nothing any more', async t => {
    const [output, old, own] = [temporaryFolder(), new Bucket(), new Bucket()]
    old.error = new NsqError('E_S3_DENIED', 'denied')
    old.isTransientError = false
    const first = await openArchive(t, { output, destination: old })
    await archive(first, numbered(1))
    await first.archiver.close()

    Object.assign(own, { id: 's3://bucket/other' })
    const openDestination = (): Promise<Destination> => Promise.resolve(old)
    const second = await openArchive(t, { output, destination: own, openDestination })
    await until(() => second.log.warnings.length === 1)
    const messages = numbered(3)
    await archive(second, messages)
    await second.archiver.close()
    assert.ok(messages.every(({ isFinished }) => isFinished))
    assert.equal(own.names.length, 1)
    assert.equal(second.archiver.progress.waiting, 1)
  })
})

describe('an archive that finishes messages after delivery', () => {
  const delivered = { finishAfter: 'delivered' } as const

  test('makes a part of each batch, and finishes its messages when that is delivered', async t => {
    const [output, bucket] = [temporaryFolder(), new Bucket()]
    let open: (() => void) | undefined
    bucket.gate = new Promise(resolve => {
      open = resolve
    })
    const options = { ...delivered, commitAt: 5 }
    const { archiver } = await openArchive(t, { output, destination: bucket, compression: 'gzip', options })
    const messages = numbered(10)
    for (const message of messages) archiver.add(message)
    await until(() => bucket.underWay === 2)
    assert.ok(messages.every(({ isAnswered }) => !isAnswered))
    assert.equal(archiver.progress.inHand, 10)
    open?.()
    await answered(messages)
    assert.ok(messages.every(({ isFinished }) => isFinished))
    assert.equal(archiver.progress.files, 2)
    assert.deepEqual([...filesIn(output)], [])
  })

  for (const failsAtOnce of [false, true]) {
    test(`gives the messages back when it is not, ${failsAtOnce ? 'and ends' : 'and goes on'}`, async t => {
      const [output, bucket] = [temporaryFolder(), new Bucket()]
      bucket.error = SLOW_DOWN
      const options = { ...delivered, failsAtOnce }
      const rig = await openArchive(t, { output, destination: bucket, options })
      const lost = numbered(3)
      await archive(rig, lost)
      assert.deepEqual([...filesIn(output)], [])
      for (const { requeued } of lost)
        assert.deepEqual(requeued, failsAtOnce ? [0, { backoff: false }] : [1000])
      if (failsAtOnce) {
        assert.equal(await rig.archiver.failed, SLOW_DOWN)
        return
      }
      bucket.error = undefined
      const again = numbered(3)
      await archive(rig, again)
      assert.ok(again.every(({ isFinished }) => isFinished))
      assert.equal(bucket.names.length, 1)
    })
  }

  test('leaves nothing in its folder of what could not be delivered', async t => {
    const [output, bucket] = [temporaryFolder(), new Bucket()]
    bucket.error = SLOW_DOWN
    const names = { format: 'dt=%Y/<TOPIC><REV>.log' }
    const rig = await openArchive(t, { output, names, destination: bucket, options: delivered })
    await archive(rig, numbered(3))
    await rig.archiver.close()
    assert.deepEqual([readdirSync(output), hiddenIn(output)], [['.nsq-ts'], []])
  })

  test('waits for the manifest, too', async t => {
    const [output, bucket] = [temporaryFolder(), new Bucket()]
    const listed: SealedPart[] = []
    const messages = numbered(3)
    const manifest: Manifest = {
      add: async part => {
        assert.ok(messages.every(({ isAnswered }) => !isAnswered))
        listed.push(part)
      },
      close: async () => {},
    }
    const rig = await openArchive(t, { output, destination: bucket, manifest, options: delivered })
    await archive(rig, messages)
    assert.ok(messages.every(({ isFinished }) => isFinished))
    const [part] = listed
    const ns = 1_700_000_000_000_000_000n
    assert.deepEqual([part?.records, part?.from, part?.to], [3, ns, ns])
    assert.match(part?.sha256 ?? '', /^[0-9a-f]{64}$/)
  })
})
