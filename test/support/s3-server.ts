import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { TestContext } from 'node:test'
import { S3Client, CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { buildApp } from 'fauxqs'
import { listenTcp } from '../../src/net/listen.ts'
import { checkRequest, type S3Keys } from './s3-signature.ts'
import { S3Call, S3Uploads } from './s3-uploads.ts'
import { S3Fault, unescape } from './s3-xml.ts'

// Each test would write on stderr that a later SDK needs a later Node.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const KEYS: S3Keys = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a/secret+key', region: 'us-east-1' }

/**
 * An S3 server in this process: fauxqs, with objects in memory. Before it is what it lacks: signatures and checksums that
 * are looked at, and a list of the uploads that were neither completed nor aborted.
 */
export class S3Server {
  readonly keys: S3Keys
  /** `PUT /bucket/key`, with the query: each request that came, in order. */
  readonly requests: string[] = []
  readonly uploads = new S3Uploads()
  readonly #backend = buildApp({ logger: false })
  readonly #server: Server
  #port = 0

  constructor(keys: Partial<S3Keys> = {}) {
    this.keys = { ...KEYS, ...keys }
    this.#server = createServer((request, response) => void this.#handle(request, response))
  }

  /** It is closed when the test ends. */
  static async start(t: TestContext, keys: Partial<S3Keys> = {}): Promise<S3Server> {
    const server = new S3Server(keys)
    t.after(() => server.close())
    await server.#start()
    return server
  }

  async #start(): Promise<void> {
    this.#port = (await listenTcp(this.#server, { host: '127.0.0.1', port: 0 })).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await Promise.all([new Promise(resolve => this.#server.close(resolve)), this.#backend.close()])
  }

  /** For `--s3-endpoint`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  /** What a program needs to be let in; and nothing of what this machine has besides. */
  get env(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: this.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.keys.secretAccessKey,
      AWS_REGION: this.keys.region,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
  }

  async createBucket(bucket: string): Promise<void> {
    await this.#ask('PUT', bucket)
  }

  /** What lies in a bucket, by key. */
  async objects(bucket: string, prefix = ''): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>()
    const query = new URLSearchParams({ 'list-type': '2', prefix })
    for (;;) {
      const list = (await this.#ask('GET', `${bucket}?${query.toString()}`)).toString()
      for (const [, escaped = ''] of list.matchAll(/<Key>([^<]*)<\/Key>/g)) {
        const key = unescape(escaped)
        found.set(key, await this.#ask('GET', pathOf(bucket, key)))
      }
      const [, token] = /<NextContinuationToken>([^<]*)</.exec(list) ?? []
      if (token === undefined) return found
      query.set('continuation-token', unescape(token))
    }
  }

  async put(bucket: string, key: string, body: Buffer | string): Promise<void> {
    await this.#ask('PUT', pathOf(bucket, key), Buffer.from(body))
  }

  async remove(bucket: string, key: string): Promise<void> {
    await this.#ask('DELETE', pathOf(bucket, key))
  }

  /** Begins an upload in parts, and leaves it so. */
  async begin(bucket: string, key: string): Promise<void> {
    const { region, ...credentials } = this.keys
    const client = new S3Client({ endpoint: this.endpoint, forcePathStyle: true, region, credentials })
    try {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }))
    } finally {
      client.destroy()
    }
  }

  /** Past the checks, and not among the requests. Without the SDK, which takes longer for this than the server. */
  async #ask(method: Method, path: string, payload = Buffer.alloc(0)): Promise<Buffer> {
    const url = `/${path}`
    const headers = { host: '127.0.0.1', 'content-type': 'application/octet-stream' }
    const { status, body } = await this.#inject({ method, url, headers, payload })
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${body.toString()}`)
    return body
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body: Buffer
    try {
      body = await read(request)
    } catch {
      // The connection was lost: S3 takes no half bodies either.
      return
    }
    this.requests.push(`${request.method} ${request.url}`)
    try {
      checkRequest(request, body, this.keys)
      await this.#answer(new S3Call(request, body), response)
    } catch (error) {
      const fault = error instanceof S3Fault ? error : new S3Fault(500, 'InternalError', String(error))
      response.writeHead(fault.status, { 'content-type': 'application/xml' })
      response.end(request.method === 'HEAD' ? undefined : fault.body)
    }
  }

  async #answer(call: S3Call, response: ServerResponse): Promise<void> {
    if (call.listsUploads) {
      response.writeHead(200, { 'content-type': 'application/xml' })
      response.end(this.uploads.list(call))
      return
    }
    if (call.completes) this.uploads.check(call)
    const { status, headers, body } = await this.#forward(call)
    const answer = status < 300 ? this.uploads.done(call, body) : body
    if (answer !== body) headers['content-length'] = String(answer.length)
    if (status < 300 && call.sum !== undefined) headers['x-amz-checksum-crc32'] = call.sum
    response.writeHead(status, headers)
    response.end(answer)
  }

  /** Into fauxqs without a connection: its bytes would go through the kernel once more. */
  async #inject(request: Injected): Promise<Reply> {
    // As a stream: otherwise it makes a text of each body, too.
    const answer = await this.#backend.inject({ ...request, payloadAsStream: true })
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!/^(connection|keep-alive|transfer-encoding)$/.test(name)) headers[name] = String(value)
    }
    return { status: answer.statusCode, headers, body: await read(answer.stream()) }
  }

  async #forward({ request, body, completes }: S3Call): Promise<Reply> {
    // fauxqs takes parts with checksums for none.
    const sent = completes
      ? Buffer.from(body.toString().replaceAll(/<ChecksumCRC32>[^<]*<\/ChecksumCRC32>/g, ''))
      : body
    const headers = { ...request.headers, 'content-length': String(sent.length) }
    const { url = '/' } = request
    const method = METHODS.find(each => each === request.method)
    if (method === undefined) throw new S3Fault(405, 'MethodNotAllowed', 'Nobody does that.')
    return this.#inject({ method, url, headers, payload: sent })
  }
}

const METHODS = ['DELETE', 'GET', 'HEAD', 'POST', 'PUT'] as const
type Method = (typeof METHODS)[number]

/** A slash in a key stays one. */
function pathOf(bucket: string, key: string): string {
  return [bucket, ...key.split('/')].map(encodeURIComponent).join('/')
}

interface Injected {
  method: Method
  url: string
  headers: IncomingHttpHeaders
  payload: Buffer
}

interface Reply {
  status: number
  headers: Record<string, string>
  body: Buffer
}

async function read(message: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
