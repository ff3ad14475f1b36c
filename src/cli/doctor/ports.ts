import { nodeOf } from '../../cluster/ask.ts'
import type { Facts, LookupdFacts, NsqdFacts, PortFacts } from './facts.ts'

export type PortKind = 'nsqd-tcp' | 'nsqd-http' | 'nsqlookupd-http' | 'nsqlookupd-tcp'

/** A port that was tried, and what ought to be there. */
export interface Port {
  readonly target: string
  readonly kind: PortKind
  readonly facts: PortFacts
  /** Whose it is. */
  readonly nsqd?: NsqdFacts
  /** The nsqds that were told to register there. */
  readonly nsqds?: readonly string[]
}

/** `TCP 10.0.0.1:4150` */
export function describePort({ kind, facts }: Port): string {
  return `${kind.endsWith('tcp') ? 'TCP' : 'HTTP'} ${facts.address}`
}

export function portsOf({ lookupds, registrars, nsqds }: Facts): Port[] {
  return [
    ...lookupds.map(
      facts => ({ target: lookupdTarget(facts.address), kind: 'nsqlookupd-http', facts }) as const,
    ),
    ...registrars.map(facts => {
      const target = lookupdTarget(sameHost(facts, lookupds)?.address ?? facts.address)
      return { target, kind: 'nsqlookupd-tcp', facts, nsqds: facts.nsqds } as const
    }),
    ...nsqds.flatMap((nsqd): Port[] => {
      const { wire, http } = nsqd
      const target = nsqdTarget(nsqd)
      return [
        ...(wire === undefined ? [] : [{ target, kind: 'nsqd-tcp' as const, facts: wire, nsqd }]),
        // Else the same was asked twice, as it turned out not to be the port that it was said to be.
        ...(http === undefined || http.address === wire?.address
          ? []
          : [{ target, kind: 'nsqd-http' as const, facts: http, nsqd }]),
      ]
    }),
  ]
}

/** The nsqlookupd that was asked on that host, if there is one only: which port goes with which, nobody tells. */
function sameHost(registrar: PortFacts, lookupds: readonly LookupdFacts[]): LookupdFacts | undefined {
  const { addresses } = registrar.name
  const there = lookupds.filter(({ name }) => name.addresses.some(address => addresses.includes(address)))
  return there.length === 1 ? there[0] : undefined
}

export function lookupdTarget(address: string): string {
  return `nsqlookupd ${nodeOf(address)}`
}

export function nsqdTarget({ name }: Pick<NsqdFacts, 'name'>): string {
  return `nsqd ${name}`
}
