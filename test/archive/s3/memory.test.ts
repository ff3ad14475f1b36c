/** `S3_PART_MB=200`, or more, makes it long: how much memory an upload takes may not depend on how much is uploaded. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { S3Server } from '../../support/s3-server.ts'
import { BUCKET, distinctBytes, MIB } from './fixtures.ts'

const MEGABYTES = Number(process.env['S3_PART_MB'] ?? 0)
/** Four parts of 8 MiB, and as much for what the collector has not come to. */
const MOST_GROWTH = 100 * MIB

const MODULE = fileURLToPath(new URL('../../../src/archive/s3/s3-destination.ts', import.meta.url))

/** Uploads a small file, and a large one; prints by how much the second has made the process grow, at most. */
const UPLOAD = `
  const [endpoint, path, bytes] = process.argv.slice(-3)
  const { S3Destination } = await import(${JSON.stringify(MODULE)})
  const destination = await S3Destination.open({ url: 's3://${BUCKET}', endpoint })
  const signal = new AbortController().signal
  const part = { path, template: '', topic: '', channel: '', framing: 'lines', compression: 'none', recovered: false }
  await destination.deliver({ ...part, name: 'small', bytes: 1000 }, signal)
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10)
  await destination.deliver({ ...part, name: 'large', bytes: Number(bytes) }, signal)
  clearInterval(timer)
  await destination.close()
  console.log(most - before)`

test('a large part takes no more memory than a few pieces of it', async t => {
  if (MEGABYTES === 0) {
    t.skip('only with S3_PART_MB=200')
    return
  }
  const server = await S3Server.start(t)
  await server.createBucket(BUCKET)
  const path = join(temporaryFolder(), 'part')
  const file = openSync(path, 'w')
  const piece = distinctBytes(MIB)
  for (let i = 0; i < MEGABYTES; i++) writeSync(file, piece)
  closeSync(file)
  const args = ['--import=tsx', '--input-type=module', '--eval', UPLOAD, '--']
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, server.endpoint, path, String(MEGABYTES * MIB)],
    { env: { ...process.env, ...server.env } },
  )
  const growth = Number(stdout)
  t.diagnostic(`${MEGABYTES} MiB uploaded: grown by ${Math.round(growth / MIB)} MiB`)
  assert.ok(growth < MOST_GROWTH, `grown by ${growth} bytes`)
  assert.deepEqual(server.uploads.keys, [])
})
