import type { ClusterNode } from '../../cluster/node.ts'
import { sumTopic } from '../../cluster/totals.ts'
import { formatDuration } from '../../util/duration.ts'
import { NsqError } from '../../util/errors.ts'
import { type FoundCluster, findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import type { TombstoneOptions } from '../commands/tombstone.ts'
import { ExitCode, UsageError } from '../errors.ts'
import { checkTopic } from '../names.ts'
import { notFound } from '../not-found.ts'
import { near } from '../../util/suggest.ts'
import { checkConsent, confirm } from './confirm.ts'
import { loss } from './loss.ts'
import { errorsJson, Report, where } from './report.ts'
import { printTable } from './table.ts'

/** Without arguments, what is hidden; with them, hides. */
export async function runTombstone(context: Context<TombstoneOptions>): Promise<number> {
  const { positionals, options, program } = context
  const [topic, node] = positionals
  if (topic !== undefined && node === undefined) {
    throw new UsageError('no nsqd is named', `Write it as ${program} TOPIC HOST:PORT`)
  }
  if (topic !== undefined) checkTopic(topic)
  if (topic !== undefined && !options.keep) checkConsent(context, options.yes)
  const found = await findCluster(options, context)
  if (found.cluster.lookupds.length === 0) {
    throw new NsqError('E_NO_LOOKUPD', 'tombstones are kept by nsqlookupd, and none is known here', {
      remedy: 'Name one: --lookupd-http-address=HOST:PORT.',
    })
  }
  const report = new Report(context)
  if (topic === undefined || node === undefined) {
    report.asking(found.assumed)
    return list(context, found, report)
  }
  return hide(context, found, report, { topic, node })
}

async function list(
  context: Context<TombstoneOptions>,
  { cluster }: FoundCluster,
  report: Report,
): Promise<number> {
  const { value } = await report.answers(cluster.tombstones())
  for (const lookupd of value.unsupported) {
    report.note(`nsqlookupd ${lookupd} cannot tell what it hides: it is an official one`)
  }
  if (context.options.json) {
    for (const { topic, node, since, until, lookupd } of value.list) {
      const times = { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
      report.json({ topic, nsqd: node, ...times, nsqlookupd: lookupd })
    }
  } else if (value.list.length > 0) {
    await printTable(
      context,
      [
        { head: 'TOPIC', rank: 0, shortest: 12, usual: 24, cell: ({ topic }) => topic },
        { head: 'NSQD', rank: 0, shortest: 15, usual: 30, cell: ({ node }) => node },
        { head: 'SHOWN AGAIN IN', rank: 0, cell: ({ until }) => formatDuration(secondsFrom(until)) },
        { head: 'NSQLOOKUPD', rank: 1, shortest: 15, cell: ({ lookupd }) => lookupd },
      ],
      value.list,
    )
  } else if (value.unsupported.length < cluster.lookupds.length) report.note('nothing is hidden')
  return report.exitCode
}

/** Whole ones, in milliseconds. */
function secondsFrom(until: number): number {
  return Math.max(0, Math.round((until - Date.now()) / 1000)) * 1000
}

async function hide(
  context: Context<TombstoneOptions>,
  { cluster, assumed }: FoundCluster,
  report: Report,
  named: { topic: string; node: string },
): Promise<number> {
  const { options, stderr } = context
  const { topic } = named
  const { value: nodes } = await report.answers(cluster.nodes())
  const node = choose(nodes, named.node)
  if (!node.topics.some(({ name }) => name === topic)) {
    const all = node.topics.map(({ name }) => name)
    const otherwise = all.length === 0 ? 'It has none at all.' : `It has ${all.slice(0, 10).join(', ')}.`
    throw notFound(
      'E_TOPIC_NOT_FOUND',
      `there is no topic ${topic} at ${node.node}`,
      near(topic, all),
      otherwise,
    )
  }
  if (!options.keep && !options.yes) {
    if (assumed !== undefined) report.note(`no address was given, so this is for ${assumed}`)
    const stats = await cluster.statsOf(node, { topic }).catch(() => undefined)
    report.checkStopped()
    const sum = stats === undefined ? undefined : sumTopic(topic, [stats.value])
    stderr.line(
      `  ${sum === undefined ? `${topic}: ${node.node} does not answer` : loss({ topic }, 'delete', sum, cluster)}`,
    )
    if (!(await confirm(context, `Hide ${topic} of ${node.node}, and delete it there?`))) {
      report.note('nothing was hidden or deleted')
      return ExitCode.failed
    }
  }
  const done = await cluster.tombstone(topic, node.node, { keep: options.keep })
  report.failed(done.warnings)
  const { lookupds, nsqds } = done.value
  if (options.json) {
    const errors = errorsJson(done.warnings)
    report.json({ topic, nsqd: node.node, ok: errors.length === 0, nsqlookupds: lookupds, nsqds, errors })
  } else {
    const deleted = nsqds.length === 0 ? '' : `, and deleted at ${where({ lookupds: [], nsqds })}`
    report.line(`topic ${topic} of ${node.node}: hidden at ${where({ lookupds, nsqds: [] })}${deleted}`)
  }
  return report.exitCode
}

/** By the address of its HTTP API or that for clients. */
function choose(nodes: readonly ClusterNode[], named: string): ClusterNode {
  const found = nodes.find(({ node, tcpAddress }) => node === named || tcpAddress === named)
  if (found !== undefined) return found
  const all = nodes.map(({ node }) => node)
  const otherwise = all.length === 0 ? 'There is none at all.' : `There are ${all.join(', ')}.`
  throw notFound('E_NODE_NOT_FOUND', `there is no nsqd ${named}`, near(named, all), otherwise)
}
