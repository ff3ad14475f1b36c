import { toNsqError } from '../../client/errors.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import { findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import { formatCount } from '../units.ts'
import type { ListOptions } from './options.ts'
import { Report } from './report.ts'
import { type Column, printTable } from './table.ts'
import { withoutPassword } from '../../util/password.ts'

interface NodeItem extends ClusterNode {
  /** Undefined when it does not answer. */
  readonly stats: NsqdStats | undefined
}

/** Lists the nsqds, those that do not answer as well. */
export async function listNodes(context: Context<ListOptions>): Promise<number> {
  const { cluster, assumed } = await findCluster(context.options, context)
  const report = new Report(context)
  report.asking(assumed)
  const { value: nodes } = await report.answers(cluster.nodes())
  const items = await Promise.all(
    nodes.map(async (node): Promise<NodeItem> => {
      if (node.error !== undefined) return { ...node, stats: undefined }
      try {
        return { ...node, stats: (await cluster.statsOf(node, {})).value }
      } catch (error) {
        return { ...node, error: toNsqError(error), stats: undefined }
      }
    }),
  )
  report.checkStopped()
  report.failed(items.flatMap(({ error }) => error ?? []))
  if (context.options.json) for (const item of items) report.json(nodeJson(item))
  else if (items.length > 0) await printTable(context, columns(cluster.lookupds.length), items)
  else
    report.note(
      `no nsqd is registered at ${assumed ?? `nsqlookupd ${cluster.lookupds.map(withoutPassword).join(', ')}`}`,
    )
  return report.exitCode
}

function columns(lookupds: number): readonly Column<NodeItem>[] {
  return [
    { head: 'NSQD', rank: 0, shortest: 15, usual: 30, cell: ({ node }) => node },
    { head: 'TCP', rank: 7, cell: ({ tcpAddress }) => tcpAddress || '-' },
    { head: 'HOSTNAME', rank: 6, shortest: 8, usual: 8, cell: ({ hostname }) => hostname || '-' },
    { head: 'VERSION', rank: 4, cell: ({ version }) => version || '-' },
    {
      head: 'TOPICS',
      rank: 5,
      isFigure: true,
      cell: ({ topics, stats }) => formatCount(stats?.topics.length ?? topics.length),
    },
    {
      head: 'WAITING',
      rank: 0,
      isFigure: true,
      cell: ({ stats }) => (stats ? formatCount(waiting(stats)) : '-'),
    },
    ...(lookupds === 0
      ? []
      : [
          {
            head: 'NSQLOOKUPDS',
            rank: 3,
            cell: (item: NodeItem) => `${item.lookupds.length} of ${lookupds}`,
          },
        ]),
    { head: 'STATE', rank: 0, shortest: 15, usual: 30, cell: state },
  ]
}

function state({ stats, topics }: NodeItem): string {
  const hidden = topics.filter(({ tombstoned }) => tombstoned).map(({ name }) => name)
  const isHidden = hidden.length === 0 ? [] : [`hidden for ${hidden.join(', ')}`]
  return [stats?.health ?? 'does not answer', ...isHidden].join('; ')
}

function waiting({ topics }: NsqdStats): number {
  return topics.reduce(
    (sum, { depth, channels }) => channels.reduce((all, channel) => all + channel.depth, sum + depth),
    0,
  )
}

function nodeJson({ stats, ...node }: NodeItem): Record<string, unknown> {
  return {
    nsqd: node.node,
    tcp_address: node.tcpAddress,
    hostname: node.hostname,
    version: node.version,
    health: stats?.health ?? null,
    start_time: stats === undefined || stats.startTime === 0 ? null : new Date(stats.startTime).toISOString(),
    topics: stats?.topics.map(({ name }) => name) ?? node.topics.map(({ name }) => name),
    tombstoned: node.topics.filter(({ tombstoned }) => tombstoned).map(({ name }) => name),
    depth: stats === undefined ? null : waiting(stats),
    nsqlookupds: node.lookupds,
    error: node.error === undefined ? null : node.error.message,
  }
}
