import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { parseEndpoint } from '../util/address.ts'
import { formatDuration } from '../util/duration.ts'
import type { Option, OptionValues } from '../util/option.ts'
import { camelCase, OptionError, resolveOptions } from '../util/option-values.ts'
import { channelBounds, isBounded, topicBounds } from './limits.ts'
import { nsqdOptions } from './option-table.ts'

export { nsqdOptions } from './option-table.ts'

/** The options of an nsqd, by camel-cased flag; durations are milliseconds, sizes bytes. */
export type NsqdOptions = OptionValues<typeof nsqdOptions> & {
  readonly broadcastAddress: string
  /** Absolute. */
  readonly dataPath: string
}

/**
 * What a program or the command line gave, completed: defaults, the values that follow from others, and checks of those
 * that must agree. Throws OptionError.
 */
export function resolveNsqdOptions(given: Partial<OptionValues<typeof nsqdOptions>> = {}): NsqdOptions {
  const values = { ...resolveOptions(nsqdOptions, {}, {}), ...given }
  if (values.tcpAddress === '') throw new OptionError('tcp-address', '--tcp-address must not be empty')
  const options = {
    ...values,
    ...sizes(values.maxMsgSize, values.maxBodySize),
    tlsRequired: tlsRequirement(values),
    broadcastAddress: values.broadcastAddress ?? defaultBroadcastAddress(values.tcpAddress),
    dataPath: resolve(values.dataPath ?? ''),
  }
  check(options)
  return options
}

/** What to tell the user about flags that do nothing in this version, or other than what may be meant. */
export function optionWarnings(options: NsqdOptions): string[] {
  const warnings: string[] = []
  if (options.tlsClientAuthPolicy === 'require-verify' && !options.tlsRootCaFile) {
    warnings.push(
      '--tls-client-auth-policy=require-verify without --tls-root-ca-file: every certificate is accepted that a ' +
        'public authority has signed',
    )
  }
  return [...warnings, ...limitWarnings(options)]
}

function limitWarnings(options: NsqdOptions): string[] {
  const { overflow, messageTtl, msgTimeout, maxMsgSize, maxTopicBytes, maxChannelBytes } = options
  const warnings: string[] = []
  if (overflow === 'drop-oldest' && !isBounded(topicBounds(options)) && !isBounded(channelBounds(options))) {
    warnings.push('--overflow=drop-oldest without a limit, such as --max-channel-depth: nothing is dropped')
  }
  for (const [flag, bytes] of [
    ['max-topic-bytes', maxTopicBytes],
    ['max-channel-bytes', maxChannelBytes],
  ] as const) {
    if (bytes === 0 || bytes >= maxMsgSize + MESSAGE_OVERHEAD) continue
    const what = overflow === 'refuse' ? 'refused' : 'dropped, unless a consumer takes it at once'
    warnings.push(
      `--${flag}=${bytes} is less than the largest message takes (--max-msg-size=${maxMsgSize}): such a message is ${what}`,
    )
  }
  if (messageTtl > 0 && messageTtl <= msgTimeout) {
    warnings.push(
      `--message-ttl=${formatDuration(messageTtl)} is not above --msg-timeout=${formatDuration(msgTimeout)}: a message ` +
        'that its consumer does not finish in time is never delivered again',
    )
  }
  return warnings
}

/**
 * NSQ's most repeated question is why consumers cannot reach an nsqd: it announces its hostname, which containers and
 * laptops often cannot resolve. Nobody else can reach a daemon that listens on loopback, so there the address listened on
 * is always the right one.
 */
function defaultBroadcastAddress(tcpAddress: string): string {
  const endpoint = parseEndpoint(tcpAddress)
  if ('path' in endpoint) return hostname()
  const { host } = endpoint
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.')
  return isLoopback ? host : hostname()
}

/** A message must fit into a body. Of two sizes that contradict each other, the one left at its default follows. */
function sizes(maxMsgSize: number, maxBodySize: number): { maxMsgSize: number; maxBodySize: number } {
  if (maxMsgSize <= maxBodySize) return { maxMsgSize, maxBodySize }
  if (maxBodySize === nsqdOptions['max-body-size'].default) return { maxMsgSize, maxBodySize: maxMsgSize }
  if (maxMsgSize === nsqdOptions['max-msg-size'].default) return { maxMsgSize: maxBodySize, maxBodySize }
  throw new OptionError(
    'max-msg-size',
    `--max-msg-size=${maxMsgSize} must not be above --max-body-size=${maxBodySize}`,
  )
}

function check(options: NsqdOptions): void {
  const values: Readonly<Record<string, unknown>> = options
  for (const [flag, { min = -Infinity, max = Infinity }] of Object.entries<Option<unknown>>(nsqdOptions)) {
    const value = values[camelCase(flag)]
    if (typeof value === 'number' && !(value >= min && value <= max)) {
      throw new OptionError(flag, `--${flag}: ${value} is out of range: it must be between ${min} and ${max}`)
    }
  }
  if (options.e2eProcessingLatencyPercentile.some(percentile => !(percentile > 0 && percentile <= 1))) {
    throw new OptionError(
      'e2e-processing-latency-percentile',
      '--e2e-processing-latency-percentile must be above 0 and at most 1',
    )
  }
  checkTls(options)
  for (const address of options.authHttpAddress) {
    const url = authUrl(address)
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new OptionError(
        'auth-http-address',
        '--auth-http-address: one is neither HOST:PORT nor a URL of http or https',
      )
    }
  }
}

/** Nothing is served in the clear, or to everybody, that was meant to be protected. */
function checkTls({ tlsCert, tlsKey, tlsClientAuthPolicy, tlsRequired }: NsqdOptions): void {
  if (tlsCert && tlsKey) return
  if (tlsCert) throw new OptionError('tls-cert', '--tls-cert needs --tls-key')
  if (tlsKey) throw new OptionError('tls-key', '--tls-key needs --tls-cert')
  const needs = 'needs --tls-cert and --tls-key'
  if (tlsClientAuthPolicy !== '') {
    throw new OptionError('tls-client-auth-policy', `--tls-client-auth-policy ${needs}`)
  }
  if (tlsRequired !== 'false') throw new OptionError('tls-required', `--tls-required ${needs}`)
}

/** As in the official nsqd: who asks for certificates means that TLS is required. */
function tlsRequirement({
  tlsRequired,
  tlsClientAuthPolicy,
}: OptionValues<typeof nsqdOptions>): OptionValues<typeof nsqdOptions>['tlsRequired'] {
  return tlsClientAuthPolicy !== '' && tlsRequired === 'false' ? 'true' : tlsRequired
}

/** The URL of an authorization server given as `host:port` or as a URL. */
export function authUrl(address: string): string {
  return address.includes('://') ? address : `http://${address}/auth`
}
