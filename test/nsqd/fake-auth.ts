import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { TestContext } from 'node:test'
import type { Identity } from '../support/certificates.ts'

export interface Asked {
  method: string
  path: string
  type: string
  /** What the query or the body says. */
  query: Record<string, string>
}

export const ALL = { topic: '.*', channels: ['.*'], permissions: ['subscribe', 'publish'] }

/** An authorization server that answers as it is told. */
export class FakeAuth {
  readonly asked: Asked[] = []
  /** Sent as JSON, unless it is text. */
  reply: unknown = { ttl: 3600, identity: 'me', identity_url: 'http://me', authorizations: [ALL] }
  status = 200
  address = ''
  /** Answers only after this. */
  #before: Promise<void> | undefined
  readonly #server: Server

  constructor(tls?: Identity) {
    const answer = async (request: IncomingMessage): Promise<string> => {
      this.asked.push(await read(request))
      await this.#before
      return typeof this.reply === 'string' ? this.reply : JSON.stringify(this.reply)
    }
    const listener: Parameters<typeof createServer>[1] = (request, response) => {
      void answer(request).then(body => response.writeHead(this.status).end(body))
    }
    this.#server = tls === undefined ? createServer(listener) : createHttpsServer(tls, listener)
  }

  /** Answers nobody until the function that it returns is called. */
  hold(): () => void {
    const holding = new AbortController()
    this.#before = new Promise(resolve => {
      holding.signal.addEventListener('abort', () => resolve())
    })
    return () => {
      this.#before = undefined
      holding.abort()
    }
  }

  /** Connections that are open. */
  async connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const bound = this.#server.address()
    if (bound !== null && typeof bound === 'object') this.address = `127.0.0.1:${bound.port}`
    return this
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** Starts one; it is stopped when the test ends. */
export async function startAuth(t: TestContext, tls?: Identity): Promise<FakeAuth> {
  const auth = new FakeAuth(tls)
  t.after(() => auth.stop())
  return auth.start()
}

async function read(request: IncomingMessage): Promise<Asked> {
  let body = ''
  request.setEncoding('utf8')
  for await (const chunk of request) body += String(chunk)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
  const lists: Record<string, unknown> = body === '' ? {} : Object(JSON.parse(body))
  const query: Record<string, string> = Object.fromEntries(searchParams)
  for (const [name, values] of Object.entries(lists)) query[name] = String(values)
  return {
    method: request.method ?? '',
    path: pathname,
    type: request.headers['content-type'] ?? '',
    query,
  }
}
