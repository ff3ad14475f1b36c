import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { HttpError } from '../../../src/http/error.ts'
import { acceptsGzip } from '../../../src/http/gzip.ts'
import type { Reply } from '../../../src/http/reply.ts'
import { HttpRequest, parseTarget, Router, type Route } from '../../../src/http/router.ts'
import { nsqdRoutes } from '../../../src/nsqd/http.ts'
import { lookupdRoutes } from '../../../src/nsqlookupd/http.ts'
import { Registry } from '../../../src/nsqlookupd/registry.ts'
import { Complaints } from '../../../src/util/complaints.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import type { Outcome, Target } from '../target.ts'
import { REGISTRATION_TOKENS } from './lookup.ts'
import { QuietNsqd } from './session.ts'

const NSQD_REQUESTS = [
  'POST /pub?topic=t%23ephemeral\nhello',
  'POST /pub?topic=t%23ephemeral&defer=100\nlater',
  'POST /mpub?topic=t%23ephemeral\none\ntwo\n\nthree\n',
  'POST /mpub?topic=t%23ephemeral&binary=true\n\0\0\0\x02\0\0\0\x03one\0\0\0\x03two',
  'POST /topic/create?topic=t%23ephemeral\n',
  'POST /channel/create?topic=t%23ephemeral&channel=c\n',
  'POST /channel/pause?topic=t%23ephemeral&channel=c\n',
  'POST /channel/empty?topic=t%23ephemeral&channel=c\n',
  'POST /channel/delete?topic=t%23ephemeral&channel=c\n',
  'POST /topic/empty?topic=t%23ephemeral\n',
  'POST /topic/delete?topic=t%23ephemeral\n',
  'GET /stats?format=json&topic=t%23ephemeral&include_mem=false\n',
  'GET /stats\n',
  'GET /peek?topic=t%23ephemeral&channel=c&n=10&max_body=100\n',
  'GET /channel/replay?topic=t%23ephemeral&channel=c&since=0&until=1700000000000\n',
  'POST /channel/replay?topic=t%23ephemeral&channel=c&since=1700000000000\n',
  'GET /config/log_level\n',
  'PUT /config/log_level\nerror',
  'GET /config/nsqlookupd_tcp_addresses\n',
  'PUT /config/nsqlookupd_tcp_addresses\n[]',
  'GET /metrics\n',
  'GET /ping\n',
  'GET /info\n',
]

const LOOKUPD_REQUESTS = [
  'GET /lookup?topic=t\n',
  'GET /channels?topic=t\n',
  'GET /topics\n',
  'GET /nodes\n',
  'GET /debug\n',
  'GET /metrics\n',
  'GET /tombstones\n',
  'POST /topic/create?topic=t\n',
  'POST /topic/delete?topic=t\n',
  'POST /topic/tombstone?topic=t&node=b:4151\n',
  'POST /channel/create?topic=t&channel=c\n',
  'POST /channel/delete?topic=t&channel=c\n',
]

const TOKENS = [
  'topic=',
  'channel=',
  '&',
  '?',
  '%',
  '%00',
  '%2f',
  '%ff',
  '%23ephemeral',
  '=',
  '+',
  ';',
  '/',
  '//',
  '..',
  '#',
  'POST ',
  'GET ',
  'PUT ',
  'HEAD ',
  '/pub',
  '/mpub',
  '/config/',
  'binary=true',
  'defer=',
  'since=',
  'format=json',
  '{"a":',
  '[[[[',
  '"127.0.0.1:1"',
  '\0\0\0\x01',
  '__proto__',
  'gzip;q=0',
  ',gzip',
]

/** The HTTP API of nsqd: targets, arguments and bodies, with real topics behind it. */
export async function nsqdHttp(): Promise<Target> {
  const nsqd = new QuietNsqd()
  await nsqd.start()
  const router = new Router(nsqdRoutes(nsqd))
  return {
    name: 'nsqd-http',
    corpus: NSQD_REQUESTS.map(text => Buffer.from(text, 'latin1')),
    tokens: TOKENS,
    maxInput: 12_000,
    async run(input, random) {
      if (random.chance(0.5)) nsqd.topic('t').channel('c')
      const outcome = await ask(router, input)
      nsqd.lookupPeers.setAddresses([])
      nsqd.logger.level = LogLevel.error
      nsqd.check()
      return outcome
    },
    close: () => nsqd.close(),
  }
}

/** The HTTP API of nsqlookupd. */
export function lookupdHttp(): Target {
  const logger = new Logger({ prefix: '', level: LogLevel.info, write: () => {} })
  return {
    name: 'nsqlookupd-http',
    corpus: LOOKUPD_REQUESTS.map(text => Buffer.from(text, 'latin1')),
    tokens: [...TOKENS, ...REGISTRATION_TOKENS],
    maxInput: 4096,
    run(input) {
      const registry = new Registry({ inactiveTimeoutMs: 300_000, tombstoneLifetimeMs: 45_000 })
      const producer = {
        id: '127.0.0.1:1',
        hostname: 'h',
        broadcastAddress: 'b',
        tcpPort: 4150,
        httpPort: 4151,
        version: '1',
        topologyZone: '',
        topologyRegion: '',
        lastUpdate: 0,
      }
      registry.seen(producer)
      registry.register(producer, 't', 'c')
      return ask(new Router(lookupdRoutes(registry, logger, new Complaints(logger))), input)
    },
  }
}

/** The first line is the method and the target, the rest is the body. */
async function ask(router: Router, input: Buffer): Promise<Outcome> {
  const lineEnd = input.indexOf('\n')
  const line = input.toString('latin1', 0, lineEnd === -1 ? input.length : lineEnd)
  const space = line.indexOf(' ')
  const [method, url] = [line.slice(0, space), line.slice(space + 1)]
  acceptsGzip(line)
  const target = parseTarget(url)
  let found: { route: Route; params: Record<string, string> }
  try {
    found = router.match(method, target.path)
    const raw = fakeRequest(method, url, lineEnd === -1 ? Buffer.alloc(0) : input.subarray(lineEnd + 1))
    check(await found.route.handle(new HttpRequest(raw, target, found.params)))
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    // Sent as it is: it is a code, and no text of whoever asked.
    if (!/^[A-Z][A-Z_]+(?:: .*)?$/.test(error.message))
      throw new Error(`it answers ${error.message}`, { cause: error })
    return 'rejected'
  }
  return 'accepted'
}

function check({ status, contentType = '', body }: Reply): void {
  if (status !== 200) throw new Error(`it answers ${status}`)
  if (contentType.includes('json')) JSON.parse(body.toString())
}

function fakeRequest(method: string, url: string, body: Buffer): IncomingMessage {
  const stream = new Readable({ read() {} })
  if (body.length > 0) stream.push(body)
  stream.push(null)
  const headers = { 'content-length': String(body.length) }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that routes look at
  return Object.assign(stream, {
    method,
    url,
    headers,
    socket: { remoteAddress: '127.0.0.1' },
  }) as unknown as IncomingMessage
}
