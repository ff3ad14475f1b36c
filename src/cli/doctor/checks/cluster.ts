import { formatDuration } from '../../../util/duration.ts'
import type { Facts, NsqdFacts } from '../facts.ts'
import { type Check, CLUSTER, fail, ok, type Verdict, warn } from '../finding.ts'
import { groupBy } from '../group.ts'
import { lookupdTarget, nsqdTarget } from '../ports.ts'

export const version: Check = {
  id: 'version',
  title: 'Daemons of a kind have one version, and none is from before 1.0',
  run: facts => {
    const daemons = versions(facts)
    const kinds = groupBy(daemons, ({ kind }) => kind)
    return [...daemons.map(judgeAge), ...[...kinds].flatMap(([kind, group]) => judgeMix(kind, group))]
  },
}

interface Versioned {
  readonly target: string
  readonly name: string
  readonly version: string
  /** `nsqd`, `nsqd of nsq-ts`, `nsqlookupd`: those of nsq-ts have numbers of their own. */
  readonly kind: string
  readonly isOurs: boolean
}

function versions({ lookupds, nsqds }: Facts): Versioned[] {
  return [
    ...lookupds.flatMap(({ address, version = '', service, tombstones }) => {
      const isOurs = tombstones !== undefined
      const kind = isOurs ? 'nsqlookupd of nsq-ts' : 'nsqlookupd'
      const target = lookupdTarget(address)
      return service === 'nsqlookupd-http' && version !== ''
        ? [{ target, name: address, version, kind, isOurs }]
        : []
    }),
    ...nsqds.flatMap(nsqd => {
      const { name, http, wire, registered } = nsqd
      const version = wire?.identity?.version ?? http?.about?.version ?? registered?.version ?? ''
      const isOurs = http?.config.isOurs === true
      const kind = isOurs ? 'nsqd of nsq-ts' : 'nsqd'
      // Which of the two it is, only its HTTP API tells.
      const isKnown = version !== '' && (isOurs || http?.about !== undefined)
      return isKnown ? [{ target: nsqdTarget(nsqd), name, version, kind, isOurs }] : []
    }),
  ]
}

function judgeAge({ target, version, kind, isOurs }: Versioned): Verdict {
  if (isOurs || !/^v?0\./.test(version)) return ok(target, `${kind} ${version}`)
  return warn(
    target,
    `${kind} ${version} is from before 1.0`,
    'Replace it with 1.3.0, or with that of nsq-ts: since then messages were no longer lost by bugs that are known.',
  )
}

function judgeMix(kind: string, daemons: readonly Versioned[]): Verdict[] {
  const groups = groupBy(daemons, ({ version }) => version)
  if (groups.size < 2) return []
  return [
    warn(
      CLUSTER,
      `there are several versions of ${kind}: ${spread(groups)}`,
      'Bring all to one version: what one can do and another cannot shows only when a client meets that one.',
    ),
  ]
}

/** `1.2.0 (a, b), 1.3.0 (c)` */
function spread(groups: ReadonlyMap<string, readonly { name: string }[]>): string {
  const parts = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([value, members]) => `${value} (${some(members.map(({ name }) => name))})`)
  return some(parts)
}

const MOST_NAMED = 3

function some(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED
  return rest > 0 ? `${names.slice(0, MOST_NAMED).join(', ')} and ${rest} more` : names.join(', ')
}

interface Limit {
  readonly what: string
  readonly flag: string
  readonly read: (nsqd: NsqdFacts) => number | undefined
  readonly show: (value: number) => string
}

const LIMITS: readonly Limit[] = [
  {
    what: 'time in which a message must be answered',
    flag: '--msg-timeout',
    read: ({ wire }) => wire?.identity?.msgTimeout,
    show: formatDuration,
  },
  {
    what: 'longest such time that a consumer can ask for',
    flag: '--max-msg-timeout',
    read: ({ wire }) => wire?.identity?.maxMsgTimeout,
    show: formatDuration,
  },
  {
    what: 'largest RDY',
    flag: '--max-rdy-count',
    read: ({ wire }) => wire?.identity?.maxRdyCount,
    show: String,
  },
  {
    what: 'size of the largest message',
    flag: '--max-msg-size',
    read: ({ http }) => http?.config.maxMsgSize,
    show: bytes => `${bytes} bytes`,
  },
]

export const limits: Check = {
  id: 'limits',
  title: 'All nsqds have the same limits',
  run: ({ nsqds }) =>
    LIMITS.flatMap(({ what, flag, read, show }): Verdict[] => {
      const known = nsqds.flatMap(nsqd => {
        const value = read(nsqd)
        return value === undefined ? [] : [{ name: nsqd.name, value }]
      })
      const groups = groupBy(known, ({ value }) => show(value))
      if (groups.size < 2) return []
      return [
        warn(
          CLUSTER,
          `the ${what} differs between nsqds: ${spread(groups)}`,
          `Start all of them with the same ${flag}, else a message is treated by where it happens to go.`,
        ),
      ]
    }),
}

export const duplicate: Check = {
  id: 'duplicate',
  title: 'No address is registered twice',
  run: ({ nsqds }) =>
    nsqds.flatMap(nsqd => {
      const { registered } = nsqd
      if (registered === undefined) return []
      const byLookupd = groupBy(registered.registrations, ({ lookupd }) => lookupd)
      return [...byLookupd].flatMap(([lookupd, all]): Verdict[] => {
        if (all.length < 2) return []
        const hosts = new Set(all.map(({ remoteAddress }) => remoteAddress.replace(/:\d+$/, '')))
        const from = some(all.map(({ remoteAddress }) => remoteAddress || 'an unknown address'))
        const target = nsqdTarget(nsqd)
        const message = `${registered.tcpAddress} is registered ${all.length} times at nsqlookupd ${lookupd}, from ${from}`
        return hosts.size > 1
          ? [
              fail(
                target,
                `${message}: these are different nsqds, and clients find but one of them`,
                'Give each nsqd a --broadcast-address (or --broadcast-tcp-port) of its own.',
              ),
            ]
          : [
              warn(
                target,
                message,
                'If two nsqds run there, give each a broadcast address or port of its own; else it is what a lost connection ' +
                  'has left, and goes by itself.',
              ),
            ]
      })
    }),
}
