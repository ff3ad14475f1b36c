import { request, type RequestOptions, type RequestTls } from '../http/request.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { Authorizations, type AuthorizationRule, type Pattern, type Permission } from './authorizations.ts'
import { now } from './clock.ts'
import { authUrl } from './options.ts'

/** What an authorization server is told of a client. */
export interface AuthQuery {
  /** Empty for a client of a Unix socket. */
  readonly remoteIp: string
  readonly tls: boolean
  /** Of the client's certificate; empty when it has shown none. */
  readonly commonName: string
  readonly secret: string
}

export interface AuthServersOptions {
  /** `host:port`, or a URL that is taken as it is; at least one. */
  readonly addresses: readonly string[]
  readonly method: 'get' | 'post'
  /** Milliseconds. */
  readonly connectTimeout: number
  readonly requestTimeout: number
  /** For servers of https. */
  readonly tls: RequestTls
}

type Compile = (source: string) => Pattern

/** An authorization server's reply is a few kilobytes; a larger one than this is refused. */
const MAX_REPLY = 1024 * 1024
/** Expressions kept compiled: clients mostly have the same. */
const MAX_PATTERNS = 1000

/**
 * The official HTTP authorization servers, `--auth-http-address`. Each is asked for
 *
 *     GET /auth?common_name=…&remote_ip=…&secret=…&tls=true|false
 *
 * or with --auth-http-request-method=post gets the same in its body, as JSON with a list for each name, so that the
 * secret is in no URL. It answers, with `topic` and `channels` being regular expressions:
 *
 *     { "ttl": 3600, "identity": "…", "identity_url": "…",
 *       "authorizations": [{ "topic": "…", "channels": ["…"], "permissions": ["subscribe", "publish"] }] }
 */
export class AuthServers {
  readonly #options: AuthServersOptions
  readonly #patterns = new Map<string, Pattern>()
  readonly #closing = new AbortController()

  constructor(options: AuthServersOptions) {
    this.#options = options
  }

  /**
   * What this client may do, from the first server that gives a good answer; a random one is asked first.
   *
   * @throws NsqError E_AUTH with what was wrong with each; it never has the secret in it.
   */
  async ask(query: AuthQuery): Promise<Authorizations> {
    const { addresses } = this.#options
    const first = Math.floor(Math.random() * addresses.length)
    const failures: string[] = []
    for (const address of [...addresses.slice(first), ...addresses.slice(0, first)]) {
      const { url, name } = locate(address)
      try {
        return await this.#read(await this.#fetch(url, name, query))
      } catch (error) {
        // An error of `request` names the server itself.
        const text = errorText(error)
        failures.push(text.includes(name) ? text : `${name}: ${text}`)
      }
    }
    throw new NsqError('E_AUTH', `no authorization server gave an answer: ${failures.join('; ')}`)
  }

  /** Gives up what is being asked. */
  close(): void {
    this.#closing.abort()
  }

  async #fetch(url: string, name: string, query: AuthQuery): Promise<unknown> {
    const { method, connectTimeout, requestTimeout, tls } = this.#options
    const options: RequestOptions = {
      connectTimeoutMs: connectTimeout,
      requestTimeoutMs: requestTimeout,
      maxReplySize: MAX_REPLY,
      signal: this.#closing.signal,
      fresh: true,
      name,
      tls,
    }
    const fields = {
      common_name: query.commonName,
      remote_ip: query.remoteIp,
      secret: query.secret,
      tls: String(query.tls),
    }
    const { status, body } =
      method === 'post'
        ? await request('POST', url, { ...options, contentType: 'application/json', body: asLists(fields) })
        : await request('GET', withQuery(url, new URLSearchParams(fields)), options)
    // What else it says might quote the secret.
    if (status !== 200) throw new Error(`${name} answered ${status}`)
    try {
      return JSON.parse(body.toString())
    } catch {
      throw new Error(`${name} did not answer in JSON`)
    }
  }

  async #read(reply: unknown): Promise<Authorizations> {
    // Go's expressions, in time that no expression and no text can make long.
    const { RE2JS } = await import('re2js')
    const compile: Compile = source => RE2JS.compile(source)
    const { ttl, identity, identity_url, authorizations } = fieldsOf(reply, 'the reply')
    const rules = listOf(authorizations, 'authorizations').map(each => this.#readRule(each, compile))
    const seconds = ttl ?? 0
    if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds) || seconds <= 0) {
      throw new RangeError('invalid ttl (it must be a whole number above 0)')
    }
    return new Authorizations({
      identity: textOf(identity, 'identity'),
      identityUrl: textOf(identity_url, 'identity_url'),
      rules,
      expires: now() + seconds * 1000,
    })
  }

  #readRule(value: unknown, compile: Compile): AuthorizationRule {
    const { topic, channels, permissions } = fieldsOf(value, 'an authorization')
    return {
      topic: this.#pattern(textOf(topic, 'topic'), 'topic', compile),
      channels: listOf(channels, 'channels').map(each =>
        this.#pattern(textOf(each, 'channel'), 'channel', compile),
      ),
      permissions: new Set(listOf(permissions, 'permissions').map(readPermission)),
    }
  }

  #pattern(source: string, what: string, compile: Compile): Pattern {
    let pattern = this.#patterns.get(source)
    if (pattern !== undefined) return pattern
    try {
      pattern = compile(source)
    } catch (error) {
      throw new RangeError(
        `the ${what} ${JSON.stringify(source)} is no regular expression: ${errorText(error)}`,
      )
    }
    if (this.#patterns.size >= MAX_PATTERNS) this.#patterns.clear()
    this.#patterns.set(source, pattern)
    return pattern
  }
}

/** Where to ask, and how to call that: without a password, and without a query. */
function locate(address: string): { url: string; name: string } {
  const url = authUrl(address)
  const { protocol, host, pathname } = new URL(url)
  return { url, name: `${protocol}//${host}${pathname}` }
}

function withQuery(url: string, query: URLSearchParams): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`
}

function asLists(fields: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])))
}

function readPermission(value: unknown): Permission {
  if (value === 'subscribe' || value === 'publish') return value
  throw new RangeError(`unknown permission ${JSON.stringify(value)}`)
}

/** As Go reads JSON: what is missing or null is empty, and a value of another type makes all of it invalid. */
function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new RangeError(`${what} is not a JSON object`)
  return { ...value }
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new RangeError(`${what} is not a list`)
  return value
}

function textOf(value: unknown, what: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new RangeError(`${what} is not a string`)
  return value
}
