import { createReadStream, fstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { Producer } from '../../client/producer/producer.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { sources, withSources } from '../addresses.ts'
import { producerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import { MAX_DEFER_MS, type PubOptions } from '../commands/pub.ts'
import { Complaints } from '../complaints.ts'
import { withContextNamed } from '../context/named-context.ts'
import { aborted } from '../daemon.ts'
import { ExitCode, UsageError } from '../errors.ts'
import { unescapeBytes } from '../escape.ts'
import { checkTopic } from '../names.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import {
  DelimitedFraming,
  type Framing,
  LengthFraming,
  UnescapedFraming,
  WholeFraming,
} from '../../archive/framing.ts'
import { Pacer } from './pacer.ts'
import { showProgress } from './progress.ts'
import { Publisher } from './publisher.ts'
import { Pump } from './pump.ts'

const NEWLINE = Buffer.from('\n')
/** Enough to keep nsqd busy over any network, and little enough to forget. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024
const READ_BYTES = 512 * 1024
/** Short lines make large batches: to nsqd each costs about as much as a hundred messages. */
const MAX_BATCH_MESSAGES = 1000

/** The official to_nsq publishes to every nsqd that it is given. */
const OFFICIAL_NAME = 'to_nsq'

/**
 * Reads a file in larger pieces than Node does: each is a trip to another thread and back.
 *
 * @throws NsqError `E_INPUT` for a folder, which Node would take for input that has ended
 */
function openInput(stdin: Readable): Readable {
  if (!('fd' in stdin) || typeof stdin.fd !== 'number') return stdin
  const stats = fstatSync(stdin.fd)
  if (stats.isDirectory()) {
    throw new NsqError('E_INPUT', 'standard input is a folder', { remedy: 'Give it a file: < FILE' })
  }
  if (!stats.isFile()) return stdin
  return createReadStream('', { fd: stdin.fd, autoClose: false, highWaterMark: READ_BYTES })
}

export async function runPub(context: Context<PubOptions>): Promise<number> {
  const { options, program, stdin, stderr, signal } = context
  const input = openInput(stdin)
  const topic = chooseTopic(context)
  const framing = newFraming(options)
  const from = sources(options)
  const to = options.to ?? (program === OFFICIAL_NAME ? 'all' : 'any')
  const complaints = new Complaints(text => stderr.line(`${program}: ${text}`), signal)
  const producer = new Producer({
    ...(await producerOptions(options, options.producerOpt)),
    nsqd: from.nsqd,
    lookupd: from.lookupd,
    strategy: to === 'all' ? 'all' : 'failover',
    maxMessageBytes: options.maxMsgSize,
    maxDeferMs: MAX_DEFER_MS,
    maxBatchMessages: MAX_BATCH_MESSAGES,
    maxPendingBytes: MAX_PENDING_BYTES,
    onError: complaints.add,
  })
  const publisher = new Publisher(producer, Math.round(options.defer))
  const pump = new Pump({
    input,
    framing,
    unit: options.input === 'lines' || options.input === 'jsonl' ? 'line' : 'message',
    topic,
    isJsonl: options.input === 'jsonl',
    publisher,
    pacer: new Pacer(options.rate),
    signal,
  })

  try {
    // Also when there turns out to be nothing to publish: an nsqd that is down is never a success.
    await withSources(from, Promise.race([producer.connect(), aborted(signal)]))
  } catch (error) {
    await producer.close(0)
    throw error
  }
  complaints.begin()
  const target = topic ?? 'the topics of the records'
  if (stdin.isTTY && stderr.isTerminal)
    stderr.line(
      `Publishing to ${target}${withContextNamed(context.namedContext)}. End the input with Ctrl-D.`,
    )
  const progress = stdin.isTTY ? undefined : await showProgress(publisher, target, stderr)
  const startedAt = performance.now()
  try {
    await pump.run()
  } finally {
    await publisher.finish()
    const seconds = (performance.now() - startedAt) / 1000
    progress?.hide()
    await producer.close()
    summarize(context, { publisher, missed: producer.missed, target, empty: pump.empty, seconds })
  }
  const isComplete = publisher.error === undefined && producer.missed.size === 0
  return isComplete ? ExitCode.done : ExitCode.failed
}

function chooseTopic({ options, positionals: [positional] }: Context<PubOptions>): string | undefined {
  if (positional !== undefined && options.topic !== undefined && positional !== options.topic) {
    throw new UsageError(`two topics: "${positional}" and --topic=${options.topic}`)
  }
  const topic = positional ?? options.topic
  if (topic === undefined && options.input !== 'jsonl') {
    throw new UsageError('--topic is missing', 'Say where to publish: --topic=NAME.')
  }
  if (topic !== undefined) checkTopic(topic)
  return topic
}

function newFraming({ input, delimiter, unescape, maxMsgSize }: Context<PubOptions>['options']): Framing {
  if (unescape && input !== 'lines') {
    throw new UsageError(`--unescape is for --input=lines, not ${input}`, 'Leave one of them out.')
  }
  if (input === 'length') return new LengthFraming(maxMsgSize)
  if (input === 'whole') return new WholeFraming(maxMsgSize)
  // A record is longer than its body: base64 takes a third more, an escaped control character six bytes.
  if (input === 'jsonl') return new DelimitedFraming(NEWLINE, maxMsgSize * 6 + 4096, true)
  const bytes = parseDelimiter(delimiter)
  return unescape ? new UnescapedFraming(bytes, maxMsgSize) : new DelimitedFraming(bytes, maxMsgSize)
}

function parseDelimiter(text: string): Buffer {
  try {
    const bytes = unescapeBytes(text)
    if (bytes.length > 0) return bytes
  } catch (error) {
    throw new UsageError(`--delimiter: ${errorText(error)}`)
  }
  throw new UsageError('--delimiter is empty', 'For all of the input as one message use --input=whole.')
}

interface Outcome {
  publisher: Publisher
  missed: ReadonlyMap<string, number>
  target: string
  empty: number
  seconds: number
}

function summarize(context: Context<PubOptions>, outcome: Outcome): void {
  const { publisher, missed, target, empty, seconds } = outcome
  const { options, program, stdout, stderr } = context
  const { acknowledged, failed, error } = publisher
  if (options.json) {
    const unacknowledged = failed.messages
    const summary = { ...acknowledged, seconds, unacknowledged, empty, missed: Object.fromEntries(missed) }
    stdout.line(JSON.stringify(summary))
  }
  const say = (text: string): void => stderr.line(`${program}: ${text}`)
  const rate = acknowledged.messages / Math.max(seconds, 0.001)
  say(
    `${plural(acknowledged.messages, 'message')} (${formatBytes(acknowledged.bytes)}) to ${target} ` +
      `in ${seconds.toFixed(seconds < 10 ? 2 : 0)} s, ${formatCount(rate)}/s`,
  )
  if (empty > 0) {
    const what = options.input === 'lines' ? 'line' : 'message'
    say(`${plural(empty, `empty ${what}`)} left out: NSQ has no empty messages`)
  }
  for (const [nsqd, count] of missed) {
    say(`nsqd ${nsqd} has missed ${plural(count, 'message')}, which others have acknowledged`)
  }
  if (error === undefined) return
  say(`${plural(failed.messages, 'message')} not acknowledged: ${errorText(error)}`)
  say('reading stopped there; what was not acknowledged may have arrived all the same')
  if (error instanceof NsqError && error.remedy !== undefined) stderr.line(`  ${error.remedy}`)
}
