import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { Output } from '../../../src/cli/output.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { archive, edit, flip } from '../../archive/verify-rig.ts'
import { BUCKET, NEVER, openDestination, partOf, useEnv } from '../../archive/s3/fixtures.ts'
import { openManifest } from '../../../src/archive/manifest.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { S3Server } from '../../support/s3-server.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

interface Ran {
  code: number
  out: string
  err: string
  /** The objects of `--json`. */
  lines: Record<string, unknown>[]
}

async function run(args: readonly string[], around: FakeSurroundings = fakeSurroundings()): Promise<Ran> {
  const code = await runProgram('nsq-ts', ['archive', 'verify', ...args], commands, around)
  await Promise.all([around.stdout.drained(), around.stderr.drained()])
  const out = around.out()
  const isJson = args.includes('--json')
  const lines = isJson
    ? out
        .split('\n')
        .filter(line => line !== '')
        .map(line => ({ ...JSON.parse(line) }))
    : []
  return { code, out, err: around.err(), lines }
}

/** stdout and stderr are a terminal, without colours. */
function terminal(): FakeSurroundings {
  const around = fakeSurroundings()
  const texts = { out: '', err: '' }
  const output = (name: 'out' | 'err'): Output => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 })
    stream.on('data', (chunk: Buffer) => (texts[name] += chunk.toString()))
    return new Output(stream, { NO_COLOR: '1', TERM: 'dumb' })
  }
  return {
    ...around,
    stdout: output('out'),
    stderr: output('err'),
    out: () => texts.out,
    err: () => texts.err,
  }
}

describe('archive verify', () => {
  test('says nothing when all is well, but to a person', async () => {
    const { folder } = await archive()
    assert.deepEqual(await run([folder]), { code: 0, out: '', err: '', lines: [] })
    writeFileSync(join(folder, 'by hand'), 'x')
    assert.equal((await run([folder])).err, '')
    const { code, out, err } = await run([folder], terminal())
    assert.equal(code, 0)
    assert.match(out, /│ topic │ files │ messages │ +size │ wrong │/)
    assert.match(out, /│ logs  │    12 │   12,000 │ [\d ]+kB │     0 │/)
    assert.ok(out.includes(`${folder}: 12 files, 12,000 messages, `))
    assert.match(out, /: all as they were written\n$/)
    assert.equal(err, 'nsq-ts archive verify: in no manifest: by hand\n')
  })

  test('names what is wrong, and fails', async () => {
    const { folder, manifest } = await archive()
    rmSync(join(folder, 'dt=2026-01-02/lines.none'))
    edit(join(folder, 'dt=2026-01-02/length.gzip'), flip(100))
    const { code, out, err } = await run([folder])
    assert.deepEqual([code, out], [1, ''])
    const lines = err.split('\n').sort()
    assert.equal(lines.length, 3)
    assert.equal(
      lines[2],
      `nsq-ts archive verify: dt=2026-01-02/lines.none: it is not there (listed in ${manifest})`,
    )
    assert.match(
      lines[1] ?? '',
      /length\.gzip: its bytes are not those that were written \(sha256\); it cannot be/,
    )
    const seen = await run([folder], terminal())
    assert.match(seen.out, /│     2 │/)
    assert.match(seen.out, /: 2 wrong\n$/)
  })

  test('--json tells all of each file, and sums up', async () => {
    const { folder, manifest } = await archive()
    rmSync(join(folder, 'dt=2026-01-02/lines.none'))
    writeFileSync(join(folder, 'by hand'), 'x')
    edit(join(folder, manifest), bytes =>
      Buffer.concat([Buffer.from('no line\n'), bytes, Buffer.from('{"fi')]),
    )
    const { code, lines } = await run([folder, '--json'])
    assert.equal(code, 1)
    const { seconds, bytes, ...summary } = lines.at(-1) ?? {}
    assert.equal(typeof seconds, 'number')
    assert.equal(typeof bytes, 'number')
    assert.deepEqual(summary, {
      summary: true,
      files: 12,
      wrong: 1,
      unlisted: 1,
      messages: 12_000,
      ok: false,
    })
    assert.deepEqual(
      lines.filter(line => !('ok' in line)),
      [
        { manifest, torn: true },
        { file: 'by hand', unlisted: true },
      ],
    )
    assert.deepEqual(
      lines.filter(line => 'problem' in line).map(({ manifest, ok }) => ({ manifest, ok })),
      [{ manifest, ok: false }],
    )
    const files = lines.filter(line => 'problems' in line)
    assert.equal(files.length, 12)
    const { bytes: _, ...wrong } = files.find(({ ok }) => ok === false) ?? {}
    assert.deepEqual(wrong, {
      file: 'dt=2026-01-02/lines.none',
      manifest,
      topic: 'logs',
      messages: 1000,
      ok: false,
      problems: [{ name: 'missing', text: 'it is not there' }],
    })
  })

  test('verifies S3', async t => {
    const server = await S3Server.start(t)
    useEnv(t, server)
    await server.createBucket(BUCKET)
    const destination = await openDestination(t, server.endpoint)
    const manifest = openManifest(destination, 'logs')
    const part = partOf('a.log', Buffer.from('one\n'))
    await manifest.add(part, await destination.deliver(part, NEVER))
    const args = [`s3://${BUCKET}/logs`, '--s3-endpoint', server.endpoint]
    assert.deepEqual(await run(args), { code: 0, out: '', err: '', lines: [] })
    await server.put(BUCKET, 'logs/a.log', 'two\n')
    const { code, err } = await run(args)
    assert.equal(code, 1)
    assert.match(err, /^nsq-ts archive verify: a\.log: its bytes are not those that were written \(sha256\)/)
  })

  test('has names that cannot play with the terminal', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'x.manifest.jsonl'), '')
    writeFileSync(join(folder, 'a\x1b[2Jb'), '')
    const { err } = await run([folder], terminal())
    assert.equal(err, 'nsq-ts archive verify: in no manifest: a\\x1b[2Jb\n')
  })

  test('is not done when it is stopped', async () => {
    const { folder } = await archive()
    const around = fakeSurroundings()
    around.stop.abort('SIGINT')
    const { code, err } = await run([folder], around)
    assert.equal(code, 1)
    assert.match(err, /stopped after 0 of /)
  })

  const wrong: readonly [args: readonly string[], code: number, message: RegExp][] = [
    [[], 2, /there is nothing to verify\n {2}Name a folder, or s3:\/\/BUCKET\/PREFIX\./],
    [['a', 'b'], 2, /unexpected argument "b"/],
    [['s3://Bucket'], 2, /"Bucket" cannot be a bucket/],
    [['s3://bucket', '--s3-endpoint=localhost:9000'], 2, /"localhost:9000" is not like http:/],
    [['.', '--s3-endpoint=http://localhost:9000'], 2, /--s3-endpoint is for S3/],
    [['/nowhere/at/all'], 1, /cannot read \/nowhere\/at\/all: there is no such folder/],
  ]
  for (const [args, code, message] of wrong) {
    test(`does not take ${JSON.stringify(args)}`, async () => {
      const ran = await run(args)
      assert.equal(ran.code, code)
      assert.match(ran.err, message)
    })
  }

  test('wants a manifest', async () => {
    const { code, err } = await run([temporaryFolder()])
    assert.equal(code, 1)
    assert.match(
      err,
      /there is no manifest in .*\n {2}They are the files \*\.manifest\.jsonl, which archive writes/,
    )
  })
})
