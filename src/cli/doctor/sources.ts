import { plural } from '../units.ts'
import { groupBy } from './group.ts'

/** An address of a daemon, and who has named it. */
export interface Located {
  readonly kind: 'nsqlookupd' | 'nsqd-http' | 'nsqd-tcp'
  readonly address: string
  /** `--nsqd-tcp-address`, `NSQ_LOOKUPD_HTTP_ADDRESS`, `lookupd-http-address (context prod)`, `assumed`. */
  readonly from: string
}

export interface AddressFlags {
  readonly lookupdHttpAddress: readonly string[]
  readonly nsqdHttpAddress: readonly string[]
  readonly nsqdTcpAddress: readonly string[]
}

/** What a local NSQ has. */
const LOCAL: readonly Located[] = [
  { kind: 'nsqlookupd', address: '127.0.0.1:4161', from: 'assumed' },
  { kind: 'nsqd-http', address: '127.0.0.1:4151', from: 'assumed' },
  { kind: 'nsqd-tcp', address: '127.0.0.1:4150', from: 'assumed' },
]

/** The addresses to begin with, each once; those of this machine when none is named. */
export function locate(
  flags: AddressFlags,
  origins: Readonly<Record<string, string>>,
): { located: readonly Located[]; isAssumed: boolean } {
  const of = (kind: Located['kind'], flag: string, addresses: readonly string[]): Located[] =>
    [...new Set(addresses)]
      .filter(address => address !== '')
      .map(address => ({ kind, address, from: origins[flag] ?? `--${flag}` }))
  const located = [
    ...of('nsqlookupd', 'lookupd-http-address', flags.lookupdHttpAddress),
    ...of('nsqd-http', 'nsqd-http-address', flags.nsqdHttpAddress),
    ...of('nsqd-tcp', 'nsqd-tcp-address', flags.nsqdTcpAddress),
  ]
  return located.length === 0 ? { located: LOCAL, isAssumed: true } : { located, isAssumed: false }
}

const WORDS = { nsqlookupd: 'nsqlookupd', 'nsqd-http': 'nsqd (HTTP)', 'nsqd-tcp': 'nsqd (TCP)' }
const MOST_NAMED = 5

/** One line for each way in which addresses came: `nsqlookupd 10.0.0.1:4161, by --lookupd-http-address`. */
export function describeSources(located: readonly Located[]): string[] {
  const groups = groupBy(located, ({ kind, from }) => `${kind} ${from}`)
  return [...groups.values()].map(group => {
    const [{ kind, from } = { kind: 'nsqlookupd' as const, from: '' }] = group
    const shown = group.slice(0, MOST_NAMED).map(({ address }) => address)
    const rest = group.length - shown.length
    return `${WORDS[kind]} ${shown.join(', ')}${rest > 0 ? ` and ${plural(rest, 'other')}` : ''}, by ${from}`
  })
}
