import assert from 'node:assert/strict'
import { appendFileSync, truncateSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import type { SealedPart } from '../../../src/archive/destination.ts'
import { S3Error } from '../../../src/archive/s3/error.ts'
import { partBytes } from '../../../src/archive/s3/multipart.ts'
import { S3Destination } from '../../../src/archive/s3/s3-destination.ts'
import { seeded } from '../../storage/random.ts'
import { type S3FaultOptions, S3Faults } from '../../support/s3-faults.ts'
import { S3Server } from '../../support/s3-server.ts'
import { pause, until } from '../../support/wait.ts'
import {
  BUCKET,
  distinctBytes,
  MIB,
  NEVER,
  openDestination,
  PART_BYTES,
  partOf,
  THREE_PARTS,
  TWO_PARTS,
  useEnv,
} from './fixtures.ts'

async function rig(t: TestContext): Promise<{ server: S3Server; destination: S3Destination }> {
  const server = await S3Server.start(t)
  useEnv(t, server)
  await server.createBucket(BUCKET)
  return { server, destination: await openDestination(t, server.endpoint) }
}

/** A destination that is reached by a bad way. */
async function badRig(
  t: TestContext,
  faults: Partial<S3FaultOptions>,
  idleMs = 30_000,
): Promise<{ server: S3Server; faults: S3Faults; destination: S3Destination }> {
  const server = await S3Server.start(t)
  useEnv(t, server)
  await server.createBucket(BUCKET)
  const proxy = await S3Faults.start(t, server.port, {
    random: seeded(text => t.diagnostic(text)),
    rates: {},
    ...faults,
  })
  return { server, faults: proxy, destination: await openDestination(t, proxy.endpoint, { idleMs }) }
}

describe('a part that is delivered to S3', () => {
  test('is there under its name, byte for byte: empty, small, and of several parts', async t => {
    const { server } = await rig(t)
    // Parts are as large as they are for everybody.
    const destination = await S3Destination.open({ url: `s3://${BUCKET}/logs`, endpoint: server.endpoint })
    t.after(() => destination.close())
    for (const length of [0, 1, 8 * MIB, 8 * MIB + 1, 16 * MIB + 12_345]) {
      const bytes = distinctBytes(length)
      const delivered = await destination.deliver(partOf(`dt=1/${length}.log`, bytes), NEVER)
      assert.deepEqual(delivered, {
        name: `dt=1/${length}.log`,
        location: `s3://${BUCKET}/logs/dt=1/${length}.log`,
      })
      const objects = await server.objects(BUCKET)
      assert.ok(objects.get(`logs/dt=1/${length}.log`)?.equals(bytes), `${length} bytes`)
    }
    assert.deepEqual(server.uploads.keys, [])
  })

  test('may have a name with spaces, signs and letters of all the world', async t => {
    const { server, destination } = await rig(t)
    const name = "töpic a+b&c=d?e#f%20 (1)'*!~/日本-000001.log.gz"
    await destination.deliver(partOf(name, Buffer.from('x')), NEVER)
    assert.deepEqual([...(await server.objects(BUCKET)).keys()], [`logs/${name}`])
  })

  test('takes the place of itself when it is delivered again', async t => {
    const { server, destination } = await rig(t)
    const part = partOf('a.log', distinctBytes(TWO_PARTS))
    await destination.deliver(part, NEVER)
    await destination.deliver({ ...part, recovered: true }, NEVER)
    assert.equal((await server.objects(BUCKET)).size, 1)
  })

  test('has MD5 sent with it for servers that know no other checksum', async t => {
    const { server } = await rig(t)
    process.env['AWS_REQUEST_CHECKSUM_CALCULATION'] = 'when_required'
    const destination = await openDestination(t, server.endpoint)
    const bytes = distinctBytes(TWO_PARTS)
    await destination.deliver(partOf('a.log', bytes), NEVER)
    assert.ok((await server.objects(BUCKET)).get('logs/a.log')?.equals(bytes))
  })

  test('is not delivered when its file has been cut meanwhile', async t => {
    const { server, destination } = await rig(t)
    for (const length of [100, TWO_PARTS]) {
      const part = partOf('a.log', distinctBytes(length))
      truncateSync(part.path, length - 1)
      await assert.rejects(destination.deliver(part, NEVER), {
        code: 'E_S3',
        message: `cannot upload s3://${BUCKET}/logs/a.log: the file is shorter than it was when it was complete`,
        isTransient: false,
      })
    }
    assert.equal((await server.objects(BUCKET)).size, 0)
    assert.deepEqual(server.uploads.keys, [])
  })

  test('is what was sealed, even if its file has grown since', async t => {
    const { server, destination } = await rig(t)
    const part = partOf('a.log', Buffer.from('sealed'))
    appendFileSync(part.path, ' and more')
    await destination.deliver(part, NEVER)
    assert.equal((await server.objects(BUCKET)).get('logs/a.log')?.toString(), 'sealed')
  })

  test('may be one of many at once', async t => {
    const { server, destination } = await rig(t)
    const parts = Array.from({ length: 40 }, (_, i) => partOf(`${i}.log`, Buffer.from(`part ${i}`)))
    await Promise.all(parts.map(part => destination.deliver(part, NEVER)))
    assert.equal((await server.objects(BUCKET)).size, 40)
  })
})

describe('an upload that is called off', () => {
  test('rejects with the reason, and leaves nothing', async t => {
    const { server, destination } = await badRig(t, { rates: { hang: 1 }, only: /partNumber=2/ })
    const stop = new AbortController()
    const delivered = destination.deliver(partOf('a.log', distinctBytes(THREE_PARTS)), stop.signal)
    await until(() => server.requests.some(request => request.includes('partNumber=1')))
    const reason = new Error('enough')
    stop.abort(reason)
    await assert.rejects(delivered, error => error === reason)
    assert.equal((await server.objects(BUCKET)).size, 0)
    assert.deepEqual(server.uploads.keys, [])
  })

  test('is not begun when it was called off before', async t => {
    const { server, destination } = await rig(t)
    const before = server.requests.length
    await assert.rejects(destination.deliver(partOf('a', Buffer.from('x')), AbortSignal.abort('no')), /no/)
    assert.equal(server.requests.length, before)
  })
})

describe('on a bad way to S3', () => {
  for (const fault of ['error', 'slowDown', 'cutRequest', 'cutReply', 'stall'] as const) {
    test(`parts arrive, and nothing else: ${fault}`, async t => {
      const { server, faults, destination } = await badRig(t, {
        rates: { [fault]: 0.5 },
        most: 6,
        only: /^P/,
      })
      const lengths = [1000, TWO_PARTS]
      // Until something has happened, at least once each.
      for (let i = 0; i < lengths.length || faults.total === 0; i++) {
        const bytes = distinctBytes(lengths[i % lengths.length] ?? 0)
        await destination.deliver(partOf(`${i}.log`, bytes), NEVER)
        assert.ok((await server.objects(BUCKET)).get(`logs/${i}.log`)?.equals(bytes))
      }
      assert.deepEqual(server.uploads.keys, [])
    })
  }

  test('parts arrive through everything at once, each whole at any time', async t => {
    const rate = 0.08
    const { server, faults, destination } = await badRig(t, {
      rates: { error: rate, slowDown: rate, cutRequest: rate, cutReply: rate, stall: rate },
      // Not the look at the bucket before anything else, which is tried three times only.
      only: /^(?!GET .*list-type)/,
    })
    const parts = [100, TWO_PARTS, 0, 100_000, THREE_PARTS, PART_BYTES].map((length, i) => {
      const bytes = distinctBytes(length)
      return { bytes, part: partOf(`${i}.log`, bytes) }
    })
    const deliver = async (part: SealedPart): Promise<void> => {
      for (;;) {
        try {
          return void (await destination.deliver(part, NEVER))
        } catch (error) {
          // What an archive does: it tries again after what may pass.
          assert.ok(destination.isTransient(error), String(error))
        }
      }
    }
    const all = Promise.all(parts.map(({ part }) => deliver(part)))
    for (let isDone = false; !isDone;) {
      isDone = await Promise.race([all.then(() => true), pause(250).then(() => false)])
      for (const [key, body] of await server.objects(BUCKET)) {
        const expected = parts.find(({ part }) => key === `logs/${part.name}`)
        assert.ok(expected?.bytes.equals(body), key)
      }
    }
    assert.equal((await server.objects(BUCKET)).size, parts.length)
    assert.deepEqual(server.uploads.keys, [])
    t.diagnostic(JSON.stringify(faults.counts))
  })

  test('a request that nobody answers is sent again', async t => {
    const { server, faults, destination } = await badRig(
      t,
      { rates: { hang: 1 }, most: 2, only: /^PUT/ },
      300,
    )
    await destination.deliver(partOf('a.log', distinctBytes(TWO_PARTS)), NEVER)
    assert.equal(faults.counts.hang, 2)
    assert.equal((await server.objects(BUCKET)).get('logs/a.log')?.length, TWO_PARTS)
  })

  test('an answer to the beginning that got lost leaves no second upload', async t => {
    const { server, faults, destination } = await badRig(t, {
      rates: { cutReply: 1 },
      most: 1,
      only: /\?uploads/,
    })
    await destination.deliver(partOf('a.log', distinctBytes(TWO_PARTS)), NEVER)
    assert.equal(faults.total, 1)
    assert.equal(
      server.requests.filter(request => request.startsWith('POST') && request.includes('?uploads')).length,
      2,
    )
    assert.deepEqual(server.uploads.keys, [])
  })

  test('an answer to the completion that got lost is not taken for a failure', async t => {
    const { server, faults, destination } = await badRig(t, {
      rates: { cutReply: 1 },
      most: 1,
      only: /^POST .*uploadId/,
    })
    const bytes = distinctBytes(TWO_PARTS)
    await destination.deliver(partOf('a.log', bytes), NEVER)
    assert.equal(faults.total, 1)
    assert.ok((await server.objects(BUCKET)).get('logs/a.log')?.equals(bytes))
  })

  test('what fails for good leaves nothing, and may be tried again', async t => {
    const { server, faults, destination } = await badRig(t, { rates: { error: 1 }, only: /partNumber=2/ })
    const part = partOf('a.log', distinctBytes(THREE_PARTS))
    process.env['AWS_MAX_ATTEMPTS'] = '2'
    const impatient = await openDestination(t, faults.endpoint)
    await assert.rejects(impatient.deliver(part, NEVER), error => {
      assert.ok(error instanceof S3Error)
      assert.equal(
        error.message,
        `cannot write s3://${BUCKET}/logs/a.log: S3 has a fault of its own (InternalError, 500)`,
      )
      return impatient.isTransient(error)
    })
    assert.equal((await server.objects(BUCKET)).size, 0)
    assert.deepEqual(server.uploads.keys, [])
    faults.calm()
    await destination.deliver(part, NEVER)
    assert.equal((await server.objects(BUCKET)).size, 1)
  })

  test('what could not be aborted, as S3 was away, is so when it is there again', async t => {
    const { server, faults } = await badRig(t, { rates: { error: 1 }, only: /partNumber=2|^DELETE/ })
    const destination = await openDestination(t, faults.endpoint, { maxAttempts: 1 })
    const part = partOf('a.log', distinctBytes(TWO_PARTS))
    await assert.rejects(destination.deliver(part, NEVER))
    assert.deepEqual(server.uploads.keys, ['logs/a.log'])
    faults.calm()
    await destination.deliver(part, NEVER)
    assert.deepEqual(server.uploads.keys, [])
  })

  test('what a run that died has begun is aborted by the next', async t => {
    const { server, destination } = await rig(t)
    await server.begin(BUCKET, 'logs/a.log')
    await server.begin(BUCKET, 'logs/a.log.other')
    const part = partOf('a.log', distinctBytes(TWO_PARTS), { recovered: true })
    await destination.deliver(part, NEVER)
    assert.deepEqual(server.uploads.keys, ['logs/a.log.other'])
  })
})

test('parts are larger where there would be more than 10,000', () => {
  assert.equal(partBytes(1), 8 * MIB)
  assert.equal(partBytes(80_000 * MIB), 8 * MIB)
  assert.equal(partBytes(80_000 * MIB + 1), 9 * MIB)
  assert.equal(partBytes(1, 5 * MIB), 5 * MIB)
  assert.equal(partBytes(80_000 * MIB + 1, 5 * MIB), 9 * MIB)
  const largest = 5 * 1024 * 1024 * MIB
  assert.ok(Math.ceil(largest / partBytes(largest)) <= 10_000)
})
