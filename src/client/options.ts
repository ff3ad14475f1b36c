import { hostname } from 'node:os'
import { formatAddress, parseAddress } from '../util/address.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { version } from '../util/version.ts'

/** How to reach nsqd and what to agree on with it: the options every producer and consumer takes. Times are milliseconds. */
export interface ConnectionOptions {
  /** What nsqd's statistics call this client; the host's short name unless given. */
  clientId?: string
  /** The host's name in nsqd's statistics. */
  hostname?: string
  /** What nsqd's statistics show as the user agent; `nsq-ts/<version>` unless given. */
  userAgent?: string
  /** How long connecting may take, and then IDENTIFY, 1 to 3,600,000; 5,000 unless given. */
  connectTimeoutMs?: number
  /**
   * How often nsqd sends a heartbeat, 1,000 to 3,600,000; 30,000 unless given. nsqd refuses more than its
   * `--max-heartbeat-interval` (60,000). A connection on which nothing came for twice this time is given up.
   */
  heartbeatIntervalMs?: number
  /** The wait before the first attempt to reconnect, 1 to 3,600,000; 100 unless given. It doubles, with jitter. */
  reconnectDelayMs?: number
  /** The longest wait between two attempts, 1 to 3,600,000; 10,000 unless given. */
  maxReconnectDelayMs?: number
  /** A frame from nsqd over this many bytes ends the connection, 1,024 to 2,147,483,647; 64 MiB unless given. */
  maxFrameBytes?: number
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
export type ResolvedConnectionOptions = Required<ConnectionOptions>

const LONGEST_MS = 3_600_000
export const LARGEST_BYTES = 0x7fff_ffff

export function resolveConnectionOptions(options: ConnectionOptions): ResolvedConnectionOptions {
  const host = hostname()
  return {
    clientId: options.clientId ?? host.replace(/\..*/s, ''),
    hostname: options.hostname ?? host,
    userAgent: options.userAgent ?? `nsq-ts/${version}`,
    connectTimeoutMs: duration('connectTimeoutMs', options.connectTimeoutMs, 5000),
    heartbeatIntervalMs: duration('heartbeatIntervalMs', options.heartbeatIntervalMs, 30_000, 1000),
    reconnectDelayMs: duration('reconnectDelayMs', options.reconnectDelayMs, 100),
    maxReconnectDelayMs: duration('maxReconnectDelayMs', options.maxReconnectDelayMs, 10_000),
    maxFrameBytes: integer('maxFrameBytes', options.maxFrameBytes, 64 * 1024 * 1024, 1024, LARGEST_BYTES),
    lookupTimeoutMs: duration('lookupTimeoutMs', options.lookupTimeoutMs, 5000),
    lookupPollIntervalMs: duration('lookupPollIntervalMs', options.lookupPollIntervalMs, 60_000, 10),
    onError: options.onError ?? ignore,
  }
}

function ignore(): void {}

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
  throw badOption(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`)
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

/** The addresses of nsqds, each in one spelling and once. */
export function nsqdAddresses(value: string | readonly string[] | undefined): string[] {
  return unique(value, text => {
    const { host, port } = readAddress('nsqd', text, 4150)
    return formatAddress({ host: host === '' ? '127.0.0.1' : host, port })
  })
}

/** The addresses of nsqlookupds' HTTP APIs: `host:port`, or a URL. */
export function lookupdAddresses(value: string | readonly string[] | undefined): string[] {
  return unique(value, text => {
    if (/^https?:\/\//.test(text)) return text
    const { host, port } = readAddress('lookupd', text, 4161)
    return formatAddress({ host: host === '' ? '127.0.0.1' : host, port })
  })
}

function unique(value: string | readonly string[] | undefined, read: (text: string) => string): string[] {
  const texts = value === undefined ? [] : typeof value === 'string' ? [value] : value
  return [...new Set(texts.map(read))]
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
