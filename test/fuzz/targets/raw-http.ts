import { connect } from 'node:net'
import { Nsqadmin } from '../../../src/nsqadmin/daemon.ts'
import { resolveNsqadminOptions } from '../../../src/nsqadmin/options.ts'
import { Nsqlookupd } from '../../../src/nsqlookupd/daemon.ts'
import { resolveNsqlookupdOptions } from '../../../src/nsqlookupd/options.ts'
import { type Address, formatAddress } from '../../../src/util/address.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import type { Target } from '../target.ts'
import { QuietNsqd } from './session.ts'

const HEAD = 'Host: localhost:4171\r\nAccept: application/json'

function request(line: string, body = '', head = HEAD): Buffer {
  return Buffer.from(
    `${line} HTTP/1.1\r\n${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const REQUESTS: readonly Buffer[] = [
  request('POST /pub?topic=t%23ephemeral', 'hello'),
  request('POST /mpub?topic=t%23ephemeral', 'a\nb\n'),
  request('GET /stats?format=json'),
  request('GET /ping'),
  request('GET /lookup?topic=t'),
  request('POST /topic/create?topic=t%23ephemeral'),
  request('GET /nodes'),
  request('GET /api/topics'),
  request('POST /api/topics', JSON.stringify({ topic: 't', channel: 'c' })),
  request('POST /api/topics/t', JSON.stringify({ action: 'pause' })),
  request('DELETE /api/topics/t/c'),
  request('DELETE /api/nodes/b:4151', JSON.stringify({ topic: 't' })),
  request('GET /api/nodes'),
  request('GET /api/counter'),
  request('GET /api/peek?topic=t&n=3'),
  request('POST /api/publish', JSON.stringify({ topic: 't', body: 'x' })),
  request('PUT /config/log_level', 'error'),
  request('GET /'),
  request('GET /topics/t'),
  request('POST /login', 'token=secret-secret', `${HEAD}\r\nContent-Type: application/x-www-form-urlencoded`),
  request('GET /api/topics', '', `${HEAD}\r\nAuthorization: Basic YTpi\r\nCookie: nsqadmin=a.b; x=y`),
  request('POST /api/topics', '{}', `${HEAD}\r\nOrigin: http://evil\r\nSec-Fetch-Site: cross-site`),
  Buffer.from(
    `POST /pub?topic=t%23ephemeral HTTP/1.1\r\n${HEAD}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  ),
  Buffer.concat([request('GET /ping'), request('GET /info'), request('GET /stats')]),
]

const TOKENS = [
  '\r\n',
  '\r\n\r\n',
  'Content-Length: ',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Connection: close\r\n',
  'Accept-Encoding: gzip\r\n',
  'Cookie: ',
  'Authorization: Bearer ',
  'HTTP/1.0',
  'GET ',
  'PUT /config/nsqlookupd_tcp_addresses',
  'topic=',
  'view=',
  'null',
  '{"',
  '[[[[',
  '%00',
  '..%2f',
]

const PATIENCE_MS = 10_000
const CLOSE = Buffer.from('GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')

/** Bytes to the HTTP servers of all three daemons, over real sockets. */
export async function rawHttp(): Promise<Target> {
  const errors: string[] = []
  const logger = new Logger({
    prefix: '',
    level: LogLevel.error,
    write: line => {
      // What nsqadmin cannot ask is no fault of its own.
      if (!/cannot be reached|E_LOOKUP|E_CLUSTER/.test(line)) errors.push(line)
    },
  })
  const local = { tcpAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' }
  const nsqd = new QuietNsqd()
  const lookupd = new Nsqlookupd(
    resolveNsqlookupdOptions({ ...local, broadcastAddress: '127.0.0.1' }),
    logger,
  )
  await nsqd.start()
  await lookupd.start()
  const admin = new Nsqadmin(
    resolveNsqadminOptions({
      httpAddress: '127.0.0.1:0',
      lookupdHttpAddress: [formatAddress(lookupd.httpAddress)],
      authToken: 'secret-secret',
    }),
    logger,
  )
  const open = new Nsqadmin(
    resolveNsqadminOptions({
      httpAddress: '127.0.0.1:0',
      lookupdHttpAddress: [formatAddress(lookupd.httpAddress)],
    }),
    logger,
  )
  await admin.start()
  await open.start()
  const servers = [
    nsqd.httpAddress,
    nsqd.httpAddress,
    lookupd.httpAddress,
    admin.httpAddress,
    open.httpAddress,
  ]
  return {
    name: 'http-raw',
    corpus: REQUESTS,
    tokens: TOKENS,
    async run(input, random) {
      const server = random.pick(servers)
      const answer = await ask(server, Buffer.concat([input, CLOSE]))
      const failure = /^HTTP\/1\.1 500 [^]*?\r\n\r\n(.*INTERNAL_ERROR.*)/.exec(answer)
      if (failure !== null) throw new Error(`it answers 500 ${failure[1]}: ${errors.join('')}`)
      nsqd.check()
      const [error] = errors.splice(0)
      if (error !== undefined) throw new Error(`it was logged: ${error}`)
      nsqd.logger.level = logger.level = LogLevel.error
      nsqd.lookupPeers.setAddresses([])
      return answer.startsWith('HTTP/1.1 2') ? 'accepted' : 'rejected'
    },
    async close() {
      await Promise.all([admin.close(), open.close()])
      await Promise.all([nsqd.close(), lookupd.close()])
    },
  }
}

/** All that is answered until the server closes, which it does at the latest behind the request that asks for that. */
function ask({ host, port }: Address, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ host, port })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection is still open; it answered ${JSON.stringify(answer.slice(0, 200))}`))
    }, PATIENCE_MS)
    // Its end is ours, too: what was begun and never finished is not waited for.
    socket.end(bytes)
    socket.on('data', chunk => {
      if (answer.length < 65_536) answer += chunk.toString('latin1')
      // A stream of events goes on.
      if (answer.includes('text/event-stream')) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
  })
}
