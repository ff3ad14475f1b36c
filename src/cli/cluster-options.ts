/** How the commands that watch and steer a cluster find it. */
import { Cluster, type ClusterOptions } from '../cluster/cluster.ts'
import { listTopics } from '../cluster/lookup.ts'
import type { RequestTls } from '../http/request.ts'
import { parseAddress } from '../util/address.ts'
import { NsqError } from '../util/errors.ts'
import { type Option, option, type OptionValues } from '../util/option.ts'
import { connectionOptions } from './connection-options.ts'
import type { Context } from './command.ts'
import { describeContext, type NamedContext } from './context/named-context.ts'
import { contextOption } from './context/option.ts'
import { stopped, UsageError } from './errors.ts'
import { withoutPassword } from '../util/password.ts'

const group = { group: 'Addresses' }
const HOUR = 3_600_000

export const clusterOptions = {
  'lookupd-http-address': httpAddresses(
    'An nsqlookupd, which knows the nsqds: HOST:PORT (HTTP), or a URL; repeat it, or separate several by commas',
    4161,
    '127.0.0.1:4161, where an nsqlookupd answers there',
  ),
  'nsqd-http-address': httpAddresses(
    'An nsqd, in place of nsqlookupd: HOST:PORT (HTTP), or a URL; repeat it likewise',
    4151,
    '127.0.0.1:4151, where none does',
  ),
  ...contextOption,
  'http-client-connect-timeout': option.duration('How long connecting to a daemon may take', 2000, {
    ...group,
    min: 1,
    max: HOUR,
  }),
  'http-client-request-timeout': option.duration("How long a daemon's answer may take", 5000, {
    ...group,
    min: 1,
    max: HOUR,
  }),
  'tls-ca': {
    ...connectionOptions['tls-ca'],
    describe: "Certificates to trust in place of the system's (PEM), for https addresses",
  },
  'tls-cert': {
    ...connectionOptions['tls-cert'],
    describe: 'The certificate to show (PEM), where one is asked for',
  },
  'tls-key': connectionOptions['tls-key'],
  'tls-insecure': {
    ...connectionOptions['tls-insecure'],
    describe: 'Take any certificate, so that anybody could pose as the daemon: for tests only',
  },
}

/** Of these, what is given on the command line counts, and the environment's other one does not. */
export const clusterAlternatives = ['lookupd-http-address', 'nsqd-http-address'] as const

export type ClusterFlags = OptionValues<typeof clusterOptions>

/** Addresses of HTTP APIs, with the port written out. */
function httpAddresses(
  describe: string,
  defaultPort: number,
  defaultText: string,
): Option<readonly string[]> {
  const list = option.strings(describe, { ...group, placeholder: 'ADDRESS', commas: true, defaultText })
  return { ...list, parse: texts => list.parse(texts).map(text => httpAddress(text, defaultPort)) }
}

/** @throws RangeError */
function httpAddress(text: string, defaultPort: number): string {
  if (/^https?:\/\//.test(text)) {
    if (URL.canParse(text)) return text
    throw new RangeError(`"${text}" is not a URL`)
  }
  const { port } = parseAddress(text, defaultPort)
  return text.endsWith(`:${port}`) ? text : `${text}:${port}`
}

/** What a local `dev` has. */
const LOCAL = { lookupds: ['127.0.0.1:4161'], nsqds: ['127.0.0.1:4151'] }

/** The cluster, and how it was found. */
export interface FoundCluster {
  readonly cluster: Cluster
  /**
   * No address was given, so this one was taken, of this machine or of a context: `nsqlookupd 127.0.0.1:4161`,
   * `nsqlookupd 10.0.0.1:4161 of the current context prod`.
   */
  readonly assumed: string | undefined
}

/**
 * The cluster that the flags name, or a context; without any, that of this machine: through its nsqlookupd where one
 * answers, else its nsqd.
 *
 * @param context - its environment, or its named context, says whether both kinds of address are from there, as `dev` gives
 *   them: no contradiction; its signal gives up whatever the cluster is asked
 * @throws UsageError; NsqError `E_TLS_FILE`, `E_CLUSTER` when no address was given and nobody answers on this machine,
 *   `E_STOPPED`
 */
export async function findCluster(
  flags: ClusterFlags,
  { env, signal, namedContext }: Pick<Context, 'env' | 'signal' | 'namedContext'>,
): Promise<FoundCluster> {
  const { lookupdHttpAddress: lookupds, nsqdHttpAddress: nsqds } = flags
  const isOfEnvironment = Boolean(env['NSQ_LOOKUPD_HTTP_ADDRESS'] && env['NSQ_NSQD_HTTP_ADDRESS'])
  const isOfContext = namedContext?.values['nsqd-http-address'] !== undefined
  if (lookupds.length > 0 && nsqds.length > 0 && !isOfEnvironment && !isOfContext) {
    throw new UsageError(
      '--lookupd-http-address and --nsqd-http-address exclude each other',
      'An nsqlookupd names the nsqds itself.',
    )
  }
  const tls = await tlsOf(flags)
  const ask = {
    connectTimeoutMs: flags.httpClientConnectTimeout,
    requestTimeoutMs: flags.httpClientRequestTimeout,
    signal,
    ...(tls === undefined ? {} : { tls }),
  }
  if (lookupds.length > 0) {
    const assumed = ofContext(
      `nsqlookupd ${lookupds.map(withoutPassword).join(', ')}`,
      'lookupd-http-address',
      namedContext,
    )
    return { cluster: new Cluster({ lookupds, nsqds: [], ...ask }), assumed }
  }
  if (nsqds.length > 0) {
    const assumed = ofContext(
      `nsqd ${nsqds.map(withoutPassword).join(', ')}`,
      'nsqd-http-address',
      namedContext,
    )
    return { cluster: new Cluster({ lookupds: [], nsqds, ...ask }), assumed }
  }
  return findLocal(ask)
}

/** Undefined for addresses that were given, by flags or by the context's name: there is nothing to say of them. */
function ofContext(what: string, flag: string, context: NamedContext | undefined): string | undefined {
  if (context === undefined || context.how === 'flag' || !(flag in context.values)) return undefined
  return `${what} of ${describeContext(context)}`
}

type AskOptions = Omit<ClusterOptions, 'lookupds' | 'nsqds'>

async function findLocal(ask: AskOptions): Promise<FoundCluster> {
  const [lookupd, nsqd] = [`nsqlookupd ${LOCAL.lookupds.join()}`, `nsqd ${LOCAL.nsqds.join()}`]
  try {
    await listTopics(LOCAL.lookupds, ask)
    return { cluster: new Cluster({ lookupds: LOCAL.lookupds, nsqds: [], ...ask }), assumed: lookupd }
  } catch {
    // Then there may be an nsqd alone.
  }
  const cluster = new Cluster({ lookupds: [], nsqds: LOCAL.nsqds, ...ask })
  try {
    await cluster.topics()
    return { cluster, assumed: nsqd }
  } catch (error) {
    if (ask.signal?.aborted === true) throw stopped()
    throw new NsqError('E_CLUSTER', `neither ${lookupd} nor ${nsqd} answers`, {
      cause: error,
      remedy:
        'No address was given, so those of this machine were tried. Start NSQ here with "nsq-ts dev", ' +
        'or name a daemon with --lookupd-http-address, --nsqd-http-address or --context.',
    })
  }
}

async function tlsOf({ tlsCa, tlsCert, tlsKey, tlsInsecure }: ClusterFlags): Promise<RequestTls | undefined> {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined && !tlsInsecure) return undefined
  const [{ secureOptions, settingsOf }, { resolveTls }] = await Promise.all([
    import('./secure-settings.ts'),
    import('../client/tls-options.ts'),
  ])
  const flags = { tlsCa, tlsCert, tlsKey, tlsInsecure, tlsServerName: undefined }
  const others = {
    tls: true,
    snappy: false,
    deflate: undefined,
    deflateLevel: undefined,
    authSecret: undefined,
  }
  return resolveTls((await secureOptions(settingsOf({ ...flags, ...others }))).tls)
}
