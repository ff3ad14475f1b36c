import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { S3Files } from '../../../src/archive/s3/s3-files.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { seeded } from '../../storage/random.ts'
import { S3Faults } from '../../support/s3-faults.ts'
import { S3Server } from '../../support/s3-server.ts'
import { archive, flip, verify, write } from '../verify-rig.ts'
import { BUCKET, distinctBytes, MIB, NEVER, openDestination, partOf, useEnv } from './fixtures.ts'

/** A bucket with all that is in a folder. */
async function toS3(t: TestContext, folder: string): Promise<S3Server> {
  const server = await S3Server.start(t)
  useEnv(t, server)
  await server.createBucket(BUCKET)
  const destination = await openDestination(t, server.endpoint)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await destination.deliver(partOf(path.slice(folder.length + 1), readFileSync(path)), NEVER)
  }
  return server
}

async function open(t: TestContext, endpoint: string): Promise<S3Files> {
  const files = await S3Files.open({ url: `s3://${BUCKET}/logs`, endpoint })
  t.after(() => files.close())
  return files
}

describe('verifying what is in S3', () => {
  test('finds the same as in a folder', async t => {
    const { folder, names } = await archive()
    const records = 17_000
    const large = Buffer.from(Array.from({ length: records }, (_, i) => `${i}${' '.repeat(1000)}\n`).join(''))
    // It is read in three pieces.
    assert.ok(large.length > 16 * MIB)
    await write(folder, [
      { ...partOf('large.log', large), records },
      { ...partOf('empty.log', Buffer.alloc(0)), records: 0 },
    ])
    const server = await toS3(t, folder)
    await server.put(BUCKET, 'elsewhere/a.log', 'x')
    await server.put(BUCKET, 'logs/', '')
    await server.put(BUCKET, 'logs/by hand.log', 'x')
    const findings = await verify(await open(t, server.endpoint))
    assert.equal(findings.parts.length, names.length + 2)
    assert.deepEqual([findings.wrong, findings.bad, findings.others], [[], [], ['by hand.log']])
    await server.remove(BUCKET, 'logs/empty.log')
    const destination = await openDestination(t, server.endpoint)
    await destination.deliver(partOf('large.log', flip(-1000)(Buffer.from(large))), NEVER)
    const worse = await verify(await open(t, server.endpoint))
    assert.deepEqual(worse.of('empty.log'), ['missing'])
    assert.deepEqual(worse.of('large.log'), ['sha256'])
    assert.equal(worse.wrong.length, 2)
  })

  test('through a bad way', async t => {
    const { folder } = await archive()
    await write(folder, [{ ...partOf('large', distinctBytes(20 * MIB)), framing: 'lines', records: 1 }])
    const server = await toS3(t, folder)
    const rate = 0.1
    const faults = await S3Faults.start(t, server.port, {
      random: seeded(text => t.diagnostic(text)),
      rates: { error: rate, slowDown: rate, cutReply: rate, stall: rate },
    })
    // Until something has happened.
    while (faults.total === 0) {
      const findings = await verify(await open(t, faults.endpoint))
      assert.deepEqual(
        findings.parts.flatMap(({ file, problems }) => problems.map(({ name }) => `${file}: ${name}`)),
        // It does not end in a newline.
        ['large: damaged'],
      )
    }
  })

  test('lists all of more than a thousand', async t => {
    const folder = temporaryFolder()
    const part = partOf('a.log', Buffer.from('x\n'))
    await write(folder, [part])
    const server = await toS3(t, folder)
    await Promise.all(Array.from({ length: 1100 }, (_, i) => server.put(BUCKET, `logs/z${i}`, 'x')))
    assert.equal((await verify(await open(t, server.endpoint))).others.length, 1100)
  })
})
