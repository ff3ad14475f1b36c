import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../../client/consumer/message.ts'
import { toNsqError } from '../../client/errors.ts'
import { type ConnectionOptions, lookupOptions, resolveConnectionOptions } from '../../client/options.ts'
import { Producer } from '../../client/producer/producer.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { type Sources, sources } from '../addresses.ts'
import { consumerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { MirrorOptions } from '../commands/mirror.ts'
import { Complaints } from '../complaints.ts'
import { aborted } from '../daemon.ts'
import { ExitCode } from '../errors.ts'
import { TopicConsumers } from '../relay/topic-consumers.ts'
import type { StatusLine } from '../status-line.ts'
import { plural } from '../units.ts'
import { hearStrayRejections, loadUserFunction } from '../user-module.ts'
import { type Destination, findDestination } from './destination.ts'
import { FailureLog } from './failure-log.ts'
import { refuseLoop, type Side, watchForLoop } from './loop.ts'
import { Outlet } from './outlet.ts'
import { showProgress } from './progress.ts'
import { Selection } from './selection.ts'
import { mirrorSettings, type MirrorSettings } from './settings.ts'
import { Status } from './status.ts'
import { isComplete, printSummary } from './summary.ts'
import { Tally } from './tally.ts'
import { TopicMirror } from './topic-mirror.ts'
import { withoutPassword } from '../../util/password.ts'

/** After an outage of the destination: so long after it has come back the consumers know. */
const LONGEST_BACKOFF_MS = 10_000
/** As nsqlookupd is asked, new nsqds are found. */
const LOOKUP_POLL_MS = 5000
/** As often as it takes: how long it may take is what bounds it. */
const ANY_ATTEMPTS = 1_000_000
/**
 * Of several destinations one that hangs keeps what it was sent, and so in the end all that may be in flight, until twice
 * this has passed.
 */
const HEARTBEAT_MS = 10_000
/** Without another word, nsqd's own. */
const MESSAGE_TIMEOUT_MS = 60_000
/** At the end: when so long nothing was acknowledged, what is left goes back. */
const PATIENCE_MS = 5000
const TICK_MS = 50
/** What the client takes; whether nsqd does, --max-msg-size says. */
const LARGEST_BYTES = 2 ** 31 - 1

export async function runMirror(context: Context<MirrorOptions>): Promise<number> {
  const { options, signal, cwd } = context
  const settings = mirrorSettings(context)
  const loading = Promise.all([
    consumerOptions(options, options.consumerOpt),
    findDestination(context),
    options.filter === undefined ? undefined : loadUserFunction('--filter', options.filter, cwd(), signal),
    options.map === undefined ? undefined : loadUserFunction('--map', options.map, cwd(), signal),
  ])
  const loaded = await Promise.race([loading, aborted(signal)])
  if (loaded === undefined) return ExitCode.done
  const [client, destination, filter, map] = loaded
  const { rules } = settings
  const hasFunctions = filter !== undefined || map !== undefined
  const selection = rules !== undefined || hasFunctions ? new Selection({ rules, filter, map }) : undefined
  const run = new Run(context, { settings, client, destination, selection })
  const hearNoMore = hasFunctions ? hearStrayRejections(run.strayed) : undefined
  try {
    return await run.run()
  } finally {
    hearNoMore?.()
  }
}

interface Parts {
  readonly settings: MirrorSettings
  readonly client: Awaited<ReturnType<typeof consumerOptions>>
  readonly destination: Destination
  readonly selection: Selection | undefined
}

class Run {
  readonly #context: Context<MirrorOptions>
  readonly #parts: Parts
  readonly #from: Sources
  readonly #tally = new Tally()
  readonly #complaints: Complaints
  readonly #failures: FailureLog
  readonly #producer: Producer
  /** For what is refused together with others: a command for each message. */
  #careful: Producer | undefined
  readonly #mirrors: readonly TopicMirror[]
  readonly #consumers: TopicConsumers
  #progress: StatusLine | undefined
  #lastAcknowledgedAt = 0
  #isEnding = false

  constructor(context: Context<MirrorOptions>, parts: Parts) {
    const { options, signal } = context
    const { settings, client, selection } = parts
    this.#context = context
    this.#parts = parts
    this.#from = sources(options)
    this.#complaints = new Complaints(this.#say, signal)
    this.#failures = new FailureLog(this.#say)
    this.#producer = this.#newProducer({})
    const status = new Status({
      every: settings.statusEvery,
      tally: this.#tally,
      acknowledgedBy: () => this.#producer.acknowledgedBy,
      say: this.#say,
    })
    const mirrors = new Map(
      Array.from(settings.routes, ([topic, destinationTopic]) => {
        const outlet = new Outlet({
          topic: destinationTopic,
          target: this.#producer,
          oneByOne: () => (this.#careful ??= this.#newProducer({ maxBatchMessages: 1 })),
          maxBytes: options.maxMsgSize,
          tally: this.#tally,
          failed: (message, error) => this.#failures.add(message, error),
          refused: this.#complaints.add,
          acknowledged: () => {
            this.#lastAcknowledgedAt = performance.now()
            status.advanced()
          },
          isEnding: () => this.#isEnding,
        })
        const limitMs = client.messageTimeoutMs ?? MESSAGE_TIMEOUT_MS
        return [topic, new TopicMirror({ outlet, selection, tally: this.#tally, limitMs })]
      }),
    )
    this.#mirrors = [...mirrors.values()]
    const { maxInFlight = settings.maxInFlight, ...others } = client
    this.#consumers = new TopicConsumers({
      topics: [...mirrors.keys()],
      channel: settings.channel,
      from: this.#from,
      consumer: {
        lookupPollIntervalMs: LOOKUP_POLL_MS,
        maxBackoffMs: LONGEST_BACKOFF_MS,
        // Unless it is told so, a mirror does not decide that a message comes to nothing.
        maxAttempts: 0,
        ...others,
        maxInFlight,
        onError: error => this.#consumerFailed(error),
      },
      taker: topic => {
        const mirror = mirrors.get(topic)
        return (message: Message) => mirror?.take(message)
      },
    })
  }

  async run(): Promise<number> {
    const { signal } = this.#context
    const startedAt = performance.now()
    try {
      await this.#begin()
      await this.#watchForLoop(signal)
    } catch (error) {
      await this.#end()
      throw error
    }
    await this.#end()
    this.#progress?.hide()
    this.#progress = undefined
    this.#failures.tellRest()
    printSummary(this.#context, {
      tally: this.#tally,
      topics: [...this.#parts.settings.routes.keys()],
      acknowledgedBy: this.#producer.acknowledgedBy,
      seconds: (performance.now() - startedAt) / 1000,
    })
    return isComplete(this.#tally) ? ExitCode.done : ExitCode.failed
  }

  async #begin(): Promise<void> {
    const { signal, stderr } = this.#context
    // Nothing is taken as long as it cannot be published.
    await Promise.race([Promise.all([this.#refuseLoop(), this.#connect()]), aborted(signal)])
    if (signal.aborted) return
    await this.#consumers.start(signal)
    this.#complaints.begin()
    if (signal.aborted) return
    this.#progress = await showProgress(this.#tally, () => this.#consumers.inFlight, stderr)
    void this.#announce()
  }

  async #connect(): Promise<void> {
    try {
      await this.#producer.connect()
    } catch (error) {
      throw ofDestination(toNsqError(error))
    }
  }

  /** The topics that go to where they could come from. */
  get #loopable(): string[] {
    return Array.from(this.#parts.settings.routes).flatMap(([topic, to]) => (topic === to ? [topic] : []))
  }

  #refuseLoop(): Promise<void> {
    const { client, destination } = this.#parts
    return refuseLoop(this.#loopable, sideOf(this.#from, client), sideOf(destination, destination.client))
  }

  #watchForLoop(signal: AbortSignal): Promise<void> {
    const { client, destination } = this.#parts
    const source = (): Side => sideOf({ nsqd: this.#consumers.connections, lookupd: [] }, client)
    const taken = (): Side => {
      const nsqd = [...new Set([...destination.nsqd, ...this.#producer.acknowledgedBy.keys()])]
      return sideOf({ nsqd, lookupd: [] }, destination.client)
    }
    return watchForLoop(this.#loopable, source, taken, signal)
  }

  async #announce(): Promise<void> {
    const { signal, stderr } = this.#context
    const complaints = await this.#consumers.complaints(signal)
    if (signal.aborted) return
    if (stderr.isTerminal) {
      const { settings, destination } = this.#parts
      const topics = [...settings.routes.keys()]
      const what = topics.length > 3 ? plural(topics.length, 'topic') : topics.join(', ')
      const { connections } = this.#consumers
      const where = connections.length === 0 ? '' : ` of ${connections.join(', ')}`
      const to = [
        ...destination.nsqd,
        ...destination.lookupd.map(address => `nsqlookupd ${withoutPassword(address)}`),
      ]
      this.#sayLine(
        `Mirroring ${what} on channel ${settings.channel}${where} to ${to.join(', ')}. Ctrl-C stops.`,
      )
    }
    for (const complaint of complaints) this.#sayLine(complaint)
  }

  #consumerFailed(error: NsqError): void {
    // It was published, and comes once more.
    if (error.code === 'E_FIN_FAILED') this.#tally.unfinished++
    if (error.code === 'E_MAX_ATTEMPTS') this.#tally.givenUp++
    this.#complaints.add(error)
  }

  /** Takes nothing more, waits for the destination as long as it takes anything, and gives the rest back. Never rejects. */
  async #end(): Promise<void> {
    this.#isEnding = true
    const closed = this.#consumers.close()
    this.#lastAcknowledgedAt = performance.now()
    let isClosed = false
    do isClosed = await isSoon(closed)
    while (!isClosed && performance.now() - this.#lastAcknowledgedAt < PATIENCE_MS)
    if (!isClosed) {
      for (const mirror of this.#mirrors) mirror.end()
      await Promise.all([this.#producer.close(0), this.#careful?.close(0)])
    }
    await closed
    // What is still on its way is of messages whose connection was lost, and that come again.
    await Promise.all([this.#producer.close(0), this.#careful?.close(0)])
  }

  #newProducer(limits: { maxBatchMessages?: number }): Producer {
    const { settings, destination } = this.#parts
    return new Producer({
      heartbeatIntervalMs: HEARTBEAT_MS,
      ...destination.client,
      ...limits,
      nsqd: destination.nsqd,
      lookupd: destination.lookupd,
      strategy: settings.strategy,
      maxMessageBytes: LARGEST_BYTES,
      maxConnectAttempts: ANY_ATTEMPTS,
      onError: error => this.#complaints.add(error),
    })
  }

  /** A promise of the user's functions has failed that no message depends on. */
  readonly strayed = (reason: unknown): void => {
    this.#complaints.add(
      new NsqError(
        'E_USER_CODE',
        `--filter or --map has a promise that nobody waits for: ${errorText(reason)}`,
      ),
    )
  }

  readonly #say = (text: string): void => this.#sayLine(`${this.#context.program}: ${text}`)

  #sayLine(text: string): void {
    const write = (): void => this.#context.stderr.line(text)
    if (this.#progress === undefined) write()
    else this.#progress.above(write)
  }
}

function sideOf({ nsqd, lookupd }: Pick<Side, 'nsqd' | 'lookupd'>, client: ConnectionOptions): Side {
  return { nsqd, lookupd, asking: lookupOptions(resolveConnectionOptions(client)) }
}

/** Whether it resolves before the next tick. */
function isSoon(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), sleep(TICK_MS, false)])
}

/** The flags that a remedy names for TLS and authorization are those of the other side. */
function ofDestination(error: NsqError): NsqError {
  const isSecurity = /^E_(TLS|AUTH|UNAUTHORIZED)/.test(error.code)
  const remedy = isSecurity
    ? 'Give the destination its own: --producer-opt with auth_secret, tls_root_ca_file and others, or --destination-context.'
    : error.remedy
  return new NsqError(error.code, `destination: ${error.message}`, {
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  })
}
