import type { Message } from '../../client/consumer/message.ts'
import { pick } from '../../client/option-names.ts'
import { CONNECTION_OPTIONS, LARGEST_BYTES } from '../../client/options.ts'
import { Producer } from '../../client/producer/producer.ts'
import { Logger, LogLevel, parseLevel } from '../../util/logger.ts'
import { type Sources, sources } from '../addresses.ts'
import { Pace } from '../archive/progress.ts'
import { consumerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { ForwardOptions } from '../commands/forward.ts'
import { withContextNamed } from '../context/named-context.ts'
import { aborted } from '../daemon.ts'
import { ExitCode } from '../errors.ts'
import { HostPool } from '../relay/host-pool.ts'
import { TopicConsumers } from '../relay/topic-consumers.ts'
import { showStatusLine, type StatusLine } from '../status-line.ts'
import { formatCount, plural } from '../units.ts'
import { Answers } from './answers.ts'
import { encodeBatch, fits } from './batch-format.ts'
import { Dispatcher } from './dispatcher.ts'
import { Endpoint } from './endpoint.ts'
import { Gatherer } from './gatherer.ts'
import { Report } from './report.ts'
import { forwardSettings, type ForwardSettings } from './settings.ts'

type ClientSettings = Awaited<ReturnType<typeof consumerOptions>>

/** As go-nsq has it. */
const MAX_ATTEMPTS = 5
/** What failed comes again soon: the consumer slows down as well, so that the minutes of go-nsq are not needed. */
const AGAIN_MS = 1000
const LONGEST_AGAIN_MS = 60_000

export async function runForward(context: Context<ForwardOptions>): Promise<number> {
  const settings = forwardSettings(context)
  const client = await consumerOptions(context.options, context.options.consumerOpt)
  return new Run(context, settings, client).run()
}

class Run {
  readonly #context: Context<ForwardOptions>
  readonly #settings: ForwardSettings
  readonly #from: Sources
  readonly #log: Logger
  readonly #report: Report
  readonly #endpoints: readonly Endpoint[]
  readonly #producer: Producer | undefined
  readonly #answers: Answers
  readonly #dispatcher: Dispatcher
  readonly #gatherers: readonly Gatherer[]
  readonly #consumers: TopicConsumers
  #statusLine: StatusLine | undefined

  constructor(context: Context<ForwardOptions>, settings: ForwardSettings, client: ClientSettings) {
    const { options, program, stderr, signal } = context
    this.#context = context
    this.#settings = settings
    this.#from = sources(options)
    this.#log = new Logger({
      prefix: `[${program.replace('nsq-ts ', '')}] `,
      level: parseLevel(options.logLevel) ?? LogLevel.info,
      write: line => {
        const write = (): void => void stderr.write(line)
        if (this.#statusLine === undefined) write()
        else this.#statusLine.above(write)
      },
    })
    this.#report = new Report(context, this.#log, signal)
    this.#endpoints = settings.targets.map(
      target =>
        new Endpoint({
          target,
          connectTimeoutMs: Math.round(options.httpClientConnectTimeout),
          requestTimeoutMs: Math.round(options.httpClientRequestTimeout),
          connections: options.n,
        }),
    )
    this.#producer = this.#createProducer(client)
    this.#answers = this.#createAnswers(client)
    this.#dispatcher = this.#createDispatcher()
    this.#gatherers = settings.topics.map(topic => this.#createGatherer(topic))
    this.#consumers = this.#createConsumers(client)
  }

  async run(): Promise<number> {
    const { signal } = this.#context
    try {
      await this.#consumers.start(signal)
      this.#report.begin()
      await this.#announce()
      await aborted(signal)
    } finally {
      await this.#close()
    }
    const counts = this.#answers.counts
    const ok = counts.dropped === 0
    this.#report.summary(this.#endpoints, counts, ok)
    return ok ? ExitCode.done : ExitCode.failed
  }

  /** Tells a person what goes where, and then how fast. */
  async #announce(): Promise<void> {
    const { program, signal, stderr, namedContext } = this.#context
    const { topics, channel, targets } = this.#settings
    for (const text of await this.#consumers.complaints(signal)) this.#log.warn(text)
    if (!stderr.isTerminal) return
    const nsqds = this.#consumers.connections
    const where = `${nsqds.length === 0 ? '' : ` of ${nsqds.join(', ')}`}${withContextNamed(namedContext)}`
    const target = targets.map(({ name }) => name).join(', ')
    stderr.line(`${program}: ${topics.join(', ')} on channel ${channel}${where}, to ${target}. Ctrl-C stops.`)
    const pace = new Pace()
    this.#statusLine = await showStatusLine(stderr, 'waiting for messages', () => {
      const { sent, requeued } = this.#answers.counts
      if (sent + requeued === 0) return undefined
      const back = requeued === 0 ? '' : `, ${formatCount(requeued)} sent back`
      return `${plural(sent, 'message')}, ${formatCount(pace.at(performance.now(), sent))}/s${back}`
    })
  }

  /** Takes nothing more, sends what is in hand as far as that works, and gives back the rest. */
  async #close(): Promise<void> {
    const closed = this.#consumers.close()
    for (const gatherer of this.#gatherers) gatherer.end()
    await this.#dispatcher.close()
    await closed
    await this.#producer?.close()
    for (const endpoint of this.#endpoints) endpoint.close()
    this.#statusLine?.hide()
    this.#statusLine = undefined
  }

  #createProducer(client: ClientSettings): Producer | undefined {
    if (this.#context.options.deadLetterTopic === undefined) return undefined
    return new Producer({
      ...pick(client, CONNECTION_OPTIONS),
      nsqd: this.#from.nsqd,
      lookupd: this.#from.lookupd,
      // It came out of one of these nsqds: their limit is not known, but it is within that.
      maxMessageBytes: LARGEST_BYTES,
      onError: this.#report.clientFailed,
    })
  }

  #createAnswers(client: ClientSettings): Answers {
    const producer = this.#producer
    const { deadLetterTopic: topic } = this.#context.options
    return new Answers({
      deadLetter:
        producer === undefined || topic === undefined ? undefined : body => producer.publish(topic, body),
      maxAttempts: client.maxAttempts ?? MAX_ATTEMPTS,
      againMs: client.requeueDelayMs ?? AGAIN_MS,
      longestAgainMs: client.maxRequeueDelayMs ?? LONGEST_AGAIN_MS,
      events: this.#report,
    })
  }

  #createDispatcher(): Dispatcher {
    const { mode, n } = this.#context.options
    const { format } = this.#settings
    return new Dispatcher({
      pool: new HostPool(this.#endpoints, mode),
      concurrency: n,
      answers: this.#answers,
      // Without a format there is one message.
      encode: messages =>
        format === undefined ? (messages[0]?.body ?? Buffer.alloc(0)) : encodeBatch(format, messages),
      misfit: ({ body }) =>
        format === undefined || fits(format, body)
          ? undefined
          : `its body is not JSON, which --batch-format=${format} needs`,
      events: this.#report,
    })
  }

  #createGatherer(topic: string): Gatherer {
    const { batch, batchBytes, batchWait } = this.#context.options
    return new Gatherer({
      topic,
      messages: batch,
      bytes: batchBytes,
      waitMs: Math.round(batchWait),
      taker: this.#dispatcher,
      isStarved: () => this.#consumers.isStarved(topic),
    })
  }

  #createConsumers({ maxInFlight = this.#settings.maxInFlight, ...client }: ClientSettings): TopicConsumers {
    const { sample, batch } = this.#context.options
    const { topics, channel } = this.#settings
    if (maxInFlight < batch) {
      this.#log.warn(`batches have ${plural(maxInFlight, 'message')} at most: --max-in-flight allows no more`)
    }
    const gatherers = new Map(this.#gatherers.map(gatherer => [gatherer.topic, gatherer]))
    return new TopicConsumers({
      topics,
      channel,
      from: this.#from,
      consumer: {
        ...client,
        maxInFlight,
        // What becomes of a message is decided by what the endpoints say of it.
        maxAttempts: 0,
        onError: this.#report.clientFailed,
      },
      taker: topic => {
        const gatherer = gatherers.get(topic)
        return (message: Message) => {
          if (sample < 1 && Math.random() >= sample) this.#answers.skip(message)
          else gatherer?.add(message)
        }
      },
    })
  }
}
