/** `replay` of what `archive` has written, in this process. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseRfc3339 } from '../../../src/util/rfc3339.ts'
import { S3Server } from '../../support/s3-server.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { http } from '../../client/daemons.ts'
import { eventually } from '../../cluster/rig.ts'
import { atTerminal, fakeTerminal, nsq, type Ran, run } from '../admin/rig.ts'
import { ArchiveRig } from '../archive/fixtures.ts'
import { LINES, Restartable } from './restartable.ts'

let rig: ArchiveRig
let folder = ''
/** Two files, of 3 and 2 messages of the topic `orders`, as jsonl, and their times. */
let times: number[] = []

before(async () => {
  rig = await ArchiveRig.start()
  folder = join(rig.folder, 'orders')
  await rig.topic(['one', 'two', 'three'], 'orders')
  const flags = ['orders', '--output', folder, '--manifest', '--output-format', 'jsonl', '--max-messages']
  assert.equal((await rig.run([...flags, '3', '--gzip'])).code, 0)
  await rig.publish('orders', ['four', 'five'])
  assert.equal((await rig.run([...flags, '2', '--zstd'])).code, 0)
  const { out } = await nsq(['replay', folder, '--dry-run', '--json', '--topic', 'x'])
  assert.equal(out.split('\n').length, 4, out)
  times = await timesOf(folder)
})
after(() => rig.close())

/** The earliest and latest times of the files, as the manifests say, in order. */
async function timesOf(path: string): Promise<number[]> {
  const manifests = readdirSync(path).filter(name => name.endsWith('.manifest.jsonl'))
  const found = manifests.flatMap(name => {
    const part: { from: string; to: string } = JSON.parse(readFileSync(join(path, name), 'utf8'))
    return [parseRfc3339(part.from) ?? 0, parseRfc3339(part.to) ?? 0]
  })
  return Promise.resolve(found.sort((a, b) => a - b))
}

/** Without what archive keeps for itself. */
function namesIn(path: string): string[] {
  return readdirSync(path).filter(name => !name.startsWith('.'))
}

function replay(...words: string[]): Promise<Ran> {
  return nsq(['replay', '--nsqd-http-address', rig.http, ...words])
}

/** What waits in a topic of the first nsqd. */
async function waiting(topic: string): Promise<string[]> {
  const text = await rig.nsqd(`/peek?topic=${topic}&n=1000`, 'GET')
  const { messages = [] }: { messages?: { body: string }[] } = JSON.parse(text)
  return messages.map(({ body }) => body)
}

let topics = 0
function newTopic(): string {
  return `again${++topics}`
}

describe('an archive is published', () => {
  test('a folder, in the order of its messages', async () => {
    const topic = newTopic()
    const { code, out, err } = await replay(folder, '--topic', topic)
    assert.deepEqual([code, out], [0, ''])
    assert.match(err, new RegExp(`^nsq-ts replay: 5 messages \\(19 B\\) of 2 files to ${topic} in .*/s\\n$`))
    assert.deepEqual(await waiting(topic), ['one', 'two', 'three', 'four', 'five'])
  })

  test('files, of which the manifest beside them tells what they are; a manifest is none', async () => {
    const topic = newTopic()
    const names = namesIn(folder).map(name => join(folder, name))
    const { code, out } = await replay(...names, names[0] ?? '', '--topic', topic, '--json')
    assert.equal(code, 0)
    const { seconds, ...rest } = JSON.parse(out)
    assert.equal(typeof seconds, 'number')
    assert.deepEqual(rest, {
      messages: 5,
      bytes: 19,
      files: 2,
      unacknowledged: 0,
      empty: 0,
      of_other_times: 0,
      damaged: [],
      ended: 'end',
      ok: true,
      resume: null,
    })
    assert.deepEqual((await waiting(topic)).sort(), ['five', 'four', 'one', 'three', 'two'])
  })

  test('without manifests, by what the files look like', async () => {
    const plain = temporaryFolder()
    for (const name of namesIn(folder).filter(name => !name.endsWith('.manifest.jsonl'))) {
      copyFileSync(join(folder, name), join(plain, name))
    }
    writeFileSync(join(plain, 'z-lines.log'), 'a line\n\nanother\n')
    writeFileSync(join(plain, '.hidden'), 'x\n')
    const topic = newTopic()
    const { code, err } = await replay(plain, '--topic', topic)
    assert.equal(code, 0, err)
    assert.match(err, /1 empty record left out/)
    assert.deepEqual((await waiting(topic)).sort(), [
      'a line',
      'another',
      'five',
      'four',
      'one',
      'three',
      'two',
    ])
  })

  test('each file once, however its path is written, and an empty one as what it is', async () => {
    const plain = temporaryFolder()
    writeFileSync(join(plain, 'a.jsonl'), '')
    writeFileSync(join(plain, 'b.log'), 'one\ntwo\n')
    const topic = newTopic()
    const again = `${plain}/../${basename(plain)}//b.log`
    assert.equal((await replay(plain, again, '--topic', topic)).code, 0)
    assert.deepEqual(await waiting(topic), ['one', 'two'])
    // It needs neither a topic nor times.
    assert.equal((await replay(join(plain, 'a.jsonl'), '--since', '1h', '--yes')).code, 0)
  })

  test('binary messages, when it is said that they are', async () => {
    const file = join(temporaryFolder(), 'binary')
    writeFileSync(file, Buffer.from([0, 0, 0, 2, 104, 105]))
    const topic = newTopic()
    const refused = await replay(file, '--topic', topic)
    assert.equal(refused.code, 2)
    assert.match(refused.err, /binary is not of lines.*\n {2}Say how .*: --input=length\./)
    assert.equal((await replay(file, '--topic', topic, '--input', 'length')).code, 0)
    assert.deepEqual(await waiting(topic), ['hi'])
  })

  test('a part of it, by time; files of other times are not even read', async () => {
    const topic = newTopic()
    const second = times[2] ?? 0
    assert.ok(second > (times[1] ?? 0), 'the files are of other milliseconds')
    const late = await replay(folder, '--topic', topic, '--since', new Date(second).toISOString(), '--json')
    assert.deepEqual([late.code, JSON.parse(late.out).messages, JSON.parse(late.out).files], [0, 2, 1])
    assert.deepEqual(await waiting(topic), ['four', 'five'])
    const none = await replay(folder, '--topic', topic, '--until', '2001-01-01')
    assert.equal(none.code, 1)
    assert.match(none.err, /there is nothing to replay in /)
  })

  test('lines have no times: a file is in or out as a whole', async () => {
    const lines = join(rig.folder, 'lines')
    await rig.topic(['a', 'b'], 'lines')
    await rig.run(['lines', '--output', lines, '--manifest', '--max-messages', '2'])
    const [from = 0] = await timesOf(lines)
    const topic = newTopic()
    assert.equal((await replay(lines, '--topic', topic, '--since', new Date(from).toISOString())).code, 0)
    assert.deepEqual(await waiting(topic), ['a', 'b'])
    const name = readdirSync(lines).find(name => name.endsWith('.log')) ?? ''
    const loose = join(temporaryFolder(), name)
    copyFileSync(join(lines, name), loose)
    const { code, err } = await replay(loose, '--topic', topic, '--since', '1h')
    assert.equal(code, 1)
    assert.match(err, /cannot be taken apart by --since and --until: messages archived as lines have no time/)
  })

  test('from where another one stopped', async () => {
    const topic = newTopic()
    await replay(folder, '--topic', topic, '--skip-files', '1', '--skip', '1')
    assert.deepEqual(await waiting(topic), ['five'])
    const { code, err } = await replay(folder, '--topic', topic, '--skip-files', '3')
    assert.equal(code, 2)
    assert.match(err, /--skip-files=3 leaves out more than the 2 files that there are/)
  })

  test('to their own topic, and not before it is agreed: somebody consumes that', async () => {
    const { code, err } = await replay(folder)
    assert.equal(code, 2)
    assert.match(
      err,
      /^ {2}orders: 1 channel \(nsq_to_file\), no consumer\n.*nobody can be asked.*\n {2}Agree to it with --yes/,
    )
    const words = ['replay', folder, '--lookupd-http-address', rig.lookupd]
    const no = await atTerminal(words, 'n\n')
    assert.equal(no.code, 1)
    assert.match(
      no.err,
      /Publish 5 messages of 2 files to orders\? \[y\/N\] nsq-ts replay: nothing was published\n$/,
    )
    assert.equal((await rig.left('orders')).depth, 0)
    assert.equal((await atTerminal(words, 'y\n')).code, 0)
    assert.equal((await replay(folder, '--yes')).code, 0)
    await rig.run([
      'orders',
      '--output',
      join(rig.folder, 'orders-again'),
      '--until-empty',
      '--max-messages',
      '10',
    ])
  })
})

describe('a dry run', () => {
  test('reads it all, and says what there is', async () => {
    const { code, out, err } = await nsq(['replay', folder, '--dry-run'])
    assert.equal(code, 0)
    assert.match(
      out,
      /^\S+\.log\.gz: 3 messages \(jsonl, gzip\) to their own topics\n\S+\.log\.zst: 2 messages \(jsonl, zstd\)/,
    )
    assert.match(err, /5 messages \(19 B\) of 2 files to orders: a dry run, nothing was published\n$/)
    const { json } = await nsq(['replay', folder, '--dry-run', '--json', '--topic', 't'])
    const [first, second, summary] = json()
    assert.deepEqual([first?.['messages'], first?.['topic'], second?.['compression']], [3, 't', 'zstd'])
    assert.deepEqual([summary?.['dry_run'], summary?.['messages'], summary?.['ok']], [true, 5, true])
  })
})

describe('what is wrong', () => {
  test('a damaged file is named, and the rest is published', async () => {
    const copy = temporaryFolder()
    for (const name of namesIn(folder)) {
      copyFileSync(join(folder, name), join(copy, name))
      if (name.endsWith('.gz')) truncateSync(join(copy, name), 60)
    }
    const damaged = readdirSync(copy).find(name => name.endsWith('.gz')) ?? ''
    writeFileSync(join(copy, 'growing.log'), 'x\n')
    writeFileSync(join(copy, 'bad.manifest.jsonl'), 'nonsense\n')
    const topic = newTopic()
    const { code, out, err } = await replay(copy, '--topic', topic, '--json')
    assert.equal(code, 1)
    assert.match(err, /left out, as no manifest lists it: growing\.log\n/)
    assert.ok(err.includes(`${join(copy, damaged)}: `), err)
    assert.match(err, /bad\.manifest\.jsonl: line 1: not JSON/)
    assert.match(err, /2 problems with the archive, see above/)
    const { damaged: problems, ok, ended } = JSON.parse(out)
    assert.deepEqual([problems.length, ok, ended], [2, false, 'end'])
    assert.deepEqual((await waiting(topic)).slice(-2), ['four', 'five'])
  })

  test('what cannot be understood is said before anything is published', async () => {
    const empty = temporaryFolder()
    mkdirSync(join(empty, 'below'))
    const lines = join(empty, 'below', 'x.log')
    for (const [words, complaint, code] of [
      [[join(empty, 'nowhere')], /cannot read .*nowhere: there is no such file/, 1],
      [[join(empty, 'below'), '--topic=t'], /there is nothing to replay in/, 1],
      [[folder, '--topic=a b'], /"a b" is not the name of a topic/, 2],
      [[folder, '--channel=c'], /--channel is for a topic, and files are named/, 2],
      [[folder, '--s3-endpoint=http://127.0.0.1:1'], /--s3-endpoint is for S3/, 2],
      [['s3://B/x'], /bucket/, 2],
      [[folder, '--since=yesterday'], /--since: "yesterday" is not a time: write it like/, 2],
      [[folder, '--since=2100-01-01'], /--since is 2100-01-01T.*, which is still to come/, 2],
      [[folder, '--since=1h', '--until=2h'], /--until is .*, which is not after --since/, 2],
      [[folder, '--rate=x/s'], /--rate: "x" is not a whole number/, 2],
    ] as const) {
      const ran = await replay(...words)
      assert.equal(ran.code, code, ran.err)
      assert.match(ran.err, complaint)
    }
    writeFileSync(lines, 'a\n')
    assert.match(
      (await replay(lines)).err,
      /--topic is missing: no manifest says where the messages of .*x\.log belong/,
    )
  })

  test('a pipe: what is looked at of it would be lost', async () => {
    const pipe = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const { code, err } = await replay(pipe, '--topic', newTopic())
    assert.equal(code, 1)
    assert.match(
      err,
      /cannot read \S+pipe: it is neither a file nor a folder\n {2}Write what comes from a pipe/,
    )
  })

  test('no nsqd', async () => {
    const { code, err } = await nsq([
      'replay',
      folder,
      '--topic',
      't',
      '--yes',
      '--nsqd-tcp-address',
      '127.0.0.1:1',
    ])
    assert.equal(code, 1)
    assert.match(err, /ECONNREFUSED/)
  })
})

test('a signal stops it, and it says how to go on', async () => {
  const file = join(temporaryFolder(), 'many.log')
  writeFileSync(file, Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(''))
  const topic = newTopic()
  const words = ['replay', file, '--topic', topic, '--nsqd-http-address', rig.http]
  const terminal = fakeTerminal()
  const running = run([...words, '--rate', '50/s', '--json'], terminal)
  const count = async (): Promise<number> => (await waiting(topic)).length
  await eventually(async () => (await count().catch(() => 0)) >= 10)
  terminal.stop.abort('SIGINT')
  const { code, err, json } = await running
  assert.equal(code, 1)
  const published = await count()
  const flags = [`--skip-files=0`, `--skip=${published}`]
  assert.ok(
    err.includes(`stopped after ${published} records of ${file}; what comes before that is published`),
    err,
  )
  assert.ok(err.endsWith(`  To go on, say the same again with ${flags.join(' ')}\n`), err)
  const [summary] = json()
  assert.deepEqual(
    [summary?.['ended'], summary?.['messages'], summary?.['resume']],
    ['signal', published, { skip_files: 0, skip: published }],
  )
  assert.equal((await replay(...words.slice(1), ...flags)).code, 0)
  assert.deepEqual(
    await waiting(topic),
    Array.from({ length: 1000 }, (_, i) => `${i}`),
  )
})

test('an archive in S3: a place in it, or one object', async t => {
  const server = await S3Server.start(t)
  await server.createBucket('bucket')
  Object.assign(process.env, server.env, { AWS_MAX_ATTEMPTS: '1' })
  const names = namesIn(folder)
  for (const name of names) await server.put('bucket', `logs/a/${name}`, readFileSync(join(folder, name)))
  const s3 = ['--s3-endpoint', server.endpoint]
  const topic = newTopic()
  const { code, err } = await replay('s3://bucket/logs', '--topic', topic, ...s3)
  assert.equal(code, 0, err)
  assert.deepEqual(await waiting(topic), ['one', 'two', 'three', 'four', 'five'])
  const other = newTopic()
  const object = names.find(name => name.endsWith('.gz')) ?? ''
  const one = await replay(`s3://bucket/logs/a/${object}`, '--topic', other, ...s3)
  assert.equal(one.code, 0, one.err)
  assert.deepEqual(await waiting(other), ['one', 'two', 'three'])
  const none = await replay('s3://bucket/logs/a/nothing', '--topic', other, ...s3)
  assert.equal(none.code, 1)
  assert.match(none.err, /cannot read s3:\/\/bucket\/logs\/a\/nothing: there is no such file/)
})

test('it outlives an nsqd that restarts, and keeps the order', async t => {
  const target = await Restartable.start(t)
  const file = join(temporaryFolder(), 'a.log')
  writeFileSync(file, LINES.map(line => `${line}\n`).join(''))
  const words = ['--topic', 'again', '--rate', '300', '--yes', `--nsqd-http-address=${http(target.nsqd)}`]
  const running = nsq(['replay', file, ...words])
  await eventually(async () => (await target.waiting('again')).length > 50)
  await target.restart()
  const { code, err } = await running
  assert.equal(code, 0, err)
  assert.deepEqual(await target.waiting('again'), LINES)
})
