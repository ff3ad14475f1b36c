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
/** Of any answer; it is not read any further, and its status counts. */
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
    request.on('response', response => this.#read(response))
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
      this.#settle({ kind: this.#isConnected ? 'cut' : 'connect', text: explain(error) })
    }
  }

  /** Reads an answer to its end: one that is cut is none, whatever its status says. */
  #read(response: http.IncomingMessage): void {
    this.#isAnswered = true
    const { statusCode: status = 0, headers } = response
    const isShown = status < 200 || status > 299
    const shown: Buffer[] = []
    let bytes = 0
    const settle = (): void => {
      const text = isShown ? Buffer.concat(shown).subarray(0, SHOWN_BYTES).toString() : ''
      const { location, 'retry-after': retryAfter } = headers
      this.#settle({ kind: 'answer', status, retryAfter, location, text })
    }
    response.on('data', (chunk: Buffer) => {
      if (isShown && bytes < SHOWN_BYTES) shown.push(chunk)
      bytes += chunk.length
      if (bytes <= MOST_BYTES) return
      settle()
      response.destroy()
    })
    response.on('end', settle)
    const cut = (): void => {
      this.#settle({ kind: 'cut', text: `the connection ended within the answer, ${status}` })
    }
    response.on('error', cut)
    response.on('close', cut)
  }

  #settle(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#timer)
    clearTimeout(this.#connecting)
    if (outcome.kind !== 'answer') this.#request.destroy()
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
