import { isIPv6 } from 'node:net'
import { HttpError } from '../http/error.ts'
import { json, type Reply, text } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import { parseLevel } from '../util/logger.ts'
import type { Option } from '../util/option.ts'
import { camelCase, configKey, OptionError } from '../util/option-values.ts'
import { HIDDEN, withoutPasswords } from '../util/password.ts'
import { senderOf } from './access.ts'
import type { Admin } from './admin.ts'
import { withoutSecrets } from './graphite.ts'
import { daemonAddress, nsqadminOptions } from './options.ts'

const MAX_BODY = 1024 * 1024

/** Options by their key in the TOML file, which is also their name under `/config`. */
const flags: ReadonlyMap<string, readonly [flag: string, entry: Option<unknown>]> = new Map(
  Object.entries<Option<unknown>>(nsqadminOptions).map(([flag, entry]) => [
    configKey(flag, entry),
    [flag, entry],
  ]),
)

/** An nsqadmin whose nsqlookupds can be changed while it runs. */
export interface ConfigTarget extends Admin {
  setLookupds(addresses: readonly string[]): void
}

/** `/config/NAME`, for those whom --allow-config-from-cidr allows. */
export function configRoutes(admin: ConfigTarget): Route[] {
  return [
    {
      method: 'GET',
      path: '/config/:name',
      handle(request) {
        checkSender(admin, request)
        return getConfig(admin, request.params['name'] ?? '')
      },
    },
    {
      method: 'PUT',
      path: '/config/:name',
      async handle(request) {
        checkSender(admin, request)
        const body = await request.readBody(MAX_BODY, 'INVALID_VALUE')
        const name = request.params['name'] ?? ''
        const reply = putConfig(admin, name, body.toString())
        admin.logger.info(`${name} was changed, by ${senderOf(request.raw, admin.options)}`)
        return reply
      },
    },
  ]
}

function checkSender({ options: { configFrom } }: Admin, { raw }: HttpRequest): void {
  const address = raw.socket.remoteAddress ?? ''
  if (configFrom?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') === false)
    throw new HttpError(403, 'FORBIDDEN')
}

/** As in the official nsqadmin a duration is in nanoseconds, the log level is a number, and text is sent bare. */
function getConfig({ options, logger, cluster }: Admin, name: string): Reply {
  if (name === 'log_level') return json(logger.level)
  if (name === 'nsqlookupd_http_addresses') return json(withoutPasswords(cluster.lookupds))
  const [flag, entry] = flags.get(name) ?? []
  if (flag === undefined || entry === undefined || entry.secret) throw new HttpError(400, 'INVALID_OPTION')
  const values: Readonly<Record<string, unknown>> = options
  const value = values[camelCase(flag)]
  if (typeof value === 'number' && entry.kind === 'duration') return json(Math.round(value * 1e6))
  if (typeof value !== 'string') return value === undefined ? text('') : json(withoutPasswords(value))
  const mayHoldSecrets = flag === 'graphite-url' || flag === 'notification-http-endpoint'
  return text(mayHoldSecrets && value !== '' ? withoutSecrets(value) : value)
}

/** The official nsqadmin lets two options be changed while it runs. Throws HttpError 400 INVALID_OPTION or INVALID_VALUE. */
function putConfig(admin: ConfigTarget, name: string, body: string): Reply {
  if (body === '') throw new HttpError(413, 'INVALID_VALUE')
  switch (name) {
    case 'log_level': {
      const level = parseLevel(body)
      if (level === undefined) throw new HttpError(400, 'INVALID_VALUE')
      admin.logger.level = level
      break
    }
    case 'nsqlookupd_http_addresses': {
      // One that was given nsqds goes on with these.
      if (admin.cluster.lookupds.length === 0) throw new HttpError(400, 'INVALID_OPTION')
      admin.setLookupds(parseAddresses(body))
      break
    }
    default:
      throw new HttpError(400, 'INVALID_OPTION')
  }
  return getConfig(admin, name)
}

function parseAddresses(body: string): string[] {
  try {
    const value: unknown = JSON.parse(body)
    if (Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')) {
      // As it is shown here: it would take the place of the password itself.
      if (value.some(item => item.includes(`:${HIDDEN}@`))) throw new HttpError(400, 'INVALID_VALUE')
      return value.map(item => daemonAddress('lookupd-http-address', item, 4161))
    }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof OptionError)) throw error
  }
  throw new HttpError(400, 'INVALID_VALUE')
}
