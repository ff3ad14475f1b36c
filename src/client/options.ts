import { hostname } from 'node:os'
import type { LookupOptions } from '../cluster/lookup.ts'
import { formatAddress, parseAddress } from '../util/address.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { version } from '../util/version.ts'
import { guarded } from './on-error.ts'
import type { NamesOf } from './option-names.ts'
import { resolveTls, type ResolvedTlsOptions, type TlsOptions } from './tls-options.ts'

/** How to reach nsqd and what to agree on with it: the options every producer and consumer takes. Times are milliseconds. */
export interface ConnectionOptions {
  /** What nsqd's statistics call this client; the host's short name unless given. */
  clientId?: string
  /** The host's name in nsqd's statistics. */
  hostname?: string
  /** What nsqd's statistics show as the user agent; `nsq-ts/<version>` unless given. */
  userAgent?: string
  /** How long connecting may take, then IDENTIFY, then each upgrade and AUTH, 1 to 3,600,000; 5,000 unless given. */
  connectTimeoutMs?: number
  /**
   * How often nsqd sends a heartbeat, 1,000 to 3,600,000; 30,000 unless given. nsqd refuses more than its
   * `--max-heartbeat-interval` (60,000). A connection on which nothing came for twice this time and a second is given up.
   */
  heartbeatIntervalMs?: number
  /** The wait before the first attempt to reconnect, 1 to 3,600,000; 100 unless given. It doubles, with jitter. */
  reconnectDelayMs?: number
  /** The longest wait between two attempts, 1 to 3,600,000; 10,000 unless given. */
  maxReconnectDelayMs?: number
  /** A frame from nsqd over this many bytes ends the connection, 1,024 to 2,147,483,647; 64 MiB unless given. */
  maxFrameBytes?: number
  /**
   * Talk TLS; without it connections are plain. `true` trusts what Node trusts. An nsqd that does not offer TLS is then
   * refused (`E_TLS`): there is no silent way back to plain. For nsqlookupds whose address begins with `https://` the
   * authorities and the certificate count as well.
   */
  tls?: boolean | TlsOptions | undefined
  /** Compress with snappy: little processor time. An nsqd that does not offer it is talked to without. */
  snappy?: boolean
  /**
   * Compress with deflate: true (as level 6), or a level from 1 (fast) to 9 (small), of which nsqd takes no more than
   * its `--max-deflate-level`. An nsqd that does not offer it is talked to without. Not together with `snappy`.
   */
  deflate?: boolean | number
  /** What this client shows an nsqd that asks for it (AUTH). */
  authSecret?: string | undefined
  /** Whether `authSecret` is shown to nsqlookupds too, as `Authorization: Bearer …`; true unless given, as in go-nsq. */
  lookupdAuthorization?: boolean
  /** How long an nsqlookupd may take to answer, 1 to 3,600,000; 5,000 unless given. */
  lookupTimeoutMs?: number
  /** How often nsqlookupd is asked, 10 to 3,600,000; 60,000 unless given. Each wait is up to 30 % longer, at random. */
  lookupPollIntervalMs?: number
  /**
   * Told what went wrong and is being dealt with: an attempt to connect that failed, a connection that was lost, an
   * nsqlookupd that did not answer, a handler that threw, a FIN that came too late. It must not throw.
   */
  onError?: (error: NsqError) => void
}

/** The same with every default in place. */
export interface ResolvedConnectionOptions extends Required<
  Omit<ConnectionOptions, 'tls' | 'deflate' | 'authSecret'>
> {
  tls: ResolvedTlsOptions | undefined
  /** The level, or 0 for none. */
  deflate: number
  authSecret: string | undefined
}

export const CONNECTION_OPTIONS = {
  clientId: true,
  hostname: true,
  userAgent: true,
  connectTimeoutMs: true,
  heartbeatIntervalMs: true,
  reconnectDelayMs: true,
  maxReconnectDelayMs: true,
  maxFrameBytes: true,
  tls: true,
  snappy: true,
  deflate: true,
  authSecret: true,
  lookupdAuthorization: true,
  lookupTimeoutMs: true,
  lookupPollIntervalMs: true,
  onError: true,
} satisfies NamesOf<ConnectionOptions>

const LONGEST_MS = 3_600_000
/** Of a timer. */
export const LONGEST_TIMER_MS = 0x7fff_ffff
export const LARGEST_BYTES = 0x7fff_ffff

/** @throws NsqError `E_OPTION` naming the option and its range */
export function resolveConnectionOptions(options: ConnectionOptions): ResolvedConnectionOptions {
  const host = hostname()
  const snappy = flag('snappy', options.snappy, false)
  const deflate = deflateLevel(options.deflate)
  if (snappy && deflate > 0) throw badOption('snappy and deflate cannot both be on: choose one of them')
  return {
    clientId: words('clientId', options.clientId, host.replace(/\..*/s, '')),
    hostname: words('hostname', options.hostname, host),
    userAgent: words('userAgent', options.userAgent, `nsq-ts/${version}`),
    connectTimeoutMs: duration('connectTimeoutMs', options.connectTimeoutMs, 5000),
    heartbeatIntervalMs: duration('heartbeatIntervalMs', options.heartbeatIntervalMs, 30_000, 1000),
    reconnectDelayMs: duration('reconnectDelayMs', options.reconnectDelayMs, 100),
    maxReconnectDelayMs: duration('maxReconnectDelayMs', options.maxReconnectDelayMs, 10_000),
    maxFrameBytes: integer('maxFrameBytes', options.maxFrameBytes, 64 * 1024 * 1024, 1024, LARGEST_BYTES),
    tls: resolveTls(options.tls),
    snappy,
    deflate,
    authSecret: secret('authSecret', options.authSecret),
    lookupdAuthorization: flag('lookupdAuthorization', options.lookupdAuthorization, true),
    lookupTimeoutMs: duration('lookupTimeoutMs', options.lookupTimeoutMs, 5000),
    lookupPollIntervalMs: duration('lookupPollIntervalMs', options.lookupPollIntervalMs, 60_000, 10),
    onError: guarded(callable('onError', options.onError) ?? ignore),
  }
}

/** How to ask the nsqlookupds. */
export function lookupOptions(options: ResolvedConnectionOptions): LookupOptions {
  const { lookupTimeoutMs, tls, authSecret, lookupdAuthorization } = options
  return {
    requestTimeoutMs: lookupTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
    ...(authSecret === undefined || !lookupdAuthorization ? {} : { bearer: authSecret }),
  }
}

function ignore(): void {}

/** What was given instead of a number or a boolean: a string in quotes, as it may look like one. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Checks an option that is a function. */
export function callable<F>(name: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value
  throw badOption(`${name} must be a function`)
}

function words(name: string, value: unknown, fallback: string): string {
  if (value === undefined) return fallback
  if (typeof value === 'string') return value
  throw badOption(`${name} must be a text`)
}

export function flag(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw badOption(`${name} must be true or false, not ${shown(value)}`)
}

function deflateLevel(value: boolean | number | undefined): number {
  if (value === undefined || value === false) return 0
  if (value === true) return 6
  if (Number.isInteger(value) && value >= 1 && value <= 9) return value
  throw badOption(`deflate must be true, false or an integer from 1 to 9, not ${shown(value)}`)
}

/** Checks a secret without ever showing it. */
function secret(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw badOption(`${name} must be a text that is not empty`)
  // The usual one is the line end of the file that it was read from.
  if (/\p{Cc}/u.test(value)) throw badOption(`${name} must not have a line end or other control characters`)
  return value
}

/** Checks an integer option against its range. */
export function integer(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw badOption(`${name} must be an integer from ${min} to ${max}, not ${shown(value)}`)
}

/** Checks an option in milliseconds. */
export function duration(
  name: string,
  value: number | undefined,
  fallback: number,
  min = 1,
  max = LONGEST_MS,
): number {
  return integer(name, value, fallback, min, max)
}

/** How long a `close` may wait. */
export function closeTimeout(timeoutMs: number | undefined): number {
  return duration('timeoutMs', timeoutMs, 30_000, 0, LONGEST_TIMER_MS)
}

/** Checks one of several words. */
export function choice<T extends string>(
  name: string,
  value: T | undefined,
  fallback: T,
  choices: readonly T[],
): T {
  if (value === undefined) return fallback
  if (choices.includes(value)) return value
  throw badOption(`${name} must be one of ${choices.join(', ')}, not "${value}"`)
}

/** The addresses of nsqds, each in one spelling and once: `host:port`, or the path of a unix socket (it has a slash). */
export function nsqdAddresses(value: string | readonly string[] | undefined): string[] {
  return unique('nsqd', value, text => {
    if (text.includes('://')) throw badOption(`nsqd: "${text}" is a URL: write it like 127.0.0.1:4150`)
    if (text.includes('/')) return text
    const { host, port } = readAddress('nsqd', text, 4150)
    return formatAddress({ host: host === '' ? '127.0.0.1' : host, port })
  })
}

/** The addresses of nsqlookupds' HTTP APIs: `host:port`, or a URL. */
export function lookupdAddresses(value: string | readonly string[] | undefined): string[] {
  return unique('lookupd', value, text => {
    if (/^https?:\/\//.test(text)) return text
    const { host, port } = readAddress('lookupd', text, 4161)
    return formatAddress({ host: host === '' ? '127.0.0.1' : host, port })
  })
}

function unique(name: string, value: unknown, read: (text: string) => string): string[] {
  const texts: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  const addresses = texts.map(text => {
    if (typeof text === 'string') return read(text)
    throw badOption(`${name} must be an address or a list of addresses`)
  })
  return [...new Set(addresses)]
}

function readAddress(name: string, text: string, defaultPort: number): { host: string; port: number } {
  try {
    return parseAddress(text, defaultPort)
  } catch (error) {
    throw badOption(`${name}: ${errorText(error)}`)
  }
}

export function badOption(message: string): NsqError {
  return new NsqError('E_OPTION', message)
}
