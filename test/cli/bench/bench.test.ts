/** bench in this process, against real daemons. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { CSV_NAMES } from '../../../src/cli/bench/report.ts'
import { runBench } from '../../../src/cli/bench/run.ts'
import { type CommandEntry, type Context, defineCommand } from '../../../src/cli/command.ts'
import { bench, type BenchOptions } from '../../../src/cli/commands/bench.ts'
import { commands } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { closeServer, listenTcp } from '../../../src/net/listen.ts'
import { FrameType } from '../../../src/protocol/frame.ts'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import type { Nsqlookupd } from '../../../src/nsqlookupd/daemon.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { Daemons } from '../../client/daemons.ts'
import { type SecuredNsqd, startSecuredNsqd } from '../../support/secured-nsqd.ts'
import { pause, until } from '../../support/wait.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'
import { LosingProxy } from './losing-proxy.ts'

const daemons = new Daemons()
let nsqd: Nsqd

before(async () => {
  nsqd = await daemons.nsqd()
})
after(() => daemons.close())

/** With its HTTP API at the port after that of TCP, as official ones have it. */
async function lookupdWithNextPort(): Promise<Nsqlookupd> {
  for (;;) {
    const probe = createServer()
    const { port } = await listenTcp(probe, { host: '127.0.0.1', port: 0 })
    await closeServer(probe, new Set())
    const at = (step: number): string => formatAddress({ host: '127.0.0.1', port: port + step })
    try {
      return await daemons.nsqlookupd({ tcpAddress: at(0), httpAddress: at(1) })
    } catch {
      // Somebody else has one of them: others are tried.
    }
  }
}

/** Little, and without a warm-up. */
const SHORT = ['--warmup', '0', '--messages', '500', '--batch', '10', '--no-ceiling']

function addresses(): string[] {
  const [tcp, http] = [formatAddress(nsqd.tcpAddress), formatAddress(nsqd.httpAddress)]
  return ['--nsqd-tcp-address', tcp, '--nsqd-http-address', http]
}

function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  from: readonly CommandEntry[] = commands,
): { around: FakeSurroundings; ended: Promise<number> } {
  const around = fakeSurroundings(env)
  return { around, ended: runProgram('nsq-ts', ['bench', ...args], from, around) }
}

/** The command, without the seconds that it waits for what does not come. */
const impatient: CommandEntry = {
  name: 'bench',
  summary: '',
  load: () =>
    Promise.resolve(
      defineCommand({
        ...bench,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- they are those of the command
        run: context => runBench(context as Context<BenchOptions>, 300),
      }),
    ),
}

interface Outcome {
  code: number
  out: string
  err: string
}

async function run(...given: Parameters<typeof start>): Promise<Outcome> {
  const { around, ended } = start(...given)
  const code = await ended
  return { code, out: around.out(), err: around.err() }
}

function pick(record: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map(key => [key, record[key]]))
}

function parsed(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  assert.ok(typeof value === 'object' && value !== null)
  return { ...value }
}

async function refused(pattern: RegExp, ...args: string[]): Promise<void> {
  const { code, err } = await run(args)
  assert.match(err, pattern)
  assert.equal(code, /cannot connect|too big|ECONNREFUSED/.test(err) ? 1 : 2, err)
}

describe('nsq-ts bench', () => {
  afterEach(() => assert.deepEqual([...nsqd.topics.keys()], [], 'what it has made is gone'))

  test('all: a table', async () => {
    const { code, out, err } = await run([...addresses(), ...SHORT])
    assert.equal(code, 0, err)
    const lines = out.trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^nsqd 127\.0\.0\.1:\d+: messages of 200 bytes, 2 connections, 10 commands/)
    assert.deepEqual(
      lines.slice(2).map(line => /^(.*?)(?: {2}|$)/.exec(line)?.[1]),
      ['', 'publish, MPUB of 10', 'subscribe', 'latency, MPUB of 10'],
    )
    for (const line of lines.slice(3)) assert.match(line, / 0$/)
  })

  test('JSON: one object a line, with what was asked for and what came of it', async () => {
    const { code, out, err } = await run([...addresses(), ...SHORT, '--json'])
    assert.equal(code, 0, err)
    const records = out.trimEnd().split('\n').map(parsed)
    const fixed = {
      size: 200,
      batch: 10,
      lost: 0,
      duplicates: 0,
      unanswered: 0,
      complete: true,
      ceiling: null,
    }
    assert.deepEqual(
      records.map(record => pick(record, ['mode', 'rate', ...Object.keys(fixed)])),
      (['pub', 'sub', 'latency'] as const).map(mode => ({
        mode,
        rate: mode === 'latency' ? 1000 : null,
        ...fixed,
      })),
    )
    for (const { mode, messages, latency_ms: latency } of records) {
      assert.ok(typeof messages === 'number' && messages >= 500, String(messages))
      if (mode === 'sub') assert.equal(latency, null)
      else assert.ok(typeof latency === 'object' && latency !== null && 'p99.99' in latency)
    }
  })

  test('CSV: names, and a line a run', async () => {
    const { code, out, err } = await run(['pub', ...addresses(), ...SHORT, '--csv', '--size', '8'])
    assert.equal(code, 0, err)
    const [names, line, ...others] = out.trimEnd().split('\n')
    assert.equal(names, CSV_NAMES.join(','))
    assert.match(line ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z,pub,127\.0\.0\.1:\d+,8,10,2,10,,true,/)
    assert.equal(line?.split(',').length, CSV_NAMES.length)
    assert.deepEqual(others, [])
  })

  test('a ceiling: the same bytes without NSQ, at the same rate', async () => {
    const few = ['--warmup', '0', '--duration', '50ms', '--connections', '1', '--json']
    const { code, out, err } = await run([...addresses(), ...few])
    assert.equal(code, 0, err)
    for (const { mode, ceiling } of out.trimEnd().split('\n').map(parsed)) {
      assert.ok(typeof ceiling === 'object' && ceiling !== null, String(mode))
      assert.ok('messages_per_second' in ceiling && Number(ceiling.messages_per_second) > 0, String(mode))
      assert.ok(
        'latency_ms' in ceiling && (ceiling.latency_ms !== null) === (mode === 'latency'),
        String(mode),
      )
    }
  })

  test('through nsqlookupd, which forgets the name as well', async () => {
    const lookupd = await daemons.nsqlookupd()
    const member = await daemons.nsqd({
      lookupdTcpAddress: [formatAddress(lookupd.tcpAddress)],
      broadcastAddress: '127.0.0.1',
    })
    const http = formatAddress(lookupd.httpAddress)
    const said = async (path: string): Promise<string> => (await fetch(`http://${http}${path}`)).text()
    for (let nodes = ''; !nodes.includes(String(member.tcpAddress.port));) nodes = await said('/nodes')
    const { code, out, err } = await run(['sub', '--lookupd-http-address', http, ...SHORT, '--json'])
    assert.equal(code, 0, err)
    assert.equal(parsed(out)['nsqd'], formatAddress(member.tcpAddress))
    assert.equal(await said('/topics'), '{"topics":[]}')
    await member.close()
  })

  test('an nsqlookupd that only nsqd names forgets as well', async () => {
    const lookupd = await lookupdWithNextPort()
    const member = await daemons.nsqd({ lookupdTcpAddress: [formatAddress(lookupd.tcpAddress)] })
    const flags = ['--nsqd-tcp-address', formatAddress(member.tcpAddress)]
    const http = ['--nsqd-http-address', formatAddress(member.httpAddress)]
    // Without it, there would be nothing to forget.
    await fetch(`http://${http[1]}/topic/create?topic=other`, { method: 'POST' })
    const said = async (): Promise<string> =>
      (await fetch(`http://${formatAddress(lookupd.httpAddress)}/topics`)).text()
    while (!(await said()).includes('other')) await pause(10)
    const { code, err } = await run(['sub', ...flags, ...http, ...SHORT])
    assert.equal(code, 0, err)
    assert.equal(await said(), '{"topics":["other"]}')
    await member.close()
  })

  test('a signal: what was measured is shown, and the topic goes', async () => {
    const { around, ended } = start([
      ...addresses(),
      'pub',
      '--warmup',
      '0',
      '--duration',
      '1h',
      '--batch',
      '1',
    ])
    await until(() => [...nsqd.topics.values()].some(({ messageCount }) => messageCount > 100))
    around.stop.abort('SIGINT')
    assert.equal(await ended, 0, around.err())
    assert.match(around.out(), /^publish, PUB +[\d,]+ /m)
    assert.match(around.err(), /^nsq-ts bench: publish: stopped after /m)
  })

  test('a terminal that is closed: the topic goes', async () => {
    const { around, ended } = start([...addresses(), 'pub', '--warmup', '0', '--duration', '1h'])
    await until(() => [...nsqd.topics.values()].some(({ messageCount }) => messageCount > 100))
    around.hangup()
    assert.equal(await ended, 0, around.err())
  })

  test('a signal before there is anything to show', async () => {
    const { around, ended } = start([...addresses(), '--warmup', '1h'])
    await until(() => nsqd.topics.size > 0)
    around.stop.abort('SIGTERM')
    assert.equal(await ended, 0)
    assert.equal(around.out(), '')
    assert.match(around.err(), /stopped before anything was measured/)
  })

  test('an nsqd that ends: what was measured before is shown', async () => {
    const mortal = await daemons.nsqd()
    const [tcp, http] = [formatAddress(mortal.tcpAddress), formatAddress(mortal.httpAddress)]
    const short = ['--warmup', '0', '--duration', '200ms', '--no-ceiling']
    const { around, ended } = start(['--nsqd-tcp-address', tcp, '--nsqd-http-address', http, ...short])
    // Only sub has a channel from the beginning.
    await until(() => [...mortal.topics.values()].some(({ channels }) => channels.size > 0))
    await mortal.close()
    assert.equal(await ended, 1)
    assert.match(around.out(), /^publish, MPUB of 200 /m)
    const remedy = `topic delete nsq-ts-bench-\\w+ --nsqd-http-address ${http}`
    assert.match(
      around.err(),
      new RegExp(`the topic \\S+ could not be deleted \\(nsq-ts ${remedy} does it\\)`),
    )
    assert.match(around.err(), /the connection to nsqd .* (was closed|was lost)|cannot connect/)
  })

  test('without HTTP: latency needs no topic that stays, the others do', async () => {
    const tcp = ['--nsqd-tcp-address', formatAddress(nsqd.tcpAddress)]
    const latency = await run(['latency', ...tcp, ...SHORT, '--json'])
    assert.equal(latency.code, 0, latency.err)
    assert.equal(parsed(latency.out)['lost'], 0)
    const { code, err } = await run(['pub', ...tcp, ...SHORT])
    assert.equal(code, 2)
    assert.match(err, /the HTTP API of nsqd .* is not known/)
    assert.match(err, /--nsqd-http-address.*--topic/)
  })

  test('a topic of the user stays, and what is made there goes', async t => {
    t.after(() =>
      fetch(`http://${formatAddress(nsqd.httpAddress)}/topic/delete?topic=mine`, { method: 'POST' }),
    )
    const { code, err } = await run(['sub', ...addresses(), ...SHORT, '--topic', 'mine'])
    assert.equal(code, 0, err)
    assert.deepEqual([...nsqd.topics.keys()], ['mine'])
    assert.equal(nsqd.topics.get('mine')?.channels.size, 0)
    const tcp = ['--nsqd-tcp-address', formatAddress(nsqd.tcpAddress)]
    const blind = await run(['sub', ...tcp, ...SHORT, '--topic', 'mine'])
    assert.match(blind.err, /the channel nsq-ts-bench of the topic mine stays/)
    await fetch(`http://${formatAddress(nsqd.httpAddress)}/topic/delete?topic=mine`, { method: 'POST' })
  })

  test('what cannot be', async () => {
    await refused(/there is no "sup" to measure\n.*Did you mean sub\?/, 'sup')
    await refused(/one nsqd is measured at a time, and there are 2/, '--nsqd-tcp-address', 'a:1,b:2')
    await refused(/does not say which nsqd/, '--nsqd-http-address', '127.0.0.1:1')
    await refused(
      /127\.0\.0\.1:1.*ECONNREFUSED/,
      ...addresses().slice(0, 2),
      '--nsqd-http-address',
      '127.0.0.1:1',
    )
    await refused(/cannot connect to 127\.0\.0\.1:1:/, '--nsqd-tcp-address', '127.0.0.1:1')
    await refused(/"no topic" is not the name of a topic/, ...addresses(), '--topic', 'no topic')
    // One command of 6 MB.
    const large = ['--size', '100000', '--batch', '60', '--connections', '1', '--pipeline', '1']
    const pub = ['pub', ...addresses(), '--warmup', '0', '--no-ceiling']
    await refused(/too big.*\n.*Lower --size or --batch/, ...pub, ...large)
  })
})

describe('what is lost', () => {
  for (const mode of ['sub', 'latency']) {
    test(`${mode}: a message that nsqd has acknowledged and that does not come`, async () => {
      const proxy = await LosingProxy.start(nsqd.tcpAddress, index => index === 123 || index === 124)
      try {
        const http = formatAddress(nsqd.httpAddress)
        const { code, out, err } = await run(
          [mode, '--nsqd-tcp-address', proxy.address, '--nsqd-http-address', http, '--json', ...SHORT],
          {},
          [impatient],
        )
        assert.equal(parsed(out)['lost'], 2, err)
        assert.match(err, /2 messages that nsqd has acknowledged are lost/)
        assert.equal(code, 1)
      } finally {
        await proxy.close()
      }
    })
  }

  test('pub: commands that nsqd does not answer', async () => {
    const proxy = await LosingProxy.start(nsqd.tcpAddress, index => index === 9, FrameType.response)
    try {
      const http = formatAddress(nsqd.httpAddress)
      const { code, out, err } = await run(
        ['pub', '--nsqd-tcp-address', proxy.address, '--nsqd-http-address', http, '--json', ...SHORT],
        {},
        [impatient],
      )
      assert.equal(parsed(out)['unanswered'], 1, err)
      assert.match(err, /1 command got no answer/)
      assert.equal(code, 1)
    } finally {
      await proxy.close()
    }
  })

  test('pub: messages that nsqd has acknowledged and does not have', async () => {
    const args = ['pub', ...addresses(), '--warmup', '0', '--duration', '1h', '--no-ceiling', '--json']
    const { around, ended } = start(args)
    await until(() => [...nsqd.topics.values()].some(({ messageCount }) => messageCount > 0))
    const [topic] = nsqd.topics.keys()
    const url = `http://${formatAddress(nsqd.httpAddress)}/topic/empty?topic=${topic}`
    assert.equal((await fetch(url, { method: 'POST' })).status, 200)
    around.stop.abort('SIGINT')
    assert.equal(await ended, 1, around.err())
    const { lost } = parsed(around.out())
    assert.ok(typeof lost === 'number' && lost > 0)
  })
})

describe('over secured connections', () => {
  let secured: SecuredNsqd
  before(async () => {
    secured = await startSecuredNsqd()
  })
  after(() => secured.close())

  for (const compression of [[], ['--snappy'], ['--deflate']]) {
    test(`TLS, a secret, ${compression.join('') || 'not compressed'}`, async () => {
      const file = (name: string): string => join(secured.folder, name)
      const flags = {
        '--nsqd-tcp-address': secured.address,
        '--nsqd-http-address': `https://localhost:${secured.nsqd.httpsAddress.port}`,
        '--tls-ca': file('ca.pem'),
        '--tls-cert': file('client.pem'),
        '--tls-key': file('client.key'),
      }
      const args = ['sub', '--json', ...SHORT, ...compression, ...Object.entries(flags).flat()]
      const { code, out, err } = await run(args, { NSQ_AUTH_SECRET: secured.secret })
      assert.equal(code, 0, err)
      assert.equal(parsed(out)['lost'], 0)
      assert.equal(secured.nsqd.topics.size, 0, err)
    })
  }
})
