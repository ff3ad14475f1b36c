import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { listenTcp } from '../../src/net/listen.ts'
import type { Random } from '../storage/random.ts'
import { S3Fault } from './s3-xml.ts'
import { pause } from './wait.ts'

/**
 * What befalls a request:
 *
 * - `error`: it is read, and answered with 500; S3 never sees it
 * - `slowDown`: the same with 503 SlowDown
 * - `cutRequest`: a part of it goes to S3, then both sides get a reset
 * - `cutReply`: S3 gets it and does it; of its answer comes a part, or nothing, and then a reset
 * - `stall`: nothing moves for a while, then it goes on
 * - `hang`: nothing moves any more, and nobody is told; S3 never sees it
 */
export type S3FaultName = 'error' | 'slowDown' | 'cutRequest' | 'cutReply' | 'stall' | 'hang'

export interface S3FaultOptions {
  random: Random
  /** How probable each is for a request: 0 (unless given) to 1, together 1 at most. */
  rates: Partial<Record<S3FaultName, number>>
  /** Only these requests: those of which `METHOD /bucket/key?query` is so. All, unless given. */
  only?: RegExp
  /** How many requests come to grief at most. */
  most?: number
  /** How long a stall is, at most. 100. */
  stallMs?: number
}

/** Stands before an S3 server, and breaks what goes through it. Names S3 by the same host, as that is signed. */
export class S3Faults {
  readonly counts: Record<S3FaultName, number> = {
    error: 0,
    slowDown: 0,
    cutRequest: 0,
    cutReply: 0,
    stall: 0,
    hang: 0,
  }
  readonly #options: S3FaultOptions
  readonly #target: number
  readonly #server: Server
  #port = 0
  #isCalm = false

  /** @param target - the port of the server behind it */
  constructor(target: number, options: S3FaultOptions) {
    this.#target = target
    this.#options = options
    this.#server = createServer((request, response) => {
      // A connection that is lost is what it is about.
      for (const end of [request, response]) end.on('error', () => {})
      const { socket } = request
      void this.#handle(request, response).catch(() => reset(socket))
    })
  }

  /** It is closed when the test ends. */
  static async start(t: TestContext, target: number, options: S3FaultOptions): Promise<S3Faults> {
    const proxy = new S3Faults(target, options)
    t.after(() => proxy.close())
    proxy.#port = (await listenTcp(proxy.#server, { host: '127.0.0.1', port: 0 })).port
    return proxy
  }

  /** For `--s3-endpoint`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Requests that came to grief. */
  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  /** Does nothing bad from now on; but what hangs still does. */
  calm(): void {
    this.#isCalm = true
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#choose(`${request.method} ${request.url}`)
    if (fault !== undefined) this.counts[fault]++
    const { random, stallMs = 100 } = this.#options
    switch (fault) {
      case 'error':
        return refuse(
          request,
          response,
          new S3Fault(500, 'InternalError', 'We encountered an internal error.'),
        )
      case 'slowDown':
        return refuse(request, response, new S3Fault(503, 'SlowDown', 'Please reduce your request rate.'))
      case 'hang':
        return
      case 'cutRequest':
        return this.#cutRequest(request, random.fraction())
      case 'cutReply':
        return this.#forward(request, response, random.chance(0.5) ? 0 : random.fraction())
      case 'stall':
        await pause(random.int(1, stallMs))
        return this.#forward(request, response)
      case undefined:
        return this.#forward(request, response)
    }
  }

  #choose(what: string): S3FaultName | undefined {
    const { random, rates, only, most = Infinity } = this.#options
    if (this.#isCalm || this.total >= most || only?.test(what) === false) return undefined
    let at = random.fraction()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record are its keys
    for (const [name, rate] of Object.entries(rates) as [S3FaultName, number][])
      if ((at -= rate) < 0) return name
    return undefined
  }

  #ask(request: IncomingMessage): ReturnType<typeof httpRequest> {
    const { method, url: path, headers } = request
    return httpRequest({ host: '127.0.0.1', port: this.#target, method, path, headers, agent: false })
  }

  async #cutRequest(request: IncomingMessage, share: number): Promise<void> {
    const { socket } = request
    const onward = this.#ask(request).on('error', () => {})
    onward.flushHeaders()
    let left = Math.floor(Number(request.headers['content-length'] ?? 0) * share)
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const piece: Buffer = chunk.subarray(0, left)
      left -= piece.length
      if (piece.length > 0) await new Promise(resolve => onward.write(piece, resolve))
      if (left <= 0) break
    }
    onward.destroy()
    reset(socket)
  }

  /** @param share - of the body of the answer that gets through before the connection is cut; 0: nor does its head */
  async #forward(request: IncomingMessage, response: ServerResponse, share = 1): Promise<void> {
    const { socket } = request
    const onward = this.#ask(request)
    request.on('close', () => request.complete || onward.destroy())
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.on('response', resolve).on('error', reject)
    })
    request.pipe(onward)
    const answer = await answered
    const body: Buffer[] = []
    for await (const chunk of answer) body.push(chunk)
    const bytes = Buffer.concat(body)
    if (share === 0) return reset(socket)
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    if (share === 1) {
      response.end(bytes)
      return
    }
    // At least one byte must be missing, or the answer would be whole.
    const part = bytes.subarray(0, Math.floor((bytes.length - 1) * share))
    if (bytes.length > 1) await new Promise(resolve => response.write(part, resolve))
    reset(socket)
  }
}

async function refuse(request: IncomingMessage, response: ServerResponse, fault: S3Fault): Promise<void> {
  for await (const _ of request);
  response.writeHead(fault.status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(fault.body),
  })
  response.end(request.method === 'HEAD' ? undefined : fault.body)
}

function reset(socket: Socket): void {
  socket.resetAndDestroy()
}
