import type { Cluster } from '../../cluster/cluster.ts'
import { formatAddress, parseEndpoint } from '../../util/address.ts'
import { envName, resolveOptions } from '../../util/option-values.ts'
import { clusterOptions, findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import { resolveContext } from '../context/resolve.ts'
import type { Typed } from './typed.ts'

/** Texts by flag. */
type Texts = Readonly<Record<string, readonly string[]>>

/** Who has one of these names a cluster: nsqlookupd knows most, and nsqd's address for clients has to be translated. */
const ADDRESSES = ['lookupd-http-address', 'nsqd-http-address', 'nsqd-tcp-address'] as const

/**
 * The cluster that a command line means, as far as it is typed: by its flags, the environment or the context; without any
 * address, that of this machine.
 *
 * @throws OptionError or RangeError for a flag whose value cannot be used, and what `resolveContext` and `findCluster` throw
 */
export async function clusterOf(
  { given }: Pick<Typed, 'given'>,
  { env, signal, cwd }: Pick<Context, 'env' | 'signal' | 'cwd'>,
  patienceMs: number,
): Promise<Cluster> {
  const [flag] = given['context'] ?? []
  const context = await resolveContext({ flag, env, cwd })
  const kept = context?.values ?? {}
  // A context that is named by a flag counts as one.
  const sources =
    flag === undefined ? [given, fromEnvironment(env), kept] : [given, kept, fromEnvironment(env)]
  const texts: Record<string, readonly string[]> = {}
  for (const flag of Object.keys(clusterOptions)) {
    const found = sources.find(source => source[flag] !== undefined)?.[flag]
    if (found !== undefined) texts[flag] = found
  }
  for (const flag of ADDRESSES) delete texts[flag]
  const named = sources.find(source => ADDRESSES.some(flag => source[flag] !== undefined)) ?? {}
  const flags = resolveOptions(clusterOptions, { ...texts, ...addressesIn(named) }, {})
  const patience = { httpClientConnectTimeout: patienceMs, httpClientRequestTimeout: patienceMs }
  const { cluster } = await findCluster({ ...flags, ...patience }, { env: {}, signal })
  return cluster
}

function fromEnvironment(env: Context['env']): Texts {
  const flags = new Set([...Object.keys(clusterOptions), ...ADDRESSES])
  return Object.fromEntries(
    Array.from(flags, flag => [flag, env[envName(flag)]] as const).flatMap(([flag, text]) =>
      text ? [[flag, [text]]] : [],
    ),
  )
}

/** Of several kinds the first. */
function addressesIn(texts: Texts): Texts {
  const flag = ADDRESSES.find(flag => texts[flag] !== undefined)
  if (flag === undefined) return {}
  const addresses = texts[flag] ?? []
  return flag === 'nsqd-tcp-address'
    ? { 'nsqd-http-address': addresses.flatMap(text => text.split(',')).map(httpBeside) }
    : { [flag]: addresses }
}

/** nsqd does not tell its clients where its HTTP API is. Nearly always it has the next port. */
function httpBeside(tcpAddress: string): string {
  const endpoint = parseEndpoint(tcpAddress.trim(), 4150)
  if ('path' in endpoint) throw new RangeError(`there is no telling where ${endpoint.path} has its HTTP API`)
  return formatAddress({ ...endpoint, port: endpoint.port + 1 })
}
