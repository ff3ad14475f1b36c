import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Numbers of one endpoint, over the whole run or since the last report. */
export interface Numbers {
  readonly requests: number
  /** Messages that were answered 2xx. */
  readonly messages: number
  /** Bytes of the bodies and addresses that were. */
  readonly bytes: number
  /** Requests that were answered otherwise, by status, or not at all: `connect`, `timeout`, `cut`. */
  readonly failures: ReadonlyMap<string, number>
  /** How long requests took that were answered 2xx, in milliseconds; 0 when there was none. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

const PERCENTILES = [50, 95, 99] as const

/** Counts what becomes of the requests to an endpoint. */
export class EndpointStatistics {
  readonly #total = new Counters()
  readonly #recent = new Counters()
  /** Requests since the last report. */
  get recent(): number {
    return this.#recent.requests
  }

  get total(): Numbers {
    // What is in the other has not been added yet.
    const sum = new Counters()
    sum.add(this.#total)
    sum.add(this.#recent)
    return sum.numbers
  }

  succeeded(messages: number, bytes: number, ms: number): void {
    const recent = this.#recent
    recent.requests++
    recent.messages += messages
    recent.bytes += bytes
    recent.times.record(Math.max(1, Math.round(ms * 1000)))
  }

  /** @param how - the status, or the kind of failure */
  failed(how: string): void {
    this.#recent.requests++
    this.#recent.fail(how, 1)
  }

  /** What has come since this was last called. */
  takeRecent(): Numbers {
    const { numbers } = this.#recent
    this.#total.add(this.#recent)
    this.#recent.reset()
    return numbers
  }
}

class Counters {
  requests = 0
  messages = 0
  bytes = 0
  /** In microseconds. */
  readonly times: RecordableHistogram = createHistogram()
  readonly #failures = new Map<string, number>()

  get numbers(): Numbers {
    const { requests, messages, bytes, times } = this
    const [p50, p95, p99] = PERCENTILES.map(percentile =>
      times.count === 0 ? 0 : times.percentile(percentile) / 1000,
    )
    return {
      requests,
      messages,
      bytes,
      failures: new Map(this.#failures),
      p50: p50 ?? 0,
      p95: p95 ?? 0,
      p99: p99 ?? 0,
    }
  }

  fail(how: string, count: number): void {
    this.#failures.set(how, (this.#failures.get(how) ?? 0) + count)
  }

  add(other: Counters): void {
    this.requests += other.requests
    this.messages += other.messages
    this.bytes += other.bytes
    this.times.add(other.times)
    for (const [how, count] of other.#failures) this.fail(how, count)
  }

  reset(): void {
    this.requests = 0
    this.messages = 0
    this.bytes = 0
    this.times.reset()
    this.#failures.clear()
  }
}
