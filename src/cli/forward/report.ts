import type { Message } from '../../client/consumer/message.ts'
import type { NsqError } from '../../util/errors.ts'
import type { Logger } from '../../util/logger.ts'
import { Complaints } from '../complaints.ts'
import type { Context } from '../command.ts'
import type { ForwardOptions } from '../commands/forward.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { AnswerCounts, AnswerEvents } from './answers.ts'
import type { DispatchEvents, Sender } from './dispatcher.ts'
import type { Numbers } from './statistics.ts'

/** The same is not said again within this time. */
const PAUSE_MS = 1000

/** Says how forwarding goes: to the log, and in JSON on stdout. */
export class Report implements AnswerEvents, DispatchEvents {
  readonly #context: Context<ForwardOptions>
  readonly #log: Logger
  readonly #complaints: Complaints
  readonly #startedAt = performance.now()
  /** When each endpoint was last reported on, and when each of its failures was. */
  readonly #saidAt = new Map<string, number>()
  /** Messages of failures that were not told of. */
  readonly #untold = new Map<string, number>()

  /** @param ending - once it is aborted, nobody needs to know of connections that go */
  constructor(context: Context<ForwardOptions>, log: Logger, ending: AbortSignal) {
    this.#context = context
    this.#log = log
    this.#complaints = new Complaints(text => log.warn(text), ending)
  }

  /** From now on what consumers say is told: until then, a failure ends the command. */
  begin(): void {
    this.#complaints.begin()
  }

  /** For the consumers' and the producer's `onError`. */
  readonly clientFailed = (error: NsqError): void => this.#complaints.add(error)

  deadLetterFailed(error: NsqError): void {
    this.#complaints.add(error)
  }

  dropped(message: Message, why: string): void {
    if (!this.#isTime('dropped')) return
    this.#log.error(
      `message ${message.id} of ${message.topic} is dropped after ${plural(message.attempts, 'attempt')}: ${why} ` +
        '(--dead-letter-topic keeps such messages)',
    )
  }

  failed({ target }: Sender, how: string, why: string, messages: number): void {
    const key = `${target.name} ${how}`
    const all = (this.#untold.get(key) ?? 0) + messages
    this.#untold.set(key, all)
    if (!this.#isTime(key)) return
    this.#untold.delete(key)
    this.#log.warn(`${target.name}: ${why}; ${plural(all, 'message')} not sent`)
  }

  requested(endpoint: Sender): void {
    const { statusEvery, json } = this.#context.options
    const { statistics, target } = endpoint
    if (statusEvery === 0 || statistics.recent < statusEvery || !this.#isTime(target.name)) return
    const numbers = statistics.takeRecent()
    if (json) this.#json({ kind: 'status', ...numbersJson(endpoint, numbers) })
    else this.#log.info(`${target.name}: ${describeNumbers(numbers)}`)
  }

  /** At the end. */
  summary(endpoints: readonly Sender[], counts: AnswerCounts, ok: boolean): void {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const { sent, skipped, requeued, deadLettered, dropped, unfinished } = counts
    if (this.#context.options.json) {
      this.#json({
        kind: 'summary',
        seconds: round(seconds),
        messages: sent,
        skipped,
        requeued,
        dead_lettered: deadLettered,
        dropped,
        unfinished,
        endpoints: endpoints.map(endpoint => numbersJson(endpoint, endpoint.statistics.total)),
        ok,
      })
      return
    }
    for (const { target, statistics } of endpoints) {
      this.#log.info(`${target.name}: ${describeNumbers(statistics.total)}`)
    }
    const others = [
      ['left out by --sample', skipped],
      ['sent back to nsqd', requeued],
      ['in the dead-letter topic', deadLettered],
      ['dropped', dropped],
      ['that nsqd may deliver again, as they were finished too late', unfinished],
    ] as const
    const rest = others.flatMap(([what, count]) => (count === 0 ? [] : [`${formatCount(count)} ${what}`]))
    const rate = formatCount(sent / Math.max(seconds, 0.001))
    this.#log.info(
      [
        `${plural(sent, 'message')} forwarded in ${seconds.toFixed(seconds < 10 ? 1 : 0)} s, ${rate}/s`,
        ...rest,
      ].join('; '),
    )
  }

  #json(value: object): void {
    this.#context.stdout.line(JSON.stringify(value))
  }

  #isTime(key: string): boolean {
    const now = performance.now()
    if (now - (this.#saidAt.get(key) ?? Number.NEGATIVE_INFINITY) < PAUSE_MS) return false
    this.#saidAt.set(key, now)
    return true
  }
}

function describeNumbers({ requests, messages, bytes, failures, p50, p95, p99 }: Numbers): string {
  const bad = [...failures].map(([how, count]) => `${formatCount(count)} × ${how}`)
  return [
    `${plural(requests, 'request')}, ${plural(messages, 'message')} sent (${formatBytes(bytes)})`,
    ...(messages === 0 ? [] : [`p50 ${inMs(p50)}, p95 ${inMs(p95)}, p99 ${inMs(p99)}`]),
    ...(bad.length === 0 ? [] : [`failed: ${bad.join(', ')}`]),
  ].join('; ')
}

function inMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : formatCount(ms)} ms`
}

function numbersJson({ target }: Sender, numbers: Numbers): object {
  const { requests, messages, bytes, failures, p50, p95, p99 } = numbers
  return {
    endpoint: target.name,
    method: target.method,
    requests,
    messages,
    bytes,
    failures: Object.fromEntries(failures),
    latency_ms: messages === 0 ? null : { p50: round(p50), p95: round(p95), p99: round(p99) },
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
