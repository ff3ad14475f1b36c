import { setTimeout as sleep } from 'node:timers/promises'
import { Rates } from '../../cluster/rates.ts'
import { type NsqdStats, nsqdStats } from '../../cluster/stats.ts'
import { atMost } from './at-most.ts'
import type { BacklogFacts, NsqdFacts } from './facts.ts'
import { groupBy } from './group.ts'
import { asking } from './http.ts'
import type { ProbeOptions } from './probe-options.ts'

/** What is less is not worth a second look. */
const MUCH = 1000
/** Between the two looks. */
const APART_MS = 1000

/** Looks a second time at the nsqds that have channels with consumers and a backlog. */
export async function lookAtBacklogs(
  nsqds: readonly NsqdFacts[],
  limit: number,
  options: ProbeOptions,
): Promise<BacklogFacts[]> {
  const found = nsqds.flatMap(({ http }) =>
    http?.stats !== undefined && deep(http.stats).length > 0
      ? [{ address: http.address, stats: http.stats }]
      : [],
  )
  if (found.length === 0) return []
  const first = found.map(({ stats }) => stats)
  const rates = new Rates()
  rates.observe(first)
  const since = performance.now() - Math.max(...first.map(({ answeredAt }) => answeredAt))
  try {
    await sleep(Math.max(0, APART_MS - since), undefined, { signal: options.signal })
  } catch {
    return []
  }
  const second = await atMost(limit, found, ({ address }) =>
    nsqdStats(address, {}, asking(options)).catch(() => undefined),
  )
  const stats = second.filter(each => each !== undefined)
  rates.observe(stats)
  return sums(stats).flatMap(each => {
    const rate = rates.channel(each.topic, each.channel)
    return rate === undefined ? [] : [{ ...each, ...rate }]
  })
}

interface Deep {
  readonly topic: string
  readonly channel: string
  readonly depth: number
}

function deep({ topics }: NsqdStats): Deep[] {
  return topics.flatMap(({ name: topic, channels }) =>
    channels
      .filter(({ depth, clientCount, paused }) => depth >= MUCH && clientCount > 0 && !paused)
      .map(({ name: channel, depth }) => ({ topic, channel, depth })),
  )
}

/** Each channel once, over its nsqds. */
function sums(stats: readonly NsqdStats[]): Deep[] {
  const groups = groupBy(stats.flatMap(deep), ({ topic, channel }) => `${topic} ${channel}`)
  return [...groups.values()].flatMap(group => {
    const depth = group.reduce((sum, each) => sum + each.depth, 0)
    return group.slice(0, 1).map(({ topic, channel }) => ({ topic, channel, depth }))
  })
}
