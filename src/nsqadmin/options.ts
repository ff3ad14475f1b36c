import { BlockList, isIP } from 'node:net'
import { posix, resolve } from 'node:path'
import { parseAddress } from '../util/address.ts'
import type { OptionValues } from '../util/option.ts'
import { OptionError, resolveOptions } from '../util/option-values.ts'
import { withoutPassword } from '../util/password.ts'
import { nsqadminOptions } from './option-table.ts'

export { nsqadminOptions } from './option-table.ts'

/** The options of an nsqadmin, by camel-cased flag; durations are milliseconds. */
export type NsqadminOptions = OptionValues<typeof nsqadminOptions> & {
  /** Empty, or with a slash in front and none at the end: `/nsq`. */
  readonly basePath: string
  /** In lower case. */
  readonly allowedHost: readonly string[]
  /** Undefined: from everywhere. */
  readonly configFrom: BlockList | undefined
}

/** Shorter ones can be tried out. */
const MIN_TOKEN = 8

/**
 * What a program or the command line gave, completed and checked.
 *
 * @throws OptionError
 */
export function resolveNsqadminOptions(
  given: Partial<OptionValues<typeof nsqadminOptions>> = {},
): NsqadminOptions {
  const values = { ...resolveOptions(nsqadminOptions, {}, {}), ...given }
  if (values.httpAddress === '') throw new OptionError('http-address', '--http-address must not be empty')
  checkDaemons(values)
  checkAccess(values)
  checkUrls(values)
  checkTls(values)
  return {
    ...values,
    lookupdHttpAddress: values.lookupdHttpAddress.map(text =>
      daemonAddress('lookupd-http-address', text, 4161),
    ),
    nsqdHttpAddress: values.nsqdHttpAddress.map(text => daemonAddress('nsqd-http-address', text, 4151)),
    basePath: normalBasePath(values.basePath),
    allowedHost: values.allowedHost.map(host => host.toLowerCase()),
    configFrom: cidr(values.allowConfigFromCidr),
    devStaticDir: values.devStaticDir ? resolve(values.devStaticDir) : undefined,
  }
}

/**
 * The address of a daemon's HTTP API as it can be asked: a URL as it is, and `host:port`, the port written out.
 *
 * @throws OptionError
 */
export function daemonAddress(flag: string, text: string, defaultPort: number): string {
  if (/^https?:\/\//.test(text)) {
    if (URL.canParse(text)) return text
    throw new OptionError(flag, `--${flag}: "${withoutPassword(text)}" is not a URL`)
  }
  try {
    const { port } = parseAddress(text, defaultPort)
    return text.endsWith(`:${port}`) ? text : `${text}:${port}`
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new OptionError(flag, `--${flag}: ${error.message}`)
  }
}

type Values = OptionValues<typeof nsqadminOptions>

function checkDaemons({ lookupdHttpAddress: lookupds, nsqdHttpAddress: nsqds }: Values): void {
  if (lookupds.length === 0 && nsqds.length === 0) {
    throw new OptionError(
      'lookupd-http-address',
      'no daemon is named: give --lookupd-http-address=HOST:PORT, or --nsqd-http-address=HOST:PORT without nsqlookupd',
    )
  }
  if (lookupds.length > 0 && nsqds.length > 0) {
    throw new OptionError(
      'nsqd-http-address',
      '--lookupd-http-address and --nsqd-http-address exclude each other: an nsqlookupd names the nsqds itself',
    )
  }
}

function checkAccess({ authToken, aclHttpHeader, allowedHost }: Values): void {
  // As of a variable of the shell that is not set: to go on would be to let everybody in.
  if (authToken !== undefined && (authToken.length < MIN_TOKEN || /[^\x21-\x7e]/.test(authToken))) {
    throw new OptionError(
      'auth-token',
      `--auth-token must have at least ${MIN_TOKEN} characters, of ASCII and without spaces`,
    )
  }
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(aclHttpHeader)) {
    throw new OptionError(
      'acl-http-header',
      `--acl-http-header: "${aclHttpHeader}" is not the name of a header`,
    )
  }
  for (const host of allowedHost) {
    if (/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host)) continue
    throw new OptionError(
      'allowed-host',
      `--allowed-host: "${host}" is not a host: write it like nsq.example.com`,
    )
  }
}

function checkUrls({ graphiteUrl, proxyGraphite, notificationHttpEndpoint }: Values): void {
  if (proxyGraphite && !graphiteUrl)
    throw new OptionError('proxy-graphite', '--proxy-graphite needs --graphite-url')
  for (const [flag, url] of Object.entries({
    'graphite-url': graphiteUrl,
    'notification-http-endpoint': notificationHttpEndpoint,
  })) {
    if (!url || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) continue
    // Not shown: it may hold a password.
    throw new OptionError(flag, `--${flag} is not an http or https URL`)
  }
}

function checkTls({ httpClientTlsCert: cert, httpClientTlsKey: key }: Values): void {
  if (cert && !key)
    throw new OptionError('http-client-tls-key', '--http-client-tls-cert needs --http-client-tls-key')
  if (key && !cert)
    throw new OptionError('http-client-tls-cert', '--http-client-tls-key needs --http-client-tls-cert')
}

/** It goes into the page, and into a header: nothing that means something there. */
function normalBasePath(text: string): string {
  if (!/^[\w./~-]*$/.test(text)) {
    throw new OptionError(
      'base-path',
      `--base-path: "${text}" is not a path of letters, digits, and - _ . ~ /`,
    )
  }
  const path = posix.normalize(`/${text}`).replace(/\/+$/, '')
  if (path.split('/').includes('..')) throw new OptionError('base-path', '--base-path must not have .. in it')
  return path
}

function cidr(text: string): BlockList | undefined {
  if (text === '') return undefined
  const [, address = '', prefix = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0 || Number(prefix) > (version === 4 ? 32 : 128)) {
    throw new OptionError(
      'allow-config-from-cidr',
      `--allow-config-from-cidr: "${text}" is not like 10.0.0.0/8`,
    )
  }
  const list = new BlockList()
  list.addSubnet(address, Number(prefix), version === 4 ? 'ipv4' : 'ipv6')
  return list
}
