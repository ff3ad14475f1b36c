import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '../../client/consumer/consumer.ts'
import { sources, withSources } from '../addresses.ts'
import { consumerOptions } from '../client-options.ts'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { TailOptions } from '../commands/tail.ts'
import { Complaints } from '../complaints.ts'
import { withContextNamed } from '../context/named-context.ts'
import { aborted } from '../daemon.ts'
import { UsageError } from '../errors.ts'
import { firstConnections } from '../first-connections.ts'
import { checkChannel, checkTopic } from '../names.ts'
import { type Format, jsonFormat, templateFormat, textFormat } from './format.ts'
import { Printer } from './printer.ts'

/** Somebody watches: a topic that comes into being should show up soon. */
const LOOKUP_POLL_MS = 5000

export async function runTail(context: Context<TailOptions>): Promise<void> {
  const { options, stdout, signal } = context
  const topics = chooseTopics(context)
  const channel = options.channel ?? ephemeralChannel()
  checkChannel(channel)
  const from = sources(options)
  const limit = options.n === 0 ? Number.POSITIVE_INFINITY : options.n
  const printer = new Printer({
    format: await chooseFormat(context),
    write: bytes => stdout.write(bytes),
    limit,
  })
  const complaints = new Complaints(text => context.stderr.line(`${context.program}: ${text}`), signal)
  const { maxInFlight = options.maxInFlight, ...settings } = await consumerOptions(
    options,
    options.consumerOpt,
  )
  const consumers = topics.map(
    topic =>
      new Consumer({
        lookupPollIntervalMs: LOOKUP_POLL_MS,
        // A command that only watches does not decide that a message comes to nothing, unless it is told so.
        maxAttempts: 0,
        ...settings,
        topic,
        channel,
        nsqd: from.nsqd,
        lookupd: from.lookupd,
        // What is beyond the limit would only be taken from others and given back.
        maxInFlight: Math.min(maxInFlight, limit),
        onMessage: message => printer.print(message),
        onError: complaints.add,
      }),
  )
  const done = new AbortController()
  try {
    const started = Promise.all(consumers.map(consumer => consumer.start()))
    await withSources(from, Promise.race([started, aborted(signal)]))
    complaints.begin()
    if (context.stderr.isTerminal) {
      const connected = firstConnections(() => consumers.map(({ connections }) => connections))
      await Promise.race([connected, printer.done, aborted(signal)])
      announce(context, { topics, channel, consumers })
    }
    await Promise.race([printer.done, aborted(signal), idle(printer, options.idleTimeout, done.signal)])
  } finally {
    done.abort()
    // What is in hand is written and finished first; the consumers wait for that.
    await Promise.all(consumers.map(consumer => consumer.close()))
    await printer.flushed()
  }
}

function chooseTopics({ options, positionals }: Context<TailOptions>): string[] {
  const named = positionals.flatMap(text => text.split(','))
  const topics = [...new Set([...options.topic, ...named])]
  if (topics.length === 0) throw new UsageError('--topic is missing', 'Say what to print: --topic=NAME.')
  topics.forEach(checkTopic)
  return topics
}

/** As nsq_tail names it. */
function ephemeralChannel(): string {
  return `tail${String(randomInt(1_000_000)).padStart(6, '0')}#ephemeral`
}

async function chooseFormat({ options, stdout }: Context<TailOptions>): Promise<Format> {
  const forTerminal = stdout.isTerminal
  if (options.json) {
    if (options.format !== undefined) throw new UsageError('--json and --format exclude each other')
    return jsonFormat
  }
  if (options.format !== undefined) return templateFormat(options.format, forTerminal)
  const { printTopic, timestamps } = options
  return textFormat({ printTopic, timestamps, forTerminal, painter: await loadPainter(stdout.colour) })
}

interface Subscriptions {
  topics: readonly string[]
  channel: string
  consumers: readonly Consumer[]
}

/** Tells a person what is being waited for. */
function announce(
  { stderr, namedContext }: Context<TailOptions>,
  { topics, channel, consumers }: Subscriptions,
): void {
  const nsqds = [...new Set(consumers.flatMap(consumer => consumer.connections))]
  const where = nsqds.length === 0 ? '' : ` of ${nsqds.join(', ')}`
  const source = `${where}${withContextNamed(namedContext)}`
  stderr.line(`Tailing ${topics.join(', ')} on channel ${channel}${source}. Ctrl-C stops.`)
  topics.forEach((topic, index) => {
    if (consumers[index]?.connections.length === 0)
      stderr.line(`No nsqd has the topic ${topic} yet: waiting for one.`)
  })
}

/** Resolves when nothing was printed for so long; never when that is 0. */
async function idle(printer: Printer, timeoutMs: number, signal: AbortSignal): Promise<void> {
  if (timeoutMs === 0) return new Promise(() => {})
  const startedAt = performance.now()
  for (let left = timeoutMs; left > 0 && !signal.aborted;) {
    await sleep(left, undefined, { signal }).catch(() => {})
    left = Math.max(printer.lastAt, startedAt) + timeoutMs - performance.now()
  }
}
