/** The command, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from '../../support/wait.ts'
import { ArchiveRig, filesIn, linesIn, type Ran } from './fixtures.ts'

let rig: ArchiveRig
let folders = 0
before(async () => (rig = await ArchiveRig.start()))
after(() => rig.close())

function newFolder(): string {
  return join(rig.folder, `out${++folders}`)
}

function numbers(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i))
}

interface Summary {
  messages: number
  bytes: number
  files: number
  unfinished: number
  ended: string
  ok: boolean
}

/** The one line on stdout. */
function summaryOf({ out }: Ran): Summary {
  assert.match(out, /^[^\n]+\n$/)
  return JSON.parse(out)
}

describe('archive', () => {
  test('empties a channel into a file, and says nothing', async () => {
    const topic = await rig.topic(numbers(500))
    const out = newFolder()
    assert.deepEqual(await rig.run([topic, '--output', out, '--until-empty']), { code: 0, out: '', err: '' })
    const files = await filesIn(out)
    assert.equal(files.size, 1)
    assert.match(
      [...files.keys()].join(),
      new RegExp(`^${topic}\\.[^/]+\\.\\d{4}-\\d\\d-\\d\\d_\\d\\d\\.log$`),
    )
    assert.deepEqual((await linesIn(out)).sort(), numbers(500).sort())
    assert.deepEqual(await rig.left(topic), { depth: 0, inFlight: 0 })
  })

  test('--json prints one line', async () => {
    const topic = await rig.topic(numbers(10))
    const ran = await rig.run([topic, '--output', newFolder(), '--until-empty', '--json'])
    assert.equal(ran.code, 0)
    const { ended, ...rest } = summaryOf(ran)
    assert.equal(ended, 'empty')
    assert.deepEqual(
      { ...rest, seconds: 0 },
      {
        messages: 10,
        bytes: 21,
        files: 1,
        recovered: 0,
        requeued: 0,
        unfinished: 0,
        waiting: 0,
        seconds: 0,
        ok: true,
      },
    )
  })

  test('takes the flags of nsq_to_file, with one dash, and logs as it does', async () => {
    const topic = await rig.topic(numbers(20))
    const out = newFolder()
    const running = rig.start(
      [
        '-topic',
        topic,
        '-output-dir',
        out,
        '-gzip',
        '-gzip-level=1',
        '-max-in-flight',
        '10',
        '-work-dir',
        newFolder(),
      ],
      { program: 'nsq_to_file', from: ['-nsqd-tcp-address', rig.nsqds[0] ?? ''] },
    )
    await until(() => running.around.err().includes('INFO: opened'))
    while ((await rig.left(topic)).depth > 0) await new Promise(resolve => setTimeout(resolve, 10))
    running.around.stop.abort('SIGTERM')
    const { code, out: stdout, err } = await running.done
    assert.equal(code, 0)
    assert.equal(stdout, '')
    assert.match(
      err,
      /^\[nsq_to_file\] \d{4}\/\d\d\/\d\d .* INFO: moved to .*\.log\.gz: 20 messages, \d+ B$/m,
    )
    const files = await filesIn(out)
    assert.match([...files.keys()].join(), /-000000\.\d{4}-\d\d-\d\d_\d\d\.log\.gz$/)
    assert.deepEqual((await linesIn(out)).sort(), numbers(20).sort())
  })

  test('SIGTERM finishes what is in hand', async () => {
    const topic = await rig.topic(numbers(50))
    const out = newFolder()
    // Nothing would be written for a long time.
    const running = rig.start([topic, '--output', out, '--sync-interval', '1h', '--json'])
    while ((await rig.left(topic)).inFlight < 50) await new Promise(resolve => setTimeout(resolve, 10))
    running.around.stop.abort('SIGTERM')
    const ran = await running.done
    assert.equal(ran.code, 0)
    assert.equal(ran.err, '')
    const { messages, ended } = summaryOf(ran)
    assert.deepEqual([messages, ended], [50, 'signal'])
    assert.deepEqual(await rig.left(topic), { depth: 0, inFlight: 0 })
    assert.equal((await linesIn(out)).length, 50)
  })

  test('--max-messages is exact over all topics', async () => {
    const topics = [await rig.topic(numbers(40)), await rig.topic(numbers(40))]
    const out = newFolder()
    const ran = await rig.run([topics.join(), '--output', out, '--max-messages', '30', '--json'])
    assert.equal(ran.code, 0, ran.err)
    const { messages, ended } = summaryOf(ran)
    assert.deepEqual([messages, ended], [30, 'max-messages'])
    assert.equal((await linesIn(out)).length, 30)
    const left = await Promise.all(topics.map(topic => rig.left(topic)))
    assert.equal(
      left.reduce((sum, { depth, inFlight }) => sum + depth + inFlight, 0),
      50,
    )
  })

  test('--max-duration ends it', async () => {
    const topic = await rig.topic(numbers(5))
    const ran = await rig.run([topic, '--output', newFolder(), '--max-duration', '500ms', '--json'])
    assert.equal(ran.code, 0)
    const { messages, ended } = summaryOf(ran)
    assert.deepEqual([messages, ended], [5, 'max-duration'])
  })

  test('SIGHUP begins new files', async () => {
    const topic = await rig.topic(['one'])
    const out = newFolder()
    const running = rig.start([topic, '--output', out, '--gzip', '--sync-interval', '10ms'])
    while ((await rig.left(topic)).inFlight + (await rig.left(topic)).depth > 0) await pause()
    running.around.hangup()
    await rig.publish(topic, ['two'])
    while ((await rig.left(topic)).inFlight + (await rig.left(topic)).depth > 0) await pause()
    running.around.stop.abort('SIGTERM')
    assert.equal((await running.done).code, 0)
    assert.deepEqual([...(await filesIn(out)).values()], ['one\n', 'two\n'])
  })

  test('--topic-pattern looks at once, and finds the topics that come later', async () => {
    await rig.topic(['a'], 'pattern_a')
    await rig.topic(['x'], 'other_a')
    const out = newFolder()
    const running = rig.start([
      '--topic-pattern=^pattern_',
      '--topic-refresh=50ms',
      `--output=${out}`,
      '--sync-interval=10ms',
    ])
    while ((await linesInSafe(out)).length < 1) await pause()
    await rig.topic(['b'], 'pattern_b')
    while ((await linesInSafe(out)).length < 2) await pause()
    running.around.stop.abort('SIGTERM')
    assert.equal((await running.done).code, 0)
    assert.deepEqual((await linesIn(out)).sort(), ['a', 'b'])
    assert.deepEqual(await rig.left('other_a'), { depth: 1, inFlight: 0 })
  })

  test('a topic that no file can be named after is left out, and told of', async () => {
    await rig.topic(['lost'], '..')
    await rig.topic(['kept'], 'named..')
    const out = newFolder()
    const { code, err } = await rig.run([
      '--topic-pattern=[.][.]$',
      '--filename-format=<TOPIC>/log',
      `--output=${out}`,
      '--until-empty',
    ])
    assert.equal(code, 1)
    assert.match(err, /the topic \.\. is not archived: --filename-format: .* named "\.\."/)
    assert.deepEqual(await linesIn(out), ['kept'])
    assert.deepEqual(await rig.left('..'), { depth: 1, inFlight: 0 })
  })

  test('files messages by their own time, and tells of those that have none', async () => {
    const topic = await rig.topic(['{"at":0}', '{"at":"1970-01-02T00:00:00Z"}', 'none'])
    const out = newFolder()
    const format = 'dt=%Y-%m-%d/<TOPIC>.log'
    const flags = ['--until-empty', '--time-field=at', `--filename-format=${format}`]
    const { code, err } = await rig.run([topic, '--output', out, ...flags])
    assert.equal(code, 0)
    assert.match(err, /^\[archive\] .* WARNING: 1 message without a time in at, filed by that of nsqd\n$/)
    const today = new Date().toISOString().slice(0, 10)
    const files = await filesIn(out)
    assert.deepEqual(
      [...files.keys()].map(name => name.split('/')[0]),
      ['dt=1970-01-01', 'dt=1970-01-02', `dt=${today}`],
    )
  })

  test('what it writes, pub reads back', async () => {
    const bodies = ['a\nb', Buffer.of(0xff, 0x0a, 0x00), 'plain', '\\n']
    for (const [format, ...input] of [
      ['--output-format=jsonl', '--input=jsonl'],
      ['--output-format=length', '--input=length'],
      ['--escape', '--unescape'],
    ] as const) {
      const topic = await rig.topic(bodies)
      const copy = await rig.topic([])
      const out = newFolder()
      assert.equal((await rig.run([topic, '--output', out, '--max-messages=4', format])).code, 0)
      const bytes = [...(await filesIn(out)).values()].map(text => Buffer.from(text, 'latin1'))
      assert.equal((await rig.pub([copy, ...input], bytes)).code, 0)
      const again = newFolder()
      await rig.run([copy, '--output', again, '--max-messages=4', '--output-format=length'])
      const [records = ''] = (await filesIn(again)).values()
      for (const body of bodies) assert.ok(records.includes(Buffer.from(body).toString('latin1')), format)
    }
  })
})

describe('archive, when something is wrong', () => {
  test('a paused channel with messages in it is not empty', async () => {
    const topic = await rig.topic(numbers(3))
    await rig.nsqd(`/channel/pause?topic=${topic}&channel=nsq_to_file`)
    const ran = await rig.run([topic, '--output', newFolder(), '--until-empty', '--json'])
    assert.equal(ran.code, 1)
    assert.equal(summaryOf(ran).ok, false)
    assert.match(
      ran.err,
      /ERROR: the channel nsq_to_file of the topic t\d+ is paused at nsqd \S+: 3 messages wait\n/,
    )
    assert.doesNotMatch(ran.err, /\n\s+at /)
  })

  test('an nsqd or an nsqlookupd that is not there is named', async () => {
    const nsqd = await rig.run(['t', '--output', newFolder(), '--json'], {
      from: ['--nsqd-tcp-address', '127.0.0.1:9'],
    })
    assert.equal(nsqd.code, 1)
    assert.match(nsqd.err, /^nsq-ts archive: .*127\.0\.0\.1:9/)
    assert.equal(summaryOf(nsqd).ended, 'error')
    const lookupd = await rig.run(['--topic-pattern', 't', '--output', newFolder()], {
      from: ['--lookupd-http-address', '127.0.0.1:9'],
    })
    assert.equal(lookupd.code, 1)
    assert.match(lookupd.err, /127\.0\.0\.1:9/)
  })

  test('two runs do not write the same files', async () => {
    const topic = await rig.topic(['one'])
    const out = newFolder()
    const first = rig.start([topic, '--output', out, '--sync-interval', '10ms'])
    while ((await linesInSafe(out)).length < 1) await pause()
    // Without an address: that is not what is wrong.
    const second = await rig.run([topic, '--output', out, '--until-empty', '--json'], { from: [] })
    assert.equal(second.code, 1)
    assert.match(second.err, new RegExp(`^nsq-ts archive: .*${process.pid}`))
    assert.doesNotMatch(second.err, /address/)
    assert.equal(summaryOf(second).ended, 'error')
    first.around.stop.abort('SIGTERM')
    assert.equal((await first.done).code, 0)
  })

  test('an output that cannot be written to is an error before anything is taken', async () => {
    const topic = await rig.topic(['one'])
    const file = join(rig.folder, 'a file')
    await writeFile(file, '')
    const { code, err } = await rig.run([topic, '--output', join(file, 'below'), '--until-empty'])
    assert.equal(code, 1)
    assert.match(err, /^nsq-ts archive: .*a file/)
    assert.deepEqual(await rig.left(topic), { depth: 1, inFlight: 0 })
  })

  test('what is wrong with the output is told when it is found at the end', async () => {
    const topic = await rig.topic(['one'])
    const [out, work] = [newFolder(), newFolder()]
    await mkdir(out)
    await writeFile(join(out, 'sub'), '')
    const format = 'sub/<TOPIC><REV>.log'
    const args = ['--output', out, '--work-dir', work, '--filename-format', format, '--until-empty']
    const { code, err } = await rig.run([topic, ...args])
    assert.equal(code, 1)
    assert.match(err, /1 file not delivered[^\n]*\nnsq-ts archive: cannot write .*ENOTDIR/)
  })

  test('a topic that is not there is no failure, and not silent either', async () => {
    const { code, err } = await rig.run(['no_such_topic', '--output', newFolder(), '--until-empty'])
    assert.equal(code, 0)
    assert.match(err, /WARNING: no nsqd has the topic no_such_topic\n$/)
  })

  test('a command line that means nothing exits 2, and says what to write', async () => {
    const { code, out, err } = await rig.run(['t', '--gzip', '--filename-format', '<TOPIC>.log', '--json'])
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.match(
      err,
      /^nsq-ts archive: --filename-format has no <REV>.*\n {2}Write <REV> where a number may stand/,
    )
  })
})

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 10))
}

/** None while there is no folder. */
async function linesInSafe(folder: string): Promise<string[]> {
  try {
    return await linesIn(folder)
  } catch {
    return []
  }
}
