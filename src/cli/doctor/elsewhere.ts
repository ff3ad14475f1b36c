import { nodeOf } from '../../cluster/ask.ts'
import type { NsqdAbout } from '../../cluster/stats.ts'
import { formatAddress, parseAddress } from '../../util/address.ts'
import type { LookupdFacts, NsqdFacts } from './facts.ts'
import { whoAnswers } from './http.ts'
import type { ProbeOptions } from './probe-options.ts'

/** What nsqlookupd says must not make us knock at every door there is. */
const MOST_HOSTS = 8

/**
 * Where an nsqd can be reached whose own address leads nowhere, or to another: the address that it came to nsqlookupd
 * from, and the host of that nsqlookupd, as with containers whose ports are published. TCP addresses.
 */
export async function elsewhere(
  nsqd: NsqdFacts,
  lookupds: readonly LookupdFacts[],
  options: ProbeOptions,
): Promise<string[]> {
  const { registered, wire, http } = nsqd
  if (registered === undefined) return []
  const isFine = wire?.failure === undefined && http?.failure === undefined
  if (isFine && (http?.about === undefined || isSame(http.about, nsqd))) return []
  const came = registered.registrations.map(({ remoteAddress }) => hostOf(remoteAddress))
  const beside = lookupds.map(({ address }) => hostOf(nodeOf(address)))
  const hosts = [...new Set([...came, ...beside])]
    .filter(host => host !== '' && host !== registered.broadcastAddress)
    .slice(0, MOST_HOSTS)
  const answers = await Promise.all(
    hosts.map(async host => {
      const about = await whoAnswers(formatAddress({ host, port: registered.httpPort }), options)
      return about !== undefined && isSame(about, nsqd)
        ? [formatAddress({ host, port: registered.tcpPort })]
        : []
    }),
  )
  return answers.flat()
}

/** Whether it is the nsqd that has registered: old ones leave something out, and that proves nothing. */
export function isSame(
  about: Pick<NsqdAbout, 'hostname' | 'broadcastAddress' | 'tcpPort'>,
  { registered }: Pick<NsqdFacts, 'registered'>,
): boolean {
  if (registered === undefined) return true
  const { hostname, broadcastAddress, tcpPort } = registered
  return (
    isEqual(about.hostname, hostname) &&
    isEqual(about.broadcastAddress, broadcastAddress) &&
    (about.tcpPort === 0 || about.tcpPort === tcpPort)
  )
}

function isEqual(a: string, b: string): boolean {
  return a === '' || b === '' || a === b
}

/** Empty for what is no address. */
function hostOf(address: string): string {
  try {
    return parseAddress(address).host
  } catch {
    return ''
  }
}
