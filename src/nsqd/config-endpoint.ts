import { HttpError } from '../http/error.ts'
import { json, text, type Reply } from '../http/reply.ts'
import { parseAddress } from '../util/address.ts'
import { type Logger, parseLevel } from '../util/logger.ts'
import type { Option } from '../util/option.ts'
import { camelCase, configKey } from '../util/option-values.ts'
import { withoutPasswords } from '../util/password.ts'
import { type NsqdOptions, nsqdOptions } from './options.ts'

/** The parts of a daemon that `/config` shows and changes. */
export interface ConfigSource {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly lookupPeers: {
    readonly addresses: readonly string[]
    setAddresses(addresses: readonly string[]): void
  }
}

/** Options by their key in the TOML file, which is also their name under `/config`. */
const flags: ReadonlyMap<string, readonly [flag: string, entry: Option<unknown>]> = new Map(
  Object.entries<Option<unknown>>(nsqdOptions).map(([flag, entry]) => [
    configKey(flag, entry),
    [flag, entry],
  ]),
)

/**
 * Answers `GET /config/NAME` with the value in force. As in the official nsqd a duration is in nanoseconds, the log level
 * is a number, and text is sent bare. Throws HttpError 400 INVALID_OPTION.
 */
export function getConfig(source: ConfigSource, name: string): Reply {
  if (name === 'log_level') return json(source.logger.level)
  if (name === 'nsqlookupd_tcp_addresses') return json(source.lookupPeers.addresses)
  const [flag, entry] = flags.get(name) ?? []
  if (flag === undefined || entry === undefined || entry.secret) throw new HttpError(400, 'INVALID_OPTION')
  const values: Readonly<Record<string, unknown>> = source.options
  const value = values[camelCase(flag)]
  if (typeof value === 'number' && entry.kind === 'duration') return json(Math.round(value * 1e6))
  return value === undefined || typeof value === 'string' ? text(value ?? '') : json(withoutPasswords(value))
}

/**
 * Answers `PUT /config/NAME`. The official nsqd lets two options be changed while it runs: `log_level` (its name) and
 * `nsqlookupd_tcp_addresses` (a JSON list). Throws HttpError 400 INVALID_OPTION or INVALID_VALUE.
 */
export function putConfig(source: ConfigSource, name: string, body: Buffer): Reply {
  if (body.length === 0) throw new HttpError(413, 'INVALID_VALUE')
  switch (name) {
    case 'log_level': {
      const level = parseLevel(body.toString())
      if (level === undefined) throw new HttpError(400, 'INVALID_VALUE')
      source.logger.level = level
      break
    }
    case 'nsqlookupd_tcp_addresses':
      source.lookupPeers.setAddresses(parseAddresses(body.toString()))
      break
    default:
      throw new HttpError(400, 'INVALID_OPTION')
  }
  return getConfig(source, name)
}

function parseAddresses(body: string): string[] {
  try {
    const value: unknown = JSON.parse(body)
    if (Array.isArray(value)) return value.map(element => checkAddress(String(element)))
  } catch {
    // Neither JSON nor addresses: refused below.
  }
  throw new HttpError(400, 'INVALID_VALUE')
}

function checkAddress(address: string): string {
  parseAddress(address)
  return address
}
