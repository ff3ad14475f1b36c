import type { Answers } from '../../cluster/answers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Replayed } from '../../cluster/replay.ts'
import { sumChannel } from '../../cluster/totals.ts'
import { NsqError } from '../../util/errors.ts'
import { checkConsent, confirm } from '../admin/confirm.ts'
import { errorsJson, Report } from '../admin/report.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { ExitCode } from '../errors.ts'
import { oneLine } from '../escape.ts'
import { plural } from '../units.ts'
import { sourceCluster } from './addresses.ts'
import {
  describe,
  holders,
  noChannel,
  replayedJson,
  sum,
  tellOldest,
  tellUnable,
  unable,
  waitingText,
} from './source.ts'

export interface Rewinding {
  readonly topic: string
  readonly channel: string
  /** Milliseconds since 1970. */
  readonly since: number
}

/** Puts messages before a channel again, on all nsqds of its topic. */
export async function rewind(context: Context<ReplayOptions>, rewinding: Rewinding): Promise<number> {
  const { options } = context
  const { topic, channel, since } = rewinding
  if (topic.endsWith('#ephemeral') || channel.endsWith('#ephemeral')) {
    throw new NsqError('E_REPLAY', 'what is ephemeral keeps nothing: there is nothing to replay')
  }
  const isAgreed = options.yes || options.dryRun
  checkConsent(context, isAgreed)
  const { cluster, assumed } = await sourceCluster(context)
  const report = new Report(context)
  if (isAgreed) report.asking(assumed)
  const { channels, nodes } = await holders(cluster, topic, report)
  if (!channels.includes(channel)) throw noChannel(topic, channel, channels)
  const ask = (isDry: boolean): Promise<Answers<Replayed>> =>
    report.answers(
      cluster.replay({ ...rewinding, until: options.until, isDry, nodes: nodes.map(({ node }) => node) }),
    )
  const planned = await ask(true)
  if (planned.value.nsqds.length === 0) throw nobodyCan(planned.value, rewinding)
  tellUnable(planned.value, channel, report)
  if (!options.yes) tellOldest(planned.value, since, report)
  const what = `${describe(planned.value, since, options.until)}${waitingText(sum(planned.value))}`
  if (options.dryRun || sum(planned.value).messages === 0) {
    return finish(
      context,
      rewinding,
      planned,
      report,
      `channel ${channel} of ${topic}: ${what}; nothing was done`,
    )
  }
  if (!isAgreed) {
    if (assumed !== undefined) report.note(`no address was given, so this is for ${assumed}`)
    context.stderr.line(`  ${oneLine(`${what}; ${await consumers(cluster, rewinding, report)}`)}`)
    if (!(await confirm(context, `Put them before the channel ${channel} of ${topic} again?`))) {
      report.note('nothing was done')
      return ExitCode.failed
    }
  }
  const done = await ask(false)
  const { unsupported, missing } = planned.value
  // Somebody may have deleted the channel meanwhile.
  const unableNow = {
    unsupported: newOf(done.value.unsupported, unsupported),
    missing: newOf(done.value.missing, missing),
  }
  tellUnable({ ...done.value, ...unableNow }, channel, report)
  const { messages } = sum(done.value)
  const where = done.value.nsqds.map(({ node }) => node).join(', ')
  const text = `channel ${channel} of ${topic}: ${plural(messages, 'message')} put before it again${where === '' ? '' : ` at nsqd ${where}`}`
  return finish(context, rewinding, done, report, text)
}

/** What was not known before. */
function newOf(nodes: readonly string[], known: readonly string[]): string[] {
  return nodes.filter(node => !known.includes(node))
}

function finish(
  { options }: Context<ReplayOptions>,
  { topic, channel, since }: Rewinding,
  answers: Answers<Replayed>,
  report: Report,
  text: string,
): number {
  const isDone = unable(answers) === 0
  if (options.json) {
    report.json({
      topic,
      channel,
      since: new Date(since).toISOString(),
      until: options.until === undefined ? null : new Date(options.until).toISOString(),
      dry_run: options.dryRun,
      ...sum(answers.value),
      ...replayedJson(answers.value),
      errors: errorsJson(answers.warnings),
      ok: isDone,
    })
  } else report.line(text)
  return isDone ? report.exitCode : ExitCode.failed
}

async function consumers(cluster: Cluster, { topic, channel }: Rewinding, report: Report): Promise<string> {
  const { value: stats } = await report.answers(cluster.stats({ topic, channel }))
  const clients = sumChannel(topic, channel, stats)?.clients ?? 0
  if (clients === 0) return 'no consumer is connected'
  return `${plural(clients, 'consumer')} ${clients === 1 ? 'is' : 'are'} connected`
}

function nobodyCan({ unsupported, missing }: Replayed, { topic, channel }: Rewinding): NsqError {
  if (unsupported.length === 0) return noChannel(topic, channel, [])
  const but = missing.length === 0 ? '' : `, and ${missing.join(', ')} does not have the channel`
  return new NsqError('E_REPLAY', `nsqd ${unsupported.join(', ')} cannot replay${but}`, {
    remedy:
      'An official nsqd keeps nothing that it has delivered. Keep messages with nsq-ts archive, and replay the files; ' +
      "or with our nsqd's --retain-time.",
  })
}
