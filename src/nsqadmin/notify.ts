import { hostname } from 'node:os'
import type { HttpRequest } from '../http/router.ts'
import { request } from '../http/request.ts'
import { errorText } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import { userOf } from './access.ts'
import type { NsqadminOptions } from './options.ts'

/** What somebody has done. */
export interface AdminAction {
  /** `pause_channel`, … */
  action: string
  topic: string
  channel?: string
  node?: string
}

/** Who does not take them for so long gets no more of them than this. */
const MAX_WAITING = 1000

/**
 * POSTs each change to --notification-http-endpoint, as the JSON of the official nsqadmin: one at a time, in their order,
 * and never in the way of what is done.
 */
export class Notifier {
  readonly #options: NsqadminOptions
  readonly #logger: Logger
  readonly #waiting: string[] = []
  readonly #closing = new AbortController()
  #sending: Promise<void> | undefined

  constructor(options: NsqadminOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
  }

  notify({ action, topic, channel, node }: AdminAction, { raw, headers }: HttpRequest): void {
    if (!this.#options.notificationHttpEndpoint) return
    if (this.#waiting.length >= MAX_WAITING) {
      this.#logger.warn(`notification of ${action} is lost: ${MAX_WAITING} others wait`)
      return
    }
    const user = userOf(raw, this.#options)
    const { remoteAddress = '', remotePort = 0 } = raw.socket
    const scheme = headers['x-scheme'] === 'https' ? 'https' : 'http'
    const text = JSON.stringify({
      action,
      topic,
      ...(channel !== undefined && { channel }),
      ...(node !== undefined && { node }),
      timestamp: Math.floor(Date.now() / 1000),
      ...(user !== undefined && { user }),
      remote_ip: `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`,
      user_agent: headers['user-agent'] ?? '',
      url: `${scheme}://${headers.host ?? ''}${raw.url ?? ''}`,
      via: hostname(),
    })
    this.#waiting.push(text)
    this.#sending ??= this.#send(this.#options.notificationHttpEndpoint)
  }

  /** Lets what waits go out, for at most `graceMs`. */
  async close(graceMs = 1000): Promise<void> {
    const timer = setTimeout(() => this.#closing.abort(), graceMs)
    await this.#sending
    clearTimeout(timer)
  }

  async #send(endpoint: string): Promise<void> {
    // The path and the query of a web hook are often its secret.
    const name = `the notification endpoint ${new URL(endpoint).host}`
    const { httpClientConnectTimeout: connectTimeoutMs, httpClientRequestTimeout: requestTimeoutMs } =
      this.#options
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      try {
        const { status } = await request('POST', endpoint, {
          name,
          body,
          contentType: 'application/json',
          connectTimeoutMs,
          requestTimeoutMs,
          maxReplySize: 1024 * 1024,
          signal: this.#closing.signal,
        })
        if (status >= 300) this.#logger.warn(`${name} answered ${status}`)
      } catch (error) {
        this.#logger.warn(`a notification is lost: ${errorText(error)}`)
      }
    }
    this.#sending = undefined
  }
}
