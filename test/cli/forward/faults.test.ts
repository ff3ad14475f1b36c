/**
 * Endpoints that are slow, fail, redirect, ask for patience, and cut connections wherever they can: every message must have
 * been answered 2xx, whole, before it is finished.
 *
 * FAULT_MESSAGES=50000 makes it longer, SEED=… repeats a run.
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, before, test, type TestContext } from 'node:test'
import { serve } from '../../support/serve.ts'
import { ForwardRig, numbers, type Ran } from './rig.ts'

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const MESSAGES = Number(process.env['FAULT_MESSAGES'] ?? 150)

let rig: ForwardRig
before(async () => (rig = await ForwardRig.start()))
after(() => rig.close())

/** Numbers that look random, the same ones for a seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) / 2 ** 23
  }
}

type Fault = (request: IncomingMessage, response: ServerResponse) => void

/** What fails comes again soon, and says nothing of it. */
const QUICK = [
  '--consumer-opt=default_requeue_delay,5ms',
  '--consumer-opt=backoff_multiplier,1ms',
  '--consumer-opt=max_backoff_duration,5ms',
  '--log-level=error',
]

/** What may happen to a request, and how often. */
const FAULTS: readonly [number, string, Fault][] = [
  [0.04, '500', (_, response) => void response.writeHead(500).end('an error')],
  [
    0.02,
    '502 without an end',
    (_, response) => void response.writeHead(502, { 'content-length': '10' }).end('x'),
  ],
  [0.02, '429', (_, response) => void response.writeHead(429).end()],
  [0.02, 'redirect', (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end()],
  [0.02, 'not modified', (_, response) => void response.writeHead(304).end()],
  [0.03, 'cut before the body is read', request => request.socket.destroy()],
  [0.03, 'cut without an answer', request => request.on('end', () => request.socket.destroy()).resume()],
  [0.03, 'reset', request => request.on('end', () => request.socket.resetAndDestroy()).resume()],
  [
    0.03,
    'cut within the head',
    request => request.on('end', () => request.socket.end('HTTP/1.1 200 OK\r\nContent-')).resume(),
  ],
  [
    0.03,
    'cut within the answer',
    request =>
      request.on('end', () => request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx')).resume(),
  ],
  [0.01, 'no answer', request => void request.resume()],
]

/** A server on which most goes wrong. */
class BadEndpoint {
  /** What it has answered 2xx for, whole. */
  readonly acknowledged = new Set<string>()
  readonly happened = new Map<string, number>()
  elsewhere = 0
  url = ''
  readonly #random: () => number
  #resting = 0

  static async start(t: TestContext, seed: number): Promise<BadEndpoint> {
    const endpoint = new BadEndpoint(seed)
    endpoint.url = `http://${await serve(t, (request, response) => endpoint.#handle(request, response))}/in`
    return endpoint
  }

  private constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    // What it does to connections is no fault of its own.
    request.on('error', () => {})
    response.on('error', () => {})
    if (request.url !== '/in') this.elsewhere++
    if (++this.#resting === 20) {
      this.#count('503, Retry-After')
      response.writeHead(503, { 'retry-after': '1' }).end()
      return
    }
    let roll = this.#random()
    for (const [share, name, fault] of FAULTS) {
      roll -= share
      if (roll >= 0) continue
      this.#count(name)
      return fault(request, response)
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const isSlow = this.#random() < 0.1
      this.#count(isSlow ? 'slow' : 'well')
      const lines = Buffer.concat(chunks).toString().trim().split('\n')
      response.on('finish', () => lines.forEach(line => this.acknowledged.add(line)))
      setTimeout(() => response.writeHead(this.#random() < 0.5 ? 200 : 202).end('ok'), isSlow ? 30 : 0)
    })
  }

  #count(name: string): void {
    this.happened.set(name, (this.happened.get(name) ?? 0) + 1)
  }
}

for (const [mode, flags] of [
  ['round-robin', ['--n', '20']],
  ['hostpool', ['--n', '10']],
  ['epsilon-greedy', ['--n', '4', '--batch', '5', '--batch-format', 'ndjson', '--batch-wait', '5ms']],
  ['round-robin', ['--n', '4', '--batch', '7', '--batch-format', 'lines', '--batch-wait', '5ms']],
] as const) {
  const name = `${mode} ${flags.join(' ')}`
  test(`nothing is lost: ${name} (SEED=${SEED})`, async t => {
    const endpoints = await Promise.all([1, 2, 3].map(n => BadEndpoint.start(t, SEED + n)))
    const topic = await rig.topic(numbers(MESSAGES))
    const ran = await rig.run(
      [
        topic,
        ...endpoints.map(({ url }) => `--post=${url}`),
        `--mode=${mode}`,
        ...flags,
        '--http-client-request-timeout=300ms',
        '--json',
        ...QUICK,
      ],
      async () => (await rig.stats(topic)).left === 0,
    )
    assert.equal(ran.code, 0, ran.err)
    const acknowledged = new Set(endpoints.flatMap(endpoint => [...endpoint.acknowledged]))
    const lost = numbers(MESSAGES).filter(number => !acknowledged.has(number))
    assert.deepEqual(lost, [], 'finished without an answer')
    assert.equal(
      endpoints.reduce((sum, { elsewhere }) => sum + elsewhere, 0),
      0,
      'a redirect was followed',
    )
    checkAccounts(ran, endpoints)
  })
}

/** That what is reported is what has happened. */
function checkAccounts(ran: Ran, endpoints: readonly BadEndpoint[]): void {
  const summary: {
    messages: number
    unfinished: number
    dropped: number
    endpoints: { failures: Record<string, number> }[]
  } = JSON.parse(ran.out.trim().split('\n').at(-1) ?? '')
  assert.equal(summary.messages, MESSAGES)
  assert.equal(summary.dropped, 0)
  const failures = new Map<string, number>()
  for (const { failures: each } of summary.endpoints) {
    for (const [how, count] of Object.entries(each)) failures.set(how, (failures.get(how) ?? 0) + count)
  }
  const times = (name: string): number =>
    endpoints.reduce((sum, { happened }) => sum + (happened.get(name) ?? 0), 0)
  // On a busy machine an answer may come after the timeout of its request.
  const late = failures.get('timeout') ?? 0
  for (const [status, name] of [
    ['500', '500'],
    ['307', 'redirect'],
    ['503', '503, Retry-After'],
  ] as const) {
    const reported = failures.get(status) ?? 0
    const happened = times(name)
    assert.ok(reported <= happened && reported >= happened - late, `${name}: ${reported} of ${happened}`)
  }
}

test('an endpoint that comes and goes', async t => {
  const got = new Set<string>()
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.on('finish', () => got.add(Buffer.concat(chunks).toString()))
      response.end()
    })
  }
  let server = createServer(listener)
  const listen = (port: number): Promise<void> =>
    new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { port } = address
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  t.after(stop)
  const topic = await rig.topic(numbers(MESSAGES))
  let looks = 0
  const ran = await rig.run([topic, `--post=http://127.0.0.1:${port}/`, '--n=2', ...QUICK], async () => {
    if (++looks % 2 === 0 && looks < 20) {
      await stop()
      server = createServer(listener)
      await listen(port)
    }
    return (await rig.stats(topic)).left === 0
  })
  assert.equal(ran.code, 0, ran.err)
  assert.equal(got.size, MESSAGES)
})
