import { Producer } from '../../client/producer/producer.ts'
import type { ConnectionOptions } from '../../client/options.ts'
import { NsqError } from '../../util/errors.ts'
import { checkConsent, confirm } from '../admin/confirm.ts'
import { type Sources, withSources } from '../addresses.ts'
import { producerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { Complaints } from '../complaints.ts'
import { aborted } from '../daemon.ts'
import { ExitCode, UsageError } from '../errors.ts'
import { oneLine } from '../escape.ts'
import { Pacer } from '../pub/pacer.ts'
import { type PublishTarget, Publisher } from '../pub/publisher.ts'
import { showStatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import { clusterBehind, publishTarget, type Target } from './addresses.ts'
import { FilePump } from './file-pump.ts'
import { FileReport } from './file-report.ts'
import { audience } from './live.ts'
import { ALWAYS, type Part, PartFinder, type Range } from './parts.ts'

/** Enough to keep nsqd busy over any network, and little enough to forget. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024

/** Of a dry run: all is well, and nothing happens. */
const NOWHERE: PublishTarget = { publishBatch: () => Promise.resolve(), room: () => Promise.resolve() }

/** Publishes what archive has written. */
export async function replayFiles(context: Context<ReplayOptions>): Promise<number> {
  const { positionals, options, signal } = context
  const report = new FileReport(context)
  const range = rangeOf(options)
  const finder = new PartFinder({
    topic: options.topic,
    range,
    framing: options.input,
    s3Endpoint: options.s3Endpoint,
    signal,
    note: text => report.note(text),
    problem: (location, text) => report.damaged(location, text),
  })
  try {
    const parts = await finder.find(positionals)
    if (parts.length === 0) throw nothing(positionals)
    if (options.skipFiles > parts.length) {
      throw new UsageError(
        `--skip-files=${options.skipFiles} leaves out more than the ${plural(parts.length, 'file')} that there are`,
      )
    }
    if (options.dryRun) return await publish(context, { parts, range, report, target: NOWHERE })
    const target = await publishTarget(context)
    const connection = await producerOptions(options, [])
    if (!options.yes && !(await agrees(context, parts, target, report))) return ExitCode.failed
    return await publishTo(context, { parts, range, report }, target.to, connection)
  } catch (error) {
    if (signal.aborted && error === signal.reason)
      throw new NsqError('E_STOPPED', 'stopped before anything was published')
    throw error
  } finally {
    finder.close()
  }
}

function rangeOf({ since, until }: Context<ReplayOptions>['options']): Range {
  if (since === undefined && until === undefined) return ALWAYS
  return { since: since ?? ALWAYS.since, until: until ?? ALWAYS.until }
}

function nothing(names: readonly string[]): NsqError {
  return new NsqError('E_REPLAY', `there is nothing to replay in ${names.slice(0, 3).join(', ')}`, {
    remedy:
      'Name what archive has written: files, folders or s3://BUCKET/PREFIX; see --since and --until, too.',
  })
}

/** Asks, where consumers would get the messages. */
async function agrees(
  context: Context<ReplayOptions>,
  parts: readonly Part[],
  target: Target,
  report: FileReport,
): Promise<boolean> {
  const { options, stderr } = context
  const rest = parts.slice(options.skipFiles)
  const topics = topicsOf(rest)
  const found = target.found ?? (await clusterBehind(context, target.to))
  const lines = await audience(found?.cluster, topics)
  if (lines.length === 0) return true
  if (found?.assumed !== undefined) report.note(`no address was given, so this is for ${found.assumed}`)
  for (const line of lines) stderr.line(`  ${oneLine(line)}`)
  checkConsent(context, false)
  const where = topics?.length === 1 ? ` to ${topics[0]}` : ''
  if (await confirm(context, `Publish ${contents(rest, options)}${where}?`)) return true
  report.note('nothing was published')
  return false
}

/** Undefined when only the messages know. */
function topicsOf(parts: readonly Part[]): string[] | undefined {
  const topics = parts.map(({ topic, listed }) => topic ?? listed?.topic)
  const known = topics.filter(topic => topic !== undefined)
  return known.length < topics.length ? undefined : [...new Set(known)].sort()
}

function contents(parts: readonly Part[], { skip }: Context<ReplayOptions>['options']): string {
  const files = plural(parts.length, 'file')
  const counts = parts.map(({ listed, isTimed }) => (isTimed ? undefined : listed?.messages))
  const known = counts.filter(count => count !== undefined)
  if (known.length < counts.length || skip > 0) return `what is in ${files}`
  return `${plural(
    known.reduce((sum, count) => sum + count, 0),
    'message',
  )} of ${files}`
}

interface Work {
  readonly parts: readonly Part[]
  readonly range: Range
  readonly report: FileReport
}

async function publishTo(
  context: Context<ReplayOptions>,
  work: Work,
  to: Sources,
  connection: ConnectionOptions,
): Promise<number> {
  const { options, program, stderr, signal } = context
  const complaints = new Complaints(text => stderr.line(`${program}: ${oneLine(text)}`), signal)
  const producer = new Producer({
    ...connection,
    nsqd: to.nsqd,
    lookupd: to.lookupd,
    maxMessageBytes: options.maxMsgSize,
    maxPendingBytes: MAX_PENDING_BYTES,
    onError: complaints.add,
  })
  try {
    await withSources(to, Promise.race([producer.connect(), aborted(signal)]))
    complaints.begin()
    return await publish(context, { ...work, target: producer })
  } finally {
    await producer.close()
  }
}

async function publish(
  context: Context<ReplayOptions>,
  { parts, range, report, target }: Work & { target: PublishTarget },
): Promise<number> {
  const { options, stderr, signal } = context
  const publisher = new Publisher(target, 0)
  const pump = new FilePump({
    parts,
    start: { file: options.skipFiles, message: options.skip },
    range,
    maxMessageBytes: options.maxMsgSize,
    publisher,
    pacer: new Pacer(options.dryRun ? 0 : options.rate),
    signal,
    done: (part, messages) => report.file(part, messages),
    damaged: ({ location }, text) => report.damaged(location, text),
  })
  const startedAt = performance.now()
  const files = parts.length - options.skipFiles
  const line = await showStatusLine(stderr, `reading ${plural(files, 'file')}`, () => {
    const { messages, bytes } = publisher.acknowledged
    const rate = messages / ((performance.now() - startedAt) / 1000)
    const read = `${formatCount(pump.files)} of ${plural(files, 'file')}, ${formatBytes(pump.bytesRead)} read`
    return `${plural(messages, 'message')}, ${formatBytes(bytes)}, ${formatCount(rate)}/s; ${read}`
  })
  report.above = line.above
  try {
    await pump.run()
  } finally {
    await publisher.finish()
    line.hide()
    report.above = write => write()
  }
  const seconds = (performance.now() - startedAt) / 1000
  return report.end({ pump, publisher, parts, range, seconds })
}
