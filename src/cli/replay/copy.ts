import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import type { Replayed } from '../../cluster/replay.ts'
import { Producer } from '../../client/producer/producer.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { checkConsent, confirm } from '../admin/confirm.ts'
import { Report } from '../admin/report.ts'
import type { Sources } from '../addresses.ts'
import { producerOptions } from '../client-options.ts'
import type { FoundCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { Complaints } from '../complaints.ts'
import { aborted } from '../daemon.ts'
import { ExitCode, stopped } from '../errors.ts'
import { oneLine } from '../escape.ts'
import { Publisher } from '../pub/publisher.ts'
import { showStatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import { clusterBehind, sourceCluster, unstoppable } from './addresses.ts'
import { Copier } from './copier.ts'
import { audience } from './live.ts'
import { describe, holders, replayedJson, sum, tellOldest, tellUnable } from './source.ts'

const MAX_PENDING_BYTES = 8 * 1024 * 1024

/** Of the channels that copy. */
const OWN_CHANNEL = /^replay-[0-9a-f]{8}$/

export interface Copying {
  readonly topic: string
  readonly toTopic: string
  /** Milliseconds since 1970. */
  readonly since: number
}

type Given = Context<ReplayOptions>

/** Publishes messages to another topic, by way of a channel of its own. */
export async function copyTopic(context: Given, copying: Copying): Promise<number> {
  const { topic } = copying
  if (topic.endsWith('#ephemeral')) {
    throw new NsqError('E_REPLAY', 'what is ephemeral keeps nothing: there is nothing to replay')
  }
  // What comes from now on is not copied: it would have no end.
  const until = Math.min(context.options.until ?? Infinity, Date.now())
  const source = await sourceCluster(context)
  const report = new Report(context)
  const { cluster } = source
  report.asking(source.assumed)
  const { nodes } = await holders(cluster, topic, report)
  const able = await ableNodes(cluster, topic, nodes, report)
  await checkChannels(cluster, topic, able, report)
  const channel = `replay-${randomBytes(4).toString('hex')}`
  const work: Work = { context, source, copying, until, channel, nodes: able, report }
  try {
    for (const { node } of able) await cluster.createChannelAt(node, topic, channel)
    const code = await copyBy(work)
    return able.length < nodes.length ? ExitCode.failed : code
  } catch (error) {
    if (context.signal.aborted) throw stopped()
    throw error
  } finally {
    await removeChannel(work)
  }
}

interface Work {
  readonly context: Given
  readonly source: FoundCluster
  readonly copying: Copying
  readonly until: number
  readonly channel: string
  readonly nodes: readonly ClusterNode[]
  readonly report: Report
}

/** Those that can replay at all, which is asked of a channel that there is not. */
async function ableNodes(
  cluster: Cluster,
  topic: string,
  nodes: readonly ClusterNode[],
  report: Report,
): Promise<ClusterNode[]> {
  const names = nodes.map(({ node }) => node)
  const question = cluster.replay({ topic, channel: 'replay', since: 0, isDry: true, nodes: names })
  const { value } = await report.answers(question)
  const able = new Set([...value.missing, ...value.nsqds.map(({ node }) => node)])
  if (able.size === 0) {
    throw new NsqError('E_REPLAY', `nsqd ${value.unsupported.join(', ')} cannot replay`, {
      remedy:
        'An official nsqd keeps nothing that it has delivered. Keep messages with nsq-ts archive, and replay the files.',
    })
  }
  tellUnable({ ...value, missing: [] }, '', report)
  return nodes.filter(({ node }) => able.has(node))
}

/**
 * A topic without a channel keeps its messages for the first one; that would be the one of this replay, and they would go
 * with it.
 */
async function checkChannels(
  cluster: Cluster,
  topic: string,
  nodes: readonly ClusterNode[],
  report: Report,
): Promise<void> {
  const { value: stats } = await report.answers(cluster.stats({ topic }))
  const channelsAt = (node: string): readonly { name: string; clientCount: number }[] =>
    stats.find(each => each.node === node)?.topics.find(({ name }) => name === topic)?.channels ?? []
  const bare = nodes.find(({ node }) => channelsAt(node).every(({ name }) => OWN_CHANNEL.test(name)))
  if (bare !== undefined) {
    throw new NsqError(
      'E_REPLAY',
      `the topic ${topic} has no channel at nsqd ${bare.node}: what waits in it would go to the channel of this replay, and be lost with it`,
      { remedy: `Make one that keeps it: nsq-ts channel create ${topic} CHANNEL` },
    )
  }
  const names = nodes.flatMap(({ node }) =>
    channelsAt(node)
      .filter(({ name, clientCount }) => OWN_CHANNEL.test(name) && clientCount === 0)
      .map(({ name }) => name),
  )
  for (const name of new Set(names)) {
    report.note(`${name} was left by a replay that died: nsq-ts channel delete ${topic} ${name}`)
  }
}

async function copyBy(work: Work): Promise<number> {
  const { context, source, copying, until, channel, nodes, report } = work
  const { topic, since } = copying
  const { options, program, stderr, signal } = context
  const names = nodes.map(({ node }) => node)
  const ask = (isDry: boolean): Promise<{ value: Replayed }> =>
    report.answers(source.cluster.replay({ topic, channel, since, until, isDry, nodes: names }))
  const { value: planned } = await ask(true)
  if (!options.yes) tellOldest(planned, since, report)
  const what = describe(planned, since, until)
  const isNothing = sum(planned).messages === 0
  if (options.dryRun || isNothing) {
    if (options.json)
      report.json(summary(work, planned, { messages: 0, bytes: 0 }, isNothing ? 'end' : 'dry-run'))
    else report.line(`${what}; nothing was done`)
    return report.exitCode
  }
  const to = destination(context, source, nodes)
  if (!options.yes && !(await agrees(work, to, what))) return ExitCode.failed
  const complaints = new Complaints(text => stderr.line(`${program}: ${oneLine(text)}`), signal)
  const connection = await producerOptions(options, [])
  const producer = new Producer({
    ...connection,
    nsqd: to.nsqd,
    lookupd: to.lookupd,
    maxMessageBytes: options.maxMsgSize,
    maxPendingBytes: MAX_PENDING_BYTES,
    onError: complaints.add,
  })
  try {
    await Promise.race([producer.connect(), aborted(signal)])
    report.checkStopped()
    const { value: rewound } = await ask(false)
    complaints.begin()
    return await run(work, rewound, {
      publisher: new Publisher(producer, 0),
      connection: { ...connection, onError: complaints.add },
    })
  } finally {
    await producer.close()
  }
}

function isElsewhere({ options }: Given): boolean {
  return options.destinationNsqdTcpAddress.length + options.destinationLookupdHttpAddress.length > 0
}

function destination(context: Given, { cluster }: FoundCluster, nodes: readonly ClusterNode[]): Sources {
  const { destinationNsqdTcpAddress: nsqd, destinationLookupdHttpAddress: lookupd } = context.options
  if (isElsewhere(context)) return { nsqd, lookupd, isDefault: false }
  if (cluster.lookupds.length > 0) return { nsqd: [], lookupd: cluster.lookupds, isDefault: false }
  return { nsqd: nodes.map(({ tcpAddress }) => tcpAddress), lookupd: [], isDefault: false }
}

async function agrees(
  { context, source, copying, channel, report }: Work,
  to: Sources,
  what: string,
): Promise<boolean> {
  const { toTopic } = copying
  const found = isElsewhere(context) ? await clusterBehind(context, to) : source
  const lines = await audience(found?.cluster, [toTopic], channel)
  report.checkStopped()
  if (lines.length === 0) return true
  if (source.assumed !== undefined) report.note(`no address was given, so this is for ${source.assumed}`)
  for (const line of [what, ...lines]) context.stderr.line(`  ${oneLine(line)}`)
  checkConsent(context, false)
  if (await confirm(context, `Publish them to ${toTopic}?`)) return true
  report.note('nothing was published')
  return false
}

async function run(
  work: Work,
  rewound: Replayed,
  {
    publisher,
    connection,
  }: { publisher: Publisher; connection: ConstructorParameters<typeof Copier>[0]['connection'] },
): Promise<number> {
  const { context, source, copying, until, channel, nodes, report } = work
  const { options, stderr, signal } = context
  const copier = new Copier({
    ...copying,
    until,
    channel,
    cluster: source.cluster,
    nodes,
    rewound,
    rate: options.rate,
    publisher,
    connection,
    signal,
  })
  const startedAt = performance.now()
  const all = sum(rewound).messages
  const line = await showStatusLine(stderr, `replaying ${plural(all, 'message')}`, () => {
    const { messages, bytes } = publisher.acknowledged
    const rate = messages / ((performance.now() - startedAt) / 1000)
    return `${formatCount(messages)} of ${plural(all, 'message')}, ${formatBytes(bytes)}, ${formatCount(rate)}/s to ${copying.toTopic}`
  })
  try {
    await copier.run()
  } finally {
    line.hide()
  }
  const { error, acknowledged } = publisher
  const { isAtEnd, deferred } = copier
  const missing = isAtEnd ? copier.missing : 0
  const isWhole = isAtEnd && error === undefined && deferred + missing === 0
  const ended = isWhole ? 'end' : error !== undefined ? 'error' : endedBy(isAtEnd, missing)
  if (options.json) report.json(summary(work, rewound, acknowledged, ended))
  const seconds = Math.max((performance.now() - startedAt) / 1000, 0.001)
  report.note(
    `${plural(acknowledged.messages, 'message')} (${formatBytes(acknowledged.bytes)}) to ${copying.toTopic} ` +
      `in ${seconds.toFixed(2)} s, ${formatCount(acknowledged.messages / seconds)}/s`,
  )
  if (deferred > 0) report.note(`${plural(deferred, 'message')} left out: deferred, and not due yet`)
  if (missing > 0) {
    report.note(
      `${plural(missing, 'message')} did not come: ${work.channel} was emptied or deleted meanwhile, or they are damaged`,
    )
  }
  if (error !== undefined)
    report.note(`${plural(publisher.failed.messages, 'message')} not acknowledged: ${errorText(error)}`)
  if (!isAtEnd || missing > 0) {
    const from = new Date(copier.goOnFrom).toISOString()
    const how = isAtEnd ? 'ended without some' : 'stopped before the end'
    report.note(`${how}; what comes before that time is published:`)
    stderr.line(
      `  To go on, say the same again with --since=${from} --until=${new Date(until).toISOString()}`,
    )
  }
  return isWhole ? report.exitCode : ExitCode.failed
}

function endedBy(isAtEnd: boolean, missing: number): string {
  if (!isAtEnd) return 'signal'
  return missing > 0 ? 'incomplete' : 'deferred'
}

function summary(
  { context, copying, until }: Work,
  replayed: Replayed,
  { messages, bytes }: { messages: number; bytes: number },
  ended: string,
): Record<string, unknown> {
  const { topic, toTopic, since } = copying
  return {
    topic,
    to_topic: toTopic,
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    dry_run: context.options.dryRun,
    found: sum(replayed).messages,
    messages,
    bytes,
    ...replayedJson(replayed),
    ended,
    ok: ended === 'end' || ended === 'dry-run',
  }
}

/** Also when a signal has ended it all. */
async function removeChannel({ context, source, copying, channel, report }: Work): Promise<void> {
  const { topic } = copying
  try {
    const { cluster } = await unstoppable(context, source)
    const { warnings } = await cluster.deleteChannel(topic, channel)
    if (warnings.length > 0) throw warnings[0]
  } catch (error) {
    // It was not made.
    if (error instanceof NsqError && error.code === 'E_CHANNEL_NOT_FOUND') return
    report.note(`the channel ${channel} is left: ${errorText(error)}`)
    context.stderr.line(`  Delete it later: nsq-ts channel delete ${topic} ${channel}`)
  }
}
