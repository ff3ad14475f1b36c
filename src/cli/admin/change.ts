import { toNsqError } from '../../client/errors.ts'
import type { Done } from '../../cluster/actions.ts'
import type { Answers } from '../../cluster/answers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import { sumTopics } from '../../cluster/totals.ts'
import type { NsqError } from '../../util/errors.ts'
import { findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import { ExitCode } from '../errors.ts'
import { noSuchTopic } from '../not-found.ts'
import { plural } from '../units.ts'
import { checkConsent, confirm } from './confirm.ts'
import type { Verb } from './entries.ts'
import type { ChangeOptions } from './options.ts'
import { errorsJson, Report, where } from './report.ts'
import { loss } from './loss.ts'
import { findTargets, type Named, readNames, type Target } from './targets.ts'

export interface Change {
  readonly kind: 'topic' | 'channel'
  readonly verb: Exclude<Verb, 'list'>
  /** Agreed to beforehand. */
  readonly yes: boolean
}

const PAST = { create: 'created', delete: 'deleted', empty: 'emptied', pause: 'paused', unpause: 'unpaused' }

/** Does one thing with each of the topics or channels that are named, on all nsqds that have it. */
export async function runChange(context: Context<ChangeOptions>, change: Change): Promise<number> {
  const { kind, verb, yes } = change
  const { options, program, signal } = context
  const isLoss = verb === 'delete' || verb === 'empty'
  const takesPatterns = verb === 'pause' || verb === 'unpause'
  const named = readNames(kind, context.positionals, { program, takesPatterns })
  if (isLoss) checkConsent(context, yes)
  const { cluster, assumed } = await findCluster(options, context)
  const report = new Report(context)
  if (!isLoss || yes) report.asking(assumed)
  const targets =
    verb === 'create' ? await newTargets(cluster, named, report) : await findTargets(cluster, named, report)
  if (isLoss && !yes) {
    if (assumed !== undefined) report.note(`no address was given, so this is for ${assumed}`)
    if (!(await agrees(context, change, cluster, targets, report))) return ExitCode.failed
  }
  for (const [index, target] of targets.entries()) {
    if (signal.aborted) {
      report.note(`stopped: ${plural(targets.length - index, kind)} not ${PAST[verb]}`)
      return ExitCode.failed
    }
    await carryOut(cluster, target, { verb, report, json: options.json, signal })
  }
  return report.exitCode
}

/** A channel is for a topic that there is: a name that was mistyped would come to life. */
async function newTargets(cluster: Cluster, { topic, names }: Named, report: Report): Promise<Target[]> {
  if (topic === undefined) return names.map(name => ({ topic: name }))
  const topics = await report.answers(cluster.topics())
  if (!topics.value.includes(topic)) throw noSuchTopic([topic], topics.value, topics.warnings)
  return names.map(channel => ({ topic, channel }))
}

async function agrees(
  context: Context<ChangeOptions>,
  { kind, verb }: Change,
  cluster: Cluster,
  targets: readonly Target[],
  report: Report,
): Promise<boolean> {
  const sums = sumTopics(await statsOfHolders(cluster, targets, report))
  for (const target of targets) {
    context.stderr.line(`  ${loss(target, verb, sums.get(target.topic), cluster)}`)
  }
  const them = targets.length === 1 ? `this ${kind}` : `these ${plural(targets.length, kind)}`
  const ask = verb === 'delete' ? `Delete ${them} for good?` : `Empty ${them}?`
  if (await confirm(context, ask)) return true
  report.note(`nothing was ${PAST[verb]}`)
  return false
}

/** Also of those where nsqlookupd hides a topic. */
async function statsOfHolders(
  cluster: Cluster,
  targets: readonly Target[],
  report: Report,
): Promise<NsqdStats[]> {
  const names = new Set(targets.map(({ topic }) => topic))
  const [only] = names.size === 1 ? names : []
  const { value: nodes } = await report.answers(cluster.nodes())
  const holders = nodes.filter(({ topics }) => topics.some(({ name }) => names.has(name)))
  const stats = await Promise.all(
    holders.map(async node => {
      try {
        return [(await cluster.statsOf(node, only === undefined ? {} : { topic: only })).value]
      } catch {
        report.checkStopped()
        // It is told all the same, and said to be out of reach then.
        report.note(`nsqd ${node.node} does not answer: what it has is not counted here`)
        return []
      }
    }),
  )
  return stats.flat()
}

async function carryOut(
  cluster: Cluster,
  target: Target,
  {
    verb,
    report,
    json,
    signal,
  }: { verb: Change['verb']; report: Report; json: boolean; signal: AbortSignal },
): Promise<void> {
  const { value: done, warnings } = await attempt(cluster, target, verb)
  report.failed(warnings)
  if (json) {
    report.json({
      ...target,
      action: verb,
      ok: warnings.length === 0,
      nsqlookupds: done?.lookupds ?? [],
      nsqds: done?.nsqds ?? [],
      errors: errorsJson(warnings),
    })
    return
  }
  const { topic, channel } = target
  const what = channel === undefined ? `topic ${topic}` : `channel ${channel} of ${topic}`
  if (done === undefined && signal.aborted) report.note(`it is not known whether ${what} was ${PAST[verb]}`)
  else if (done === undefined) report.note(`${what} was not ${PAST[verb]}`)
  else if (where(done) === '')
    report.line(`${what}: no nsqd has it at present, so there is nothing to ${verb}`)
  else report.line(`${what}: ${PAST[verb]} at ${where(done)}${later(verb, done)}`)
}

/** What nsqlookupd alone knows comes to an nsqd with the first message. */
function later(verb: Verb, { nsqds }: Done): string {
  return verb === 'create' && nsqds.length === 0 ? '; an nsqd has it once something is published' : ''
}

async function attempt(
  cluster: Cluster,
  target: Target,
  verb: Change['verb'],
): Promise<{ value: Done | undefined; warnings: NsqError[] }> {
  try {
    const { topic, channel } = target
    return await (channel === undefined
      ? TOPIC[verb](cluster, topic)
      : CHANNEL[verb](cluster, topic, channel))
  } catch (error) {
    // The next name may fare better.
    return { value: undefined, warnings: [toNsqError(error)] }
  }
}

const TOPIC: Record<Change['verb'], (cluster: Cluster, topic: string) => Promise<Answers<Done>>> = {
  create: (cluster, topic) => cluster.createTopic(topic),
  delete: (cluster, topic) => cluster.deleteTopic(topic),
  empty: (cluster, topic) => cluster.emptyTopic(topic),
  pause: (cluster, topic) => cluster.pauseTopic(topic),
  unpause: (cluster, topic) => cluster.unpauseTopic(topic),
}

const CHANNEL: Record<
  Change['verb'],
  (cluster: Cluster, topic: string, channel: string) => Promise<Answers<Done>>
> = {
  create: (cluster, topic, channel) => cluster.createChannel(topic, channel),
  delete: (cluster, topic, channel) => cluster.deleteChannel(topic, channel),
  empty: (cluster, topic, channel) => cluster.emptyChannel(topic, channel),
  pause: (cluster, topic, channel) => cluster.pauseChannel(topic, channel),
  unpause: (cluster, topic, channel) => cluster.unpauseChannel(topic, channel),
}
