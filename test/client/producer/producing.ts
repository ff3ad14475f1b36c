import assert from 'node:assert/strict'
import { Producer, type ProducerOptions } from '../../../src/index.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { FakeNsqd } from '../fake-nsqd.ts'

/** For tests in which connections come and go. */
const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20 }

/** Fake nsqds and producers that go at the end of a test, and what the producers told `onError`. */
export class Producing {
  readonly errors: NsqError[] = []
  readonly #closers: (() => Promise<void>)[] = []

  async nsqd(path?: string): Promise<FakeNsqd> {
    return this.closing(await FakeNsqd.start(path))
  }

  /** As many as asked for. */
  nsqds(count: number): Promise<FakeNsqd[]> {
    return Promise.all(Array.from({ length: count }, () => this.nsqd()))
  }

  producer<T>(options: ProducerOptions<T>): Producer<T> {
    return this.closing(new Producer({ ...QUICK, onError: this.onError, ...options }))
  }

  closing<C extends { close(timeoutMs: number): Promise<void> }>(closeable: C): C {
    this.#closers.push(() => closeable.close(0))
    return closeable
  }

  readonly onError = (error: NsqError): void => {
    this.errors.push(error)
  }

  get codes(): string[] {
    return this.errors.map(({ code }) => code)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    this.errors.length = 0
  }
}

/** The error a promise rejects with, which must be an NsqError. */
export async function failure(promise: Promise<unknown>): Promise<NsqError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof NsqError, `rejected with ${String(error)}`)
  return error
}
