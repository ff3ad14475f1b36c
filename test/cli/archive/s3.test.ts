/** The command to S3, in this process. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { S3Server } from '../../support/s3-server.ts'
import { ArchiveRig } from './fixtures.ts'

let rig: ArchiveRig
before(async () => (rig = await ArchiveRig.start()))
after(() => rig.close())

/** Lets the command in, and has its temporary files in the folder of the test. */
function enter(server: S3Server): void {
  // The process of this test has nothing else to do.
  Object.assign(process.env, server.env, { AWS_MAX_ATTEMPTS: '1', TMPDIR: rig.folder })
}

async function linesOf(server: S3Server): Promise<string[]> {
  const objects = [...(await server.objects('bucket'))].filter(([key]) => key.endsWith('.gz'))
  return objects.flatMap(([, bytes]) => gunzipSync(bytes).toString().trimEnd().split('\n'))
}

describe('archive to S3', () => {
  test('messages are finished when they are there, and nothing stays here', async t => {
    const server = await S3Server.start(t)
    await server.createBucket('bucket')
    enter(server)
    const topic = await rig.topic(['one', 'two'])
    const flags = ['--s3-endpoint', server.endpoint, '--gzip', '--until-empty', '--manifest', '--json']
    const { code, out, err } = await rig.run([topic, '--output', 's3://bucket/logs', ...flags])
    assert.equal(code, 0, err)
    assert.equal(err, '')
    assert.match(out, /"messages":2,"bytes":8,"files":1,.*"waiting":0,"ended":"empty","ok":true/)
    assert.deepEqual((await linesOf(server)).sort(), ['one', 'two'])
    const keys = [...(await server.objects('bucket')).keys()]
    assert.equal(keys.filter(key => /^logs\/t\d+\.[^/]+\.manifest\.jsonl$/.test(key)).length, 1)
    assert.deepEqual(await rig.left(topic), { depth: 0, inFlight: 0 })
    const spool = (await readdir(rig.folder)).find(name => name.startsWith('nsq-ts-spool-')) ?? ''
    for (const name of await readdir(join(rig.folder, spool))) {
      assert.deepEqual(await readdir(join(rig.folder, spool, name)), ['.nsq-ts'])
    }
  })

  test('a bucket that is not there is named before anything is taken', async t => {
    const server = await S3Server.start(t)
    enter(server)
    const topic = await rig.topic(['one'])
    const flags = ['--s3-endpoint', server.endpoint, '--until-empty']
    const { code, err } = await rig.run([topic, '--output', 's3://missing/logs', ...flags])
    assert.equal(code, 1)
    assert.match(err, /^nsq-ts archive: .*there is no bucket missing/)
    assert.deepEqual(await rig.left(topic), { depth: 1, inFlight: 0 })
  })

  test('with a spool S3 may be away: the next run uploads what waits', async t => {
    const server = await S3Server.start(t)
    await server.createBucket('bucket')
    enter(server)
    const topic = await rig.topic(['one'])
    const flags = ['--output', 's3://bucket', '--spool-dir', join(rig.folder, 'spool'), '--gzip', '--json']
    const away = await rig.run([topic, ...flags, '--s3-endpoint', 'http://127.0.0.1:9', '--max-messages=1'])
    assert.equal(away.code, 1)
    assert.match(away.out, /"messages":1,.*"waiting":1,"ended":"max-messages","ok":false/)
    assert.match(away.err, /ERROR: 1 file not delivered: the next run will try again\n$/)
    assert.deepEqual(await rig.left(topic), { depth: 0, inFlight: 0 })
    // Another topic: what was left is uploaded all the same.
    const other = await rig.topic(['two'])
    const back = await rig.run([other, ...flags, '--s3-endpoint', server.endpoint, '--max-messages=1'])
    assert.equal(back.code, 0, back.err)
    assert.match(back.out, /"messages":1,.*"recovered":1,.*"waiting":0,.*"ok":true/)
    assert.deepEqual((await linesOf(server)).sort(), ['one', 'two'])
  })
})
