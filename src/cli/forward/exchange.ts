import type http from 'node:http'
import { errorText } from '../../util/errors.ts'

/** What came of a request: a whole answer, or none. */
export type Outcome = Answer | { readonly kind: FailureKind; readonly text: string }

export interface Answer {
  readonly kind: 'answer'
  readonly status: number
  readonly retryAfter: string | undefined
  readonly location: string | undefined
  /** The beginning of the body, unless the status is 2xx. */
  readonly text: string
}

/** No connection; no answer in time; a connection that ended before the answer did. */
export type FailureKind = 'connect' | 'timeout' | 'cut'

/** Called once, with what came of it and how long that took. */
export type Done = (outcome: Outcome, ms: number) => void

export interface ExchangeOptions {
  readonly request: typeof http.request
  readonly options: http.RequestOptions
  readonly body: Buffer | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly done: Done
}

/** Of an answer that is no success, in bytes. */
const SHOWN_BYTES = 256
/** Of any answer; once the request is sent it is not read any further, and its status counts. */
const MOST_BYTES = 1024 * 1024

/** One request and its answer. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  #connecting: NodeJS.Timeout | undefined
  #request: http.ClientRequest
  #isConnected = false
  #isAnswered = false
  /** Set when an answer was whole before its request was. */
  #early: Answer | undefined
  #isSettled = false

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { requestTimeoutMs, options: first } = options
    this.#timer = setTimeout(() => {
      this.#settle({ kind: 'timeout', text: `no answer within ${requestTimeoutMs} ms` })
    }, requestTimeoutMs)
    this.#request = this.#send(first)
  }

  #send(options: http.RequestOptions): http.ClientRequest {
    const request = this.#options.request(options)
    request.on('socket', socket => {
      this.#isConnected = !socket.connecting
      if (this.#isConnected) return
      const { connectTimeoutMs } = this.#options
      this.#connecting = setTimeout(() => {
        this.#settle({ kind: 'connect', text: `no connection within ${connectTimeoutMs} ms` })
      }, connectTimeoutMs)
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
        this.#isConnected = true
        clearTimeout(this.#connecting)
      })
    })
    request.on('error', error => this.#failed(error))
    request.on('response', response => this.#read(request, response))
    // Without an error: when something else than HTTP was to follow (101).
    request.on('close', () => {
      if (request === this.#request) this.#ended('the connection ended before the answer')
    })
    request.end(this.#options.body)
    return request
  }

  #failed(error: Error): void {
    if (this.#isSettled) return
    clearTimeout(this.#connecting)
    if (this.#request.reusedSocket && !this.#isAnswered) {
      // Most likely the other side has closed a connection that nothing was sent over for a while, which is no failure.
      this.#request = this.#send({ ...this.#options.options, agent: false })
    } else {
      this.#ended(explain(error))
    }
  }

  /** The connection has. When the other side had answered by then, it was content with what it had read. */
  #ended(text: string): void {
    this.#settle(this.#early ?? { kind: this.#isConnected ? 'cut' : 'connect', text })
  }

  /** Reads an answer to its end: one that is cut is none, whatever its status says. */
  #read(request: http.ClientRequest, response: http.IncomingMessage): void {
    this.#isAnswered = true
    const { statusCode: status = 0, headers } = response
    const isShown = status < 200 || status > 299
    const shown: Buffer[] = []
    let bytes = 0
    const settle = (): void => {
      const text = isShown ? Buffer.concat(shown).subarray(0, SHOWN_BYTES).toString() : ''
      const { location, 'retry-after': retryAfter } = headers
      const answer = { kind: 'answer', status, retryAfter, location, text } as const
      if (isShown || request.writableFinished) return this.#settle(answer)
      // The other side may still read, which must not be cut: FIN has to wait.
      this.#early = answer
      request.once('finish', () => this.#settle(answer))
    }
    response.on('data', (chunk: Buffer) => {
      if (isShown && bytes < SHOWN_BYTES) shown.push(chunk)
      bytes += chunk.length
      if (bytes <= MOST_BYTES || !(isShown || request.writableFinished)) return
      settle()
      response.destroy()
    })
    response.on('end', settle)
    const cut = (): void => this.#ended(`the connection ended within the answer, ${status}`)
    response.on('error', cut)
    response.on('close', () => {
      if (this.#early === undefined) cut()
    })
  }

  #settle(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    clearTimeout(this.#connecting)
    // Of a request that is not sent in full, nobody would free the connection.
    if (outcome.kind !== 'answer' || !this.#request.writableFinished) this.#request.destroy()
    this.#options.done(outcome, performance.now() - this.#startedAt)
  }
}

/** What Node says of a certificate that no authority it knows has signed. */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

function explain(error: Error): string {
  const text = errorText(error)
  const isUntrusted = 'code' in error && UNTRUSTED.has(error.code)
  return isUntrusted ? `${text} (NODE_EXTRA_CA_CERTS=FILE names another authority to trust)` : text
}
