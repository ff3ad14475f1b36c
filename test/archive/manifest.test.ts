import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SealedPart } from '../../src/archive/destination.ts'
import { InPlace } from '../../src/archive/folder-destination.ts'
import { openManifest } from '../../src/archive/manifest.ts'
import { readManifest } from '../../src/archive/manifest-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { S3Faults } from '../support/s3-faults.ts'
import { S3Server } from '../support/s3-server.ts'
import { seeded } from '../storage/random.ts'
import { BUCKET, openDestination, partOf, useEnv } from './s3/fixtures.ts'
import { SmallDisk } from '../support/small-disk.ts'

/** Parts that need no files: their checksums are known. */
function parts(count: number, from = 0): SealedPart[] {
  return Array.from({ length: count }, (_, i) => ({
    path: '/nowhere',
    name: `dt=1/part ${from + i}.log`,
    template: '',
    topic: 'logs',
    channel: 'archive',
    framing: 'lines',
    compression: 'none',
    records: i,
    bytes: i * 10,
    sha256: createHash('sha256').update(String(i)).digest('hex'),
    from: undefined,
    to: undefined,
    recovered: false,
  }))
}

function delivered({ name }: SealedPart): { name: string; location: string } {
  return { name, location: `/somewhere/${name}` }
}

/** The names that the manifests list, each of which must be whole. */
function listed(manifests: Iterable<Buffer>): string[] {
  return Array.from(manifests, bytes => {
    const { parts, problems, isTorn } = readManifest(bytes)
    assert.deepEqual([problems, isTorn], [[], false])
    return parts.map(({ file }) => file)
  }).flat()
}

function contents(folder: string): Buffer[] {
  const names = readdirSync(folder).filter(name => name.endsWith('.manifest.jsonl'))
  return names.map(name => readFileSync(join(folder, name)))
}

test('of a manifest in which nothing is right, a few lines are told, and how many there are', () => {
  const bad = 'x\n'.repeat(5000)
  const { parts, problems, isTorn } = readManifest(Buffer.from(`${bad}{}\n`))
  assert.deepEqual([parts, isTorn, problems.length], [[], false, 11])
  assert.match(problems[9] ?? '', /^line 10: not JSON/)
  assert.equal(problems[10], '4991 lines more are wrong')
  assert.equal(readManifest(Buffer.from('x\n'.repeat(10))).problems.length, 10)
  assert.equal(readManifest(Buffer.from('x\n'.repeat(11))).problems[10], '1 line more is wrong')
})

describe('a manifest', () => {
  test('says all there is to know of a part', async () => {
    const folder = temporaryFolder()
    const manifest = openManifest(new InPlace(folder), 'logs.host')
    const part: SealedPart = {
      ...partOf('a.log.gz', Buffer.from('abc')),
      compression: 'gzip',
      framing: 'jsonl',
      records: 7,
      from: 1_767_366_245_123_456_789n,
      to: 1_767_366_246_000_000_001n,
      recovered: true,
    }
    await manifest.add(part, { name: 'a-000001.log.gz', location: '' })
    await manifest.close()
    const [name = '', ...others] = readdirSync(folder)
    assert.match(name, /^logs\.host-\d{8}T\d{6}Z-[0-9a-f]{8}\.manifest\.jsonl$/)
    assert.deepEqual(others, [])
    assert.equal(
      readFileSync(join(folder, name), 'utf8'),
      '{"file":"a-000001.log.gz","topic":"logs","channel":"nsq_to_file","framing":"jsonl","compression":"gzip",' +
        '"messages":7,"bytes":3,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",' +
        '"from":"2026-01-02T15:04:05.123456789Z","to":"2026-01-02T15:04:06.000000001Z","recovered":true}\n',
    )
  })

  test('sums up a part whose checksum nobody knows', async () => {
    const folder = temporaryFolder()
    const manifest = openManifest(new InPlace(folder), 'x')
    const part = partOf('a', Buffer.from('abc'), { sha256: undefined, from: undefined, to: undefined })
    await manifest.add(part, delivered(part))
    await manifest.close()
    const line: unknown = JSON.parse(String(contents(folder)[0]))
    assert.deepEqual(Object.keys(Object(line)).slice(-2), ['bytes', 'sha256'])
    assert.match(
      JSON.stringify(line),
      /"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"/,
    )
  })

  test('is not there when there is nothing to list', async () => {
    const folder = temporaryFolder()
    await openManifest(new InPlace(folder), 'x').close()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('has another name each time, whatever it is labelled', async () => {
    const folder = temporaryFolder()
    for (const label of ['a/b', 'a/b', '..', '../x', 'a\0']) {
      const manifest = openManifest(new InPlace(folder), label)
      for (const part of parts(1)) await manifest.add(part, delivered(part))
      await manifest.close()
    }
    assert.equal(contents(folder).length, 5)
  })

  test('goes on in another file after 1000 parts, of many at once', async () => {
    const folder = temporaryFolder()
    const manifest = openManifest(new InPlace(folder), 'x')
    const all = parts(2500)
    await Promise.all(all.map(part => manifest.add(part, delivered(part))))
    await manifest.close()
    const files = contents(folder)
    assert.deepEqual(
      files.map(bytes => readManifest(bytes).parts.length).sort((a, b) => a - b),
      [500, 1000, 1000],
    )
    assert.deepEqual(listed(files).sort(), all.map(({ name }) => name).sort())
  })

  test('on a full disk has no half lines, and goes on when there is room', async t => {
    const disk = SmallDisk.mount(t, 1024 * 1024)?.path
    if (disk === undefined) return
    const manifest = openManifest(new InPlace(disk), 'x')
    const [first = assert.fail(), ...rest] = parts(300)
    await manifest.add(first, delivered(first))
    const ballast = join(disk, 'ballast')
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 << 20)), { code: 'ENOSPC' })
    const add = (): Promise<PromiseSettledResult<void>[]> =>
      Promise.allSettled(rest.map(part => manifest.add(part, delivered(part))))
    const refused = await add()
    assert.ok(refused.some(({ status }) => status === 'rejected'))
    for (const result of refused) {
      if (result.status === 'fulfilled') continue
      assert.equal(result.reason.code, 'E_ARCHIVE_WRITE')
      assert.match(result.reason.message, /cannot write .*manifest\.jsonl: ENOSPC/)
    }
    rmSync(ballast)
    for (const result of await add()) assert.equal(result.status, 'fulfilled')
    await manifest.close()
    const names = listed(contents(disk))
    assert.deepEqual([...new Set(names)].sort(), [first, ...rest].map(({ name }) => name).sort())
  })

  test('in S3 is whole at any time, also by a bad way', async t => {
    const server = await S3Server.start(t)
    useEnv(t, server)
    await server.createBucket(BUCKET)
    const rate = 0.1
    const faults = await S3Faults.start(t, server.port, {
      random: seeded(text => t.diagnostic(text)),
      rates: { error: rate, cutRequest: rate, cutReply: rate },
      // Not the look at the bucket before anything else, which is tried three times only.
      only: /^PUT/,
    })
    const manifest = openManifest(await openDestination(t, faults.endpoint), 'logs.host')
    const all = parts(1200)
    for (let at = 0; at < all.length; at += 60) {
      const some = all.slice(at, at + 60)
      const done = await Promise.all(
        some.map(part => manifest.add(part, delivered(part)).then(() => part.name)),
      )
      const names = new Set(listed((await server.objects(BUCKET, 'logs/logs.host-')).values()))
      for (const name of done) assert.ok(names.has(name))
    }
    await manifest.close()
    const names = listed((await server.objects(BUCKET)).values())
    assert.deepEqual(names.sort(), all.map(({ name }) => name).sort())
  })

  test('in S3 says it when it cannot be written', async t => {
    const server = await S3Server.start(t)
    useEnv(t, server)
    await server.createBucket(BUCKET)
    const faults = await S3Faults.start(t, server.port, {
      random: seeded(text => t.diagnostic(text)),
      rates: { error: 1 },
      only: /^PUT/,
    })
    const destination = await openDestination(t, faults.endpoint, { maxAttempts: 1 })
    const manifest = openManifest(destination, 'x')
    const [a = assert.fail(), b = assert.fail()] = parts(2)
    await assert.rejects(manifest.add(a, delivered(a)), error => destination.isTransient(error))
    faults.calm()
    await manifest.add(b, delivered(b))
    assert.deepEqual(listed((await server.objects(BUCKET)).values()), [b.name])
  })
})
