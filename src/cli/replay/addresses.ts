import { NsqError } from '../../util/errors.ts'
import { type Sources, sources } from '../addresses.ts'
import { type FoundCluster, findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { httpOfNsqd } from '../nsqd-http.ts'

type Given = Context<ReplayOptions>

/**
 * The cluster whose topics are replayed: by its HTTP APIs, which nsqds known by their address for clients only are asked for.
 *
 * @throws as findCluster; NsqError `E_CLUSTER` when an HTTP API is not where it usually is
 */
export async function sourceCluster(context: Given): Promise<FoundCluster> {
  const { lookupdHttpAddress, nsqdHttpAddress, nsqdTcpAddress } = context.options
  if (lookupdHttpAddress.length + nsqdHttpAddress.length > 0 || nsqdTcpAddress.length === 0) {
    return findCluster(context.options, context)
  }
  const found = await Promise.all(nsqdTcpAddress.map(tcp => httpOf(context, tcp)))
  const lost = found.indexOf(undefined)
  if (lost !== -1) {
    throw new NsqError('E_CLUSTER', `the HTTP API of nsqd ${nsqdTcpAddress[lost]} is not at its next port`, {
      remedy: 'Name it: --nsqd-http-address=HOST:PORT.',
    })
  }
  return clusterAt(
    context,
    [],
    found.filter(http => http !== undefined),
  )
}

/** Where files are published. */
export interface Target {
  readonly to: Sources
  /** The cluster there, where it is known by its HTTP APIs. */
  readonly found: FoundCluster | undefined
}

/** @throws NsqError what finding out does where an nsqd is known by its HTTP address only */
export async function publishTarget(context: Given): Promise<Target> {
  const { options } = context
  const { nsqdHttpAddress, nsqdTcpAddress, lookupdHttpAddress } = options
  if (nsqdTcpAddress.length + lookupdHttpAddress.length > 0 || nsqdHttpAddress.length === 0) {
    return { to: sources(options), found: undefined }
  }
  const found = await findCluster(options, context)
  const { value: nodes } = await found.cluster.nodes()
  const nsqd = nodes.filter(({ error }) => error === undefined).map(({ tcpAddress }) => tcpAddress)
  return { to: { nsqd, lookupd: [], isDefault: false }, found }
}

/** The cluster behind addresses that are published to; undefined when an nsqd of it cannot be asked over HTTP. */
export async function clusterBehind(
  context: Given,
  { nsqd, lookupd }: Sources,
): Promise<FoundCluster | undefined> {
  if (lookupd.length > 0) return clusterAt(context, lookupd, [])
  const found = await Promise.all(nsqd.map(tcp => httpOf(context, tcp)))
  const known = found.filter(http => http !== undefined)
  return known.length < found.length ? undefined : clusterAt(context, [], known)
}

/** The same cluster, which a signal does not keep from being asked. */
export async function unstoppable(context: Given, { cluster }: FoundCluster): Promise<FoundCluster> {
  const { signal } = new AbortController()
  return clusterAt({ ...context, signal }, cluster.lookupds, cluster.nsqds)
}

function clusterAt(
  context: Given,
  lookupdHttpAddress: readonly string[],
  nsqdHttpAddress: readonly string[],
): Promise<FoundCluster> {
  return findCluster({ ...context.options, lookupdHttpAddress, nsqdHttpAddress }, context)
}

async function httpOf(context: Given, tcp: string): Promise<string | undefined> {
  const { httpClientConnectTimeout, httpClientRequestTimeout } = context.options
  return httpOfNsqd(tcp, {
    connectTimeoutMs: httpClientConnectTimeout,
    requestTimeoutMs: httpClientRequestTimeout,
    signal: context.signal,
  })
}
