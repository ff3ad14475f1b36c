/** The commands, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { Cluster } from '../../src/cli/dev/cluster.ts'
import { runProgram } from '../../src/cli/program.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { type FakeSurroundings, fakeSurroundings } from './fakes.ts'

let cluster: Cluster
let lookupd = ''
let nsqds: string[] = []
let topicNumber = 0

before(async () => {
  cluster = await Cluster.start({
    nsqds: 2,
    lookupds: 1,
    dataPath: undefined,
    topics: [],
    ports: { nsqd: 0, lookupd: 0 },
    logger: prefix => new Logger({ prefix, level: LogLevel.fatal }),
  })
  nsqds = cluster.nsqds.map(({ tcp }) => tcp)
  lookupd = cluster.lookupds[0]?.http ?? ''
  // They register in their own time.
  await eventually(async () => (await get(`http://${lookupd}/nodes`)).includes(port(1)))
  await eventually(async () => (await get(`http://${lookupd}/nodes`)).includes(port(0)))
})

after(async () => {
  await cluster.close()
  await rm(cluster.dataPath, { recursive: true })
})

function port(index: number): string {
  return `"tcp_port":${nsqds[index]?.split(':')[1]}`
}

async function get(url: string, method = 'GET'): Promise<string> {
  return (await fetch(url, { method })).text()
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}

/** A topic of its own for each test, on the first nsqd unless told otherwise, with channels that keep everything. */
async function newTopic(channels: readonly string[], where = [0]): Promise<string> {
  const topic = `t${++topicNumber}`
  for (const index of where) {
    const http = cluster.nsqds[index]?.http
    await get(`http://${http}/topic/create?topic=${topic}`, 'POST')
    for (const channel of channels) {
      await get(`http://${http}/channel/create?topic=${topic}&channel=${channel}`, 'POST')
    }
  }
  return topic
}

interface ChannelStats {
  depth: number
  in_flight_count: number
  deferred_count: number
  requeue_count: number
}

async function channelStats(topic: string, index = 0): Promise<ChannelStats | undefined> {
  const text = await get(`http://${cluster.nsqds[index]?.http}/stats?format=json&topic=${topic}`)
  const stats: { topics: { channels: ChannelStats[] }[] } = JSON.parse(text)
  return stats.topics[0]?.channels[0]
}

interface Run {
  input?: Iterable<Buffer | string>
  env?: Record<string, string>
  around?: FakeSurroundings
}

async function run(
  program: string,
  args: string[],
  { input = [], env = {}, around = fakeSurroundings(env, input) }: Run = {},
): Promise<{ code: number; out: string; err: string }> {
  const code = await runProgram(program, args, commands, around)
  return { code, out: around.out(), err: around.err() }
}

function pub(args: string[], input: Iterable<Buffer | string>): ReturnType<typeof run> {
  return run('nsq-ts', ['pub', '--nsqd-tcp-address', nsqds[0] ?? '', ...args], { input })
}

function tail(args: string[]): ReturnType<typeof run> {
  return run('nsq-ts', ['tail', '--nsqd-tcp-address', nsqds[0] ?? '', '--channel', 'c', ...args])
}

describe('pub and tail', () => {
  test('lines go in and come out, byte for byte', async () => {
    const topic = await newTopic(['c'])
    const published = await pub([topic], ['one\r\n\xfftwo\n', Buffer.of(0, 0xff, 10), '\nlast'])
    assert.equal(published.code, 0)
    assert.equal(published.out, '')
    assert.match(
      published.err,
      /^nsq-ts pub: 4 messages \(\d+ B\) to t\d+ in .*\/s\n.*: 1 empty line left out/,
    )
    const { code, out } = await tail([topic, '-n', '4'])
    assert.equal(code, 0)
    const expected = Buffer.concat([
      Buffer.from('one\r\n\xfftwo\n'),
      Buffer.of(0, 0xff, 10),
      Buffer.from('last\n'),
    ])
    assert.equal(out, expected.toString('latin1'))
  })

  test('tail --json | pub --input jsonl copies a topic', async () => {
    const [from, to] = [await newTopic(['c']), await newTopic(['c'])]
    const messages = Array.from({ length: 50 }, (_, i) =>
      i % 2 === 0 ? randomBytes(30) : Buffer.from(`text ${i}`),
    )
    const framed = messages.map(body => Buffer.concat([Buffer.of(0, 0, 0, body.length), body]))
    assert.equal((await pub(['--input=length', from], framed)).code, 0)
    const printed = await tail(['-n50', '--json', from])
    const record: unknown = JSON.parse(printed.out.split('\n')[0] ?? '')
    assert.deepEqual(Object.keys(record ?? {}).slice(0, 5), ['topic', 'id', 'timestamp', 'attempts', 'nsqd'])
    const copied = await pub(['--input', 'jsonl', '--topic', to], [Buffer.from(printed.out, 'latin1')])
    assert.equal(copied.code, 0)
    const { out } = await tail(['-n50', '--format={base64}', to])
    assert.deepEqual(out.trimEnd().split('\n').sort(), messages.map(body => body.toString('base64')).sort())
  })

  test('--consumer-opt max_in_flight counts', async () => {
    const { code, err } = await tail(['t', '--consumer-opt', 'max_in_flight,0'])
    assert.equal(code, 2)
    assert.match(err, /--consumer-opt max_in_flight: "0" is out of range/)
  })

  test('a delay that no nsqd takes is a usage error', async () => {
    const { code, err } = await pub(['t', '--defer', '9999h'], ['a\n'])
    assert.equal(code, 2)
    assert.match(err, /--defer: "9999h" is out of range/)
  })

  test('pub --input whole is one message, and --delimiter any bytes', async () => {
    const topic = await newTopic(['c'])
    await pub(['--input', 'whole', topic], ['a\n', 'b\n'])
    await pub(['--delimiter', '\\x1e', topic], ['c\x1ed'])
    assert.equal((await tail(['-n', '3', topic])).out, 'a\nb\n\nc\nd\n')
  })

  test('pub --unescape gives back newlines, and names the line of an escape that is none', async () => {
    const topic = await newTopic(['c'])
    const { code, err } = await pub(['--unescape', topic], ['a\\nb\nc:\\\\d\n', '\ne\\x\nf\n'])
    assert.equal(code, 1)
    assert.match(err, /line 4 of the input: \\x is no escape; a backslash is written \\\\, /)
    assert.equal((await tail(['-n', '2', topic])).out, 'a\nb\nc:\\d\n')
  })

  test('pub --json sums up for a program', async () => {
    const topic = await newTopic(['c'])
    const { out } = await pub(['--json', topic], ['a\nbc\n\n'])
    const summary: unknown = JSON.parse(out)
    assert.ok(typeof summary === 'object' && summary !== null && 'seconds' in summary)
    assert.deepEqual(
      { ...summary, seconds: 0 },
      { messages: 2, bytes: 3, seconds: 0, unacknowledged: 0, empty: 1, missed: {} },
    )
  })

  test('pub --defer delivers later', async () => {
    const topic = await newTopic(['c'])
    await pub(['--defer', '10m', topic], ['a\nb\n'])
    await eventually(async () => (await channelStats(topic))?.deferred_count === 2)
  })

  test('tail -n finishes what it printed and gives back the rest', async () => {
    const topic = await newTopic(['c'])
    await pub([topic], ['1\n2\n3\n4\n5\n'])
    assert.equal((await tail(['-n', '2', topic])).out, '1\n2\n')
    await eventually(async () => (await channelStats(topic))?.depth === 3)
    assert.equal((await tail(['-n', '3', topic])).out, '3\n4\n5\n')
    await eventually(async () => (await channelStats(topic))?.depth === 0)
  })

  test('tail -n counts over all topics', async () => {
    const [a, b] = [await newTopic(['c']), await newTopic(['c'])]
    await pub([a], ['a\n'])
    await pub([b], ['b\n'])
    const { code, out } = await tail(['-n', '2', '--print-topic', '-topic', `${a},${b}`])
    assert.equal(code, 0)
    assert.deepEqual(out.trimEnd().split('\n').sort(), [`${a} | a`, `${b} | b`].sort())
  })

  test('tail stops when idle, and at a signal', async () => {
    const topic = await newTopic(['c'])
    await pub([topic], ['a\n'])
    assert.deepEqual(await tail(['--idle-timeout=50ms', topic]), { code: 0, out: 'a\n', err: '' })
    const around = fakeSurroundings()
    const running = run('nsq_tail', ['-nsqd-tcp-address', nsqds[0] ?? '', '-topic', topic], { around })
    await eventually(() => Promise.resolve(cluster.nsqds.length > 0))
    setTimeout(() => around.stop.abort('SIGINT'), 50)
    assert.deepEqual(await running, { code: 0, out: '', err: '' })
  })

  test('both find nsqd through nsqlookupd', async () => {
    const topic = await newTopic(['c'], [0, 1])
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: lookupd }
    assert.equal((await run('nsq-ts', ['pub', '--to=all', topic], { env, input: ['a\n'] })).code, 0)
    await eventually(async () => (await get(`http://${lookupd}/lookup?topic=${topic}`)).includes(port(1)))
    const { out } = await run('nsq-ts', ['tail', '-n2', '--channel=c', '--json', topic], { env })
    for (const nsqd of nsqds) assert.ok(out.includes(`"nsqd":"${nsqd}"`))
  })

  test('of several nsqds pub takes one, and to_nsq all', async () => {
    const topic = await newTopic(['c'], [0, 1])
    const args = nsqds.map(address => `-nsqd-tcp-address=${address}`)
    await run('nsq-ts', ['pub', ...args, topic], { input: ['a\n'] })
    await run('to_nsq', ['-topic', topic, ...args], { input: ['b\n'] })
    await eventually(async () => (await channelStats(topic, 0))?.depth === 2)
    await eventually(async () => (await channelStats(topic, 1))?.depth === 1)
  })
})

describe('what goes wrong is said', () => {
  test('an nsqd that is down, even with nothing to publish', async () => {
    const args = ['-topic', 't', '-nsqd-tcp-address', '127.0.0.1:1']
    const published = await run('to_nsq', args)
    assert.equal(published.code, 1)
    assert.match(published.err, /^to_nsq: cannot connect to 127\.0\.0\.1:1: /)
    const tailed = await run('nsq_tail', args)
    assert.equal(tailed.code, 1)
    assert.match(tailed.err, /^nsq_tail: cannot connect to 127\.0\.0\.1:1: /)
  })

  test('one of several that is down, when all should get the messages', async () => {
    const args = ['-topic', 't', '-nsqd-tcp-address', `${nsqds[0]},127.0.0.1:1`]
    const { code, err } = await run('to_nsq', args, { input: ['a\n'] })
    assert.equal(code, 1)
    assert.match(err, /127\.0\.0\.1:1/)
  })

  test('an nsqlookupd that is down', async () => {
    for (const command of ['pub', 'tail']) {
      const { code, err } = await run('nsq-ts', [command, 't', '--lookupd-http-address', '127.0.0.1:1'])
      assert.equal(code, 1)
      assert.match(err, /127\.0\.0\.1:1/)
    }
  })

  test('bad input, after what came before it was published', async () => {
    const topic = await newTopic(['c'])
    const { code, err } = await pub(['--max-msg-size', '3', topic], ['a\nbcd\nefgh\ni\n'])
    assert.equal(code, 1)
    assert.match(err, /2 messages \(4 B\)[\s\S]*line 3 of the input: it is larger than 3 bytes/)
    await eventually(async () => (await channelStats(topic))?.depth === 2)
  })

  const usage: [args: string[], err: RegExp][] = [
    [['pub'], /--topic is missing/],
    [['tail'], /--topic is missing/],
    [['pub', 'a b'], /"a b" is not the name of a topic/],
    [['pub', 'a', '--topic', 'b'], /two topics: "a" and --topic=b/],
    [['tail', 'a', '--channel', 'x/y'], /"x\/y" is not the name of a channel/],
    [['pub', 'a', '--delimiter', ''], /--delimiter is empty/],
    [['pub', 'a', '--delimiter', '\\q'], /--delimiter: "\\q" is not an escape/],
    [
      ['pub', 'a', '--unescape', '--input', 'whole'],
      /--unescape is for --input=lines, not whole\n {2}Leave one/,
    ],
    [['tail', 'a', '--json', '--format', 'x'], /exclude each other/],
    [['tail', 'a', '--consumer-opt', 'tls_v1,maybe'], /--consumer-opt tls_v1: "maybe" is not true or false/],
    [['pub', 'a', '--nsqd-tcp-address', 'http://a:4150'], /--nsqd-tcp-address: "http:\/\/a:4150" is a URL/],
    [['tail', 'a', '--lookupd-http-address', 'x:y'], /--lookupd-http-address: "x:y" is not an address/],
    [['pub', 'a', '--tls-cert', 'x'], /--tls-cert needs a private key with it/],
    [
      ['tail', 'a', '--consumer-opt', 'max_atempts,4'],
      /no option "max_atempts"\n {2}Did you mean max_attempts\?/,
    ],
    [['tail', 'a', '--consumer-opt', 'msg_timeout,4'], /--consumer-opt msg_timeout: "4" is not a duration/],
    [
      ['pub', 'a', '--producer-opt', 'heartbeat_interval,1ms'],
      /--producer-opt heartbeat_interval: "1ms" is out of range/,
    ],
    [['dev', '--topic', 'a:b:c'], /--topic: "a:b:c" is not a topic/],
  ]
  for (const [args, message] of usage) {
    test(`exits 2 for ${args.join(' ')}`, async () => {
      const { code, out, err } = await run('nsq-ts', args)
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(err, message)
    })
  }
})
