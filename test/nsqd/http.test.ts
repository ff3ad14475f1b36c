import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { after, before, beforeEach, describe, test } from 'node:test'
import { closeHttpServer, createHttpServer } from '../../src/http/server.ts'
import { type HttpTarget, nsqdRoutes } from '../../src/nsqd/http.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import type { ChannelSource, TopicSource } from '../../src/nsqd/stats.ts'
import { Refusal } from '../../src/nsqd/refusal.ts'
import { NsqError } from '../../src/util/errors.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { version } from '../../src/util/version.ts'
import { channel, session, topic } from './sources.ts'

const NO_ADDRESSES: readonly string[] = []

/** What the daemon was asked to do, one line each. */
let calls: string[] = []
let log: string[] = []
let nsqd = fakeDaemon()
let server: Server
let port = 0

interface Controls {
  pause(): void
  unpause(): void
  empty(): void
}

function controls(name: string): Controls {
  return {
    pause: () => void calls.push(`pause ${name}`),
    unpause: () => void calls.push(`unpause ${name}`),
    empty: () => void calls.push(`empty ${name}`),
  }
}

type FakeChannel = ChannelSource & Controls
type FakeTopic = TopicSource &
  Controls & { channels: Map<string, FakeChannel>; channel(name: string): unknown; diskBytes: number }

function fakeTopic(name: string): FakeTopic {
  const channels = new Map<string, FakeChannel>()
  return {
    ...topic(name),
    ...controls(name),
    channels,
    diskBytes: 0,
    channel: added => channels.set(added, { ...channel(added), ...controls(`${name}/${added}`) }),
  }
}

function fakeDaemon() {
  const topics = new Map<string, FakeTopic>()
  const target = {
    options: resolveNsqdOptions({ maxMsgSize: 100, maxBodySize: 1000, tcpAddress: '127.0.0.1:0' }),
    logger: new Logger({ prefix: '', level: LogLevel.info, write: line => void log.push(line) }),
    tcpPort: 14_150,
    httpPort: 14_151,
    startTime: new Date(1_700_000_000_999),
    health: 'OK',
    memory: { used: 0, limit: 0 },
    refusedConnections: 0,
    topics,
    sessions: new Set([session({ pubCounts: new Map([['t', 1]]) })]),
    lookupPeers: { addresses: NO_ADDRESSES, setAddresses: () => undefined },
    topic: (name: string) => {
      if (!topics.has(name)) topics.set(name, fakeTopic(name))
    },
    deleteTopic: (name: string) => topics.delete(name),
    peek: async (...args: unknown[]): Promise<[]> => {
      calls.push(`peek ${JSON.stringify(args)}`)
      return []
    },
    replay: async (...args: unknown[]) => {
      calls.push(`replay ${JSON.stringify(args)}`)
      return { messages: 1, bytes: 2, waiting: 0, oldest: 3 }
    },
    settle: async (name: string) => {
      calls.push(`settle ${name}`)
    },
    deleteChannel: (name: string, channelName: string) =>
      topics.get(name)?.channels.delete(channelName) ?? false,
    publish: async (name: string, bodies: Buffer[], deferMs: number): Promise<void> => {
      calls.push(`publish ${name} ${JSON.stringify(bodies.map(String))} ${deferMs}`)
    },
    publishSized: async (
      name: string,
      bytes: Buffer,
      start: number,
      end: number,
      count: number,
    ): Promise<void> => {
      const bodies: string[] = []
      for (let at = start; at < end;) {
        const body = at + 4
        at = body + bytes.readUInt32BE(at)
        bodies.push(bytes.toString('utf8', body, at))
      }
      assert.equal(bodies.length, count)
      calls.push(`publish ${name} ${JSON.stringify(bodies)} 0`)
    },
    drain: () => void calls.push('drain'),
    undrain: () => void calls.push('undrain'),
  }
  return target satisfies HttpTarget
}

before(async () => {
  // The routes ask the daemon of the present test.
  const current: HttpTarget = new Proxy(nsqd, { get: (_, key) => Reflect.get(nsqd, key) })
  server = createHttpServer({ routes: nsqdRoutes(current), logger: nsqd.logger })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  port = address.port
})
after(() => closeHttpServer(server))

beforeEach(() => {
  calls = []
  log = []
  nsqd = fakeDaemon()
})

interface Answer {
  status: number
  type: string | null
  body: string
}

async function request(
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    ...(body !== undefined && { body }),
  })
  assert.equal(response.headers.get('x-nsq-content-type'), 'nsq; version=1.0')
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: await response.text(),
  }
}

const OK: Answer = { status: 200, type: 'text/plain; charset=utf-8', body: 'OK' }
const DONE: Answer = { status: 200, type: null, body: '' }

function refusal(status: number, message: string, reason?: string): Answer {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify({ message, reason }) }
}

/** One message of `size` bytes in the form of MPUB, but for what is wrong with it. */
function sized({ count = 1, size = 1, body = 'x' }): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + body.length)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, count)
  view.setInt32(4, size)
  bytes.set(new TextEncoder().encode(body), 8)
  return bytes
}

describe('GET /ping', () => {
  test('answers the health', async () => {
    assert.deepEqual(await request('GET', '/ping'), OK)
    nsqd.health = 'NOK - disk full'
    assert.deepEqual(await request('GET', '/ping'), refusal(500, 'NOK - disk full'))
  })
})

describe('GET /info', () => {
  test('answers the official fields', async () => {
    const { status, body } = await request('GET', '/info')
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(body), {
      version,
      broadcast_address: '127.0.0.1',
      hostname: hostname(),
      http_port: 14_151,
      tcp_port: 14_150,
      start_time: 1_700_000_000,
      max_heartbeat_interval: 60_000_000_000,
      max_output_buffer_size: 65_536,
      max_output_buffer_timeout: 30_000_000_000,
      max_deflate_level: 6,
      topology_zone: '',
      topology_region: '',
    })
  })

  test('answers the ports that are told to others', async () => {
    nsqd.options = resolveNsqdOptions({ broadcastTcpPort: 1, broadcastHttpPort: 2 })
    const info: unknown = JSON.parse((await request('GET', '/info')).body)
    assert.ok(typeof info === 'object' && info !== null && 'tcp_port' in info && 'http_port' in info)
    assert.deepEqual([info.tcp_port, info.http_port], [1, 2])
  })
})

describe('POST /pub', () => {
  test('publishes a body', async () => {
    assert.deepEqual(await request('POST', '/pub?topic=t', 'a\nb'), OK)
    assert.deepEqual(await request('POST', '/pub?topic=t&defer=3600000', 'c'), OK)
    assert.deepEqual(calls, ['publish t ["a\\nb"] 0', 'publish t ["c"] 3600000'])
  })

  test('replies only when the message is committed', async () => {
    const commits: (() => void)[] = []
    nsqd.publish = () => new Promise(resolve => void commits.push(resolve))
    let isAnswered = false
    const answer = request('POST', '/pub?topic=t', 'x').then(reply => {
      isAnswered = true
      return reply
    })
    while (commits.length === 0) await request('GET', '/ping')
    await request('GET', '/ping')
    assert.equal(isAnswered, false)
    commits[0]?.()
    assert.deepEqual(await answer, OK)
  })

  const refused: [query: string, body: string, answer: Answer][] = [
    ['', 'x', refusal(400, 'MISSING_ARG_TOPIC')],
    ['?topic=t!', 'x', refusal(400, 'INVALID_TOPIC')],
    ['?topic=', 'x', refusal(400, 'INVALID_TOPIC')],
    ['?topic=t', '', refusal(400, 'MSG_EMPTY')],
    ['?topic=t', 'x'.repeat(101), refusal(413, 'MSG_TOO_BIG')],
    ['?topic=t&defer=soon', 'x', refusal(400, 'INVALID_DEFER')],
    ['?topic=t&defer=1.5', 'x', refusal(400, 'INVALID_DEFER')],
    ['?topic=t&defer=', 'x', refusal(400, 'INVALID_DEFER')],
    ['?topic=t&defer=-1', 'x', refusal(400, 'INVALID_DEFER')],
    ['?topic=t&defer=3600001', 'x', refusal(400, 'INVALID_DEFER')],
    ['?topic=%zz', 'x', refusal(400, 'INVALID_REQUEST')],
  ]
  for (const [query, body, answer] of refused) {
    test(`refuses ${query || 'no query'} with ${body.length} bytes`, async () => {
      assert.deepEqual(await request('POST', `/pub${query}`, body), answer)
      assert.deepEqual(calls, [])
    })
  }

  test('refuses a body in chunks as soon as it is too big', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    socket.write(`c8\r\n${'x'.repeat(200)}\r\n0\r\n\r\n`)
    const [first] = await socket.take(1).toArray()
    assert.match(String(first), /^HTTP\/1.1 413 [\s\S]*MSG_TOO_BIG/)
  })

  test('says that it is shutting down, or that it failed', async () => {
    const exiting = new Refusal('E_EXITING', 'nsqd is shutting down', 503, 'EXITING')
    nsqd.publish = () => Promise.reject(exiting)
    assert.deepEqual(
      await request('POST', '/pub?topic=t', 'x'),
      refusal(503, 'EXITING', 'nsqd is shutting down'),
    )
    nsqd.topic = () => {
      throw exiting
    }
    assert.deepEqual(
      await request('POST', '/mpub?topic=t', 'x'),
      refusal(503, 'EXITING', 'nsqd is shutting down'),
    )
    assert.deepEqual(
      await request('POST', '/topic/create?topic=t'),
      refusal(503, 'EXITING', 'nsqd is shutting down'),
    )
    assert.deepEqual(log, [])
    nsqd.publish = () => Promise.reject(new NsqError('E_PUB_FAILED', 'no space left on device'))
    assert.deepEqual(await request('POST', '/pub?topic=t', 'x'), refusal(500, 'INTERNAL_ERROR'))
    assert.match(log.join(''), /ERROR: .*\/pub.*no space left on device/)
  })
})

describe('POST /mpub', () => {
  test('publishes a message for each line that is not empty', async () => {
    assert.deepEqual(await request('POST', '/mpub?topic=t', '\none\ntwo\r\n\n\nthree'), OK)
    assert.deepEqual(await request('POST', '/mpub?topic=t&binary=false', 'a\n'), OK)
    assert.deepEqual(await request('POST', '/mpub?topic=t&binary=0', 'b'), OK)
    assert.deepEqual(calls, [
      'publish t ["one","two\\r","three"] 0',
      'publish t ["a"] 0',
      'publish t ["b"] 0',
    ])
  })

  test('publishes nothing for an empty body, but creates the topic', async () => {
    assert.deepEqual(await request('POST', '/mpub?topic=t', ''), OK)
    assert.deepEqual(await request('POST', '/mpub?topic=t', '\n\n'), OK)
    assert.deepEqual(calls, [])
    assert.ok(nsqd.topics.has('t'))
  })

  test('takes the binary form', async () => {
    for (const binary of ['true', '1', '', 'yes']) {
      assert.deepEqual(await request('POST', `/mpub?topic=t&binary=${binary}`, sized({})), OK)
    }
    const two = new Uint8Array([...sized({ count: 2, size: 3, body: 'b\nc' }), 0, 0, 0, 1, 0xff])
    assert.deepEqual(await request('POST', '/mpub?topic=u&binary=true', two), OK)
    assert.deepEqual(calls, [...Array(4).fill('publish t ["x"] 0'), 'publish u ["b\\nc","\ufffd"] 0'])
  })

  const refused: [name: string, query: string, body: string | Uint8Array<ArrayBuffer>, answer: Answer][] = [
    ['no topic', '', 'x', refusal(400, 'MISSING_ARG_TOPIC')],
    ['a bad topic', '?topic=t!', 'x', refusal(400, 'INVALID_TOPIC')],
    ['a long line', '?topic=t', `a\n${'x'.repeat(101)}`, refusal(413, 'MSG_TOO_BIG')],
    ['a long body', '?topic=t', 'x\n'.repeat(501), refusal(413, 'BODY_TOO_BIG')],
    ['no count', '?topic=t&binary=true', 'x', refusal(413, 'BAD_BODY')],
    ['count 0', '?topic=t&binary=true', sized({ count: 0 }), refusal(413, 'BAD_BODY')],
    ['a negative count', '?topic=t&binary=true', sized({ count: -1 }), refusal(413, 'BAD_BODY')],
    ['an absurd count', '?topic=t&binary=true', sized({ count: 1_000_000 }), refusal(413, 'BAD_BODY')],
    ['a missing message', '?topic=t&binary=true', sized({ count: 2 }), refusal(413, 'BAD_MESSAGE')],
    ['size 0', '?topic=t&binary=true', sized({ size: 0 }), refusal(413, 'BAD_MESSAGE')],
    ['a negative size', '?topic=t&binary=true', sized({ size: -1 }), refusal(413, 'BAD_MESSAGE')],
    ['a message cut short', '?topic=t&binary=true', sized({ size: 2 }), refusal(413, 'BAD_MESSAGE')],
    [
      'a large message',
      '?topic=t&binary=true',
      sized({ size: 101, body: 'x'.repeat(101) }),
      refusal(413, 'BAD_MESSAGE'),
    ],
  ]
  for (const [name, query, body, answer] of refused) {
    test(`refuses ${name}`, async () => {
      assert.deepEqual(await request('POST', `/mpub${query}`, body), answer)
      assert.deepEqual(calls, [])
    })
  }
})

describe('/channel/replay', () => {
  const query = '?topic=t&channel=c&since=1795280000000'
  const report = '{"messages":1,"bytes":2,"waiting":0,"oldest":3}'

  test('says what it would do, or does it and sees to it that it lasts', async () => {
    const { status, body } = await request('GET', `/channel/replay${query}`)
    assert.deepEqual([status, body], [200, report])
    assert.equal((await request('POST', `/channel/replay${query}&until=1795280000001`)).body, report)
    assert.deepEqual(calls, [
      'replay ["t","c",{"since":1795280000000},false]',
      'replay ["t","c",{"since":1795280000000,"until":1795280000001},true]',
      'settle t',
    ])
  })

  const refused: [query: string, answer: Answer][] = [
    ['', refusal(400, 'MISSING_ARG_TOPIC')],
    ['?topic=t!&channel=c&since=1', refusal(400, 'INVALID_ARG_TOPIC')],
    ['?topic=t&since=1', refusal(400, 'MISSING_ARG_CHANNEL')],
    ['?topic=t&channel=c!&since=1', refusal(400, 'INVALID_ARG_CHANNEL')],
    ['?topic=t&channel=c', refusal(400, 'MISSING_ARG_SINCE')],
    ['?topic=t&channel=c&since=', refusal(400, 'INVALID_ARG_SINCE')],
    ['?topic=t&channel=c&since=-1', refusal(400, 'INVALID_ARG_SINCE')],
    ['?topic=t&channel=c&since=1h', refusal(400, 'INVALID_ARG_SINCE')],
    ['?topic=t&channel=c&since=1&until=now', refusal(400, 'INVALID_ARG_UNTIL')],
    ['?topic=t&channel=c&since=2&until=2', refusal(400, 'INVALID_ARG_UNTIL')],
  ]
  for (const [wrong, answer] of refused) {
    test(`refuses ${wrong}`, async () => {
      for (const method of ['GET', 'POST']) {
        assert.deepEqual(await request(method, `/channel/replay${wrong}`), answer)
      }
      assert.deepEqual(calls, [])
    })
  }
})

describe('POST /topic', () => {
  test('creates and deletes', async () => {
    assert.deepEqual(await request('POST', '/topic/create?topic=t'), DONE)
    assert.deepEqual(await request('POST', '/topic/create?topic=t'), DONE)
    assert.deepEqual([...nsqd.topics.keys()], ['t'])
    assert.deepEqual(await request('POST', '/topic/delete?topic=t'), DONE)
    assert.deepEqual(await request('POST', '/topic/delete?topic=t'), refusal(404, 'TOPIC_NOT_FOUND'))
  })

  test('empties, pauses and unpauses', async () => {
    nsqd.topic('t')
    for (const action of ['empty', 'pause', 'unpause']) {
      assert.deepEqual(await request('POST', `/topic/${action}?topic=t`), DONE)
      assert.deepEqual(await request('POST', `/topic/${action}?topic=u`), refusal(404, 'TOPIC_NOT_FOUND'))
      assert.deepEqual(await request('POST', `/topic/${action}`), refusal(400, 'MISSING_ARG_TOPIC'))
    }
    assert.deepEqual(calls, ['empty t', 'settle t', 'pause t', 'unpause t'])
  })

  test('refuses bad names where the official nsqd does', async () => {
    assert.deepEqual(await request('POST', '/topic/create'), refusal(400, 'MISSING_ARG_TOPIC'))
    assert.deepEqual(await request('POST', '/topic/create?topic=t!'), refusal(400, 'INVALID_TOPIC'))
    assert.deepEqual(await request('POST', '/topic/empty?topic=t!'), refusal(400, 'INVALID_TOPIC'))
    assert.deepEqual(await request('POST', '/topic/delete?topic=t!'), refusal(404, 'TOPIC_NOT_FOUND'))
    assert.deepEqual(await request('GET', '/topic/create?topic=t'), refusal(405, 'METHOD_NOT_ALLOWED'))
  })
})

describe('POST /channel', () => {
  test('creates, empties, pauses, unpauses and deletes', async () => {
    nsqd.topic('t')
    assert.deepEqual(await request('POST', '/channel/create?topic=t&channel=c'), DONE)
    for (const action of ['empty', 'pause', 'unpause', 'delete']) {
      assert.deepEqual(await request('POST', `/channel/${action}?topic=t&channel=c`), DONE)
    }
    assert.deepEqual(calls, ['empty t/c', 'settle t', 'pause t/c', 'unpause t/c', 'settle t'])
    for (const action of ['empty', 'pause', 'unpause', 'delete']) {
      const answer = await request('POST', `/channel/${action}?topic=t&channel=c`)
      assert.deepEqual(answer, refusal(404, 'CHANNEL_NOT_FOUND'))
    }
  })

  const refused: [query: string, answer: Answer][] = [
    ['', refusal(400, 'MISSING_ARG_TOPIC')],
    ['?topic=t!', refusal(400, 'INVALID_ARG_TOPIC')],
    ['?topic=t', refusal(400, 'MISSING_ARG_CHANNEL')],
    ['?topic=t&channel=c!', refusal(400, 'INVALID_ARG_CHANNEL')],
    ['?topic=t&channel=c', refusal(404, 'TOPIC_NOT_FOUND')],
  ]
  for (const [query, answer] of refused) {
    test(`refuses ${query || 'no query'}`, async () => {
      for (const action of ['create', 'delete', 'empty', 'pause', 'unpause']) {
        assert.deepEqual(await request('POST', `/channel/${action}${query}`), answer)
      }
    })
  }
})

/** What `/stats` tells, by its keys. */
async function statsKeys(query: string): Promise<string[]> {
  const stats: unknown = JSON.parse((await request('GET', `/stats?format=json${query}`)).body)
  assert.ok(typeof stats === 'object' && stats !== null)
  return Object.entries(stats).flatMap(([key, value]) => (value === null ? [] : [key]))
}

describe('GET /stats', () => {
  test('answers JSON on request, and text otherwise', async () => {
    nsqd.topic('t')
    const { type, body } = await request('GET', '/stats?format=json')
    assert.equal(type, 'application/json; charset=utf-8')
    assert.match(
      body,
      /^\{"version":".*","health":"OK","start_time":1700000000,"topics":\[\{"topic_name":"t"/,
    )
    for (const query of ['', '?format=text', '?format=xml']) {
      const answer = await request('GET', `/stats${query}`)
      assert.equal(answer.type, 'text/plain; charset=utf-8')
      assert.match(answer.body, /^nsqd v.*\nstart_time 2023-11-1.*\nuptime .*\n\nHealth: OK\n\nMemory:\n/)
    }
  })

  test('leaves clients and memory out on request', async () => {
    const all = ['version', 'health', 'start_time', 'topics', 'memory', 'producers']
    assert.deepEqual(await statsKeys(''), all)
    assert.deepEqual(await statsKeys('&include_clients=maybe&include_mem=1'), all)
    assert.deepEqual(await statsKeys('&include_clients=false'), all.slice(0, 5))
    assert.deepEqual(await statsKeys('&include_clients=0&include_mem=0'), all.slice(0, 4))
  })

  test('passes the filters on', async () => {
    nsqd.topic('t')
    nsqd.topic('u')
    const { body } = await request('GET', '/stats?format=json&topic=u&include_mem=false')
    assert.match(body, /"topics":\[\{"topic_name":"u"[^[]*\[\][^[]*\],/)
    assert.match((await request('GET', '/stats?format=json&channel=c')).body, /"topics":\[\]/)
  })
})

describe('/config', () => {
  test('reads and changes', async () => {
    assert.equal((await request('GET', '/config/log_level')).body, '2')
    assert.equal((await request('PUT', '/config/log_level', 'debug')).body, '1')
    assert.deepEqual(await request('GET', '/config/nope'), refusal(400, 'INVALID_OPTION'))
    assert.deepEqual(await request('PUT', '/config/log_level', ''), refusal(413, 'INVALID_VALUE'))
    assert.deepEqual(
      await request('PUT', '/config/log_level', 'x'.repeat(101)),
      refusal(413, 'INVALID_VALUE'),
    )
    assert.deepEqual(await request('POST', '/config/log_level', 'x'), refusal(405, 'METHOD_NOT_ALLOWED'))
  })
})

test('what does not exist is not found', async () => {
  assert.deepEqual(await request('GET', '/nope'), refusal(404, 'NOT_FOUND'))
  assert.deepEqual(await request('POST', '/ping'), refusal(405, 'METHOD_NOT_ALLOWED'))
})
