import type { NsqError } from '../../src/util/errors.ts'
import { FakeNsqd } from './fake-nsqd.ts'

/** For tests in which connections come and go. */
export const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20 }

/** Fake nsqds and clients that go at the end of a test, and what the clients told `onError`. */
export class Rig {
  readonly errors: NsqError[] = []
  readonly #closers: (() => Promise<void>)[] = []

  /** On a port of its own, or on a unix socket. */
  async nsqd(path?: string): Promise<FakeNsqd> {
    return this.closing(await FakeNsqd.start(path))
  }

  /** As many as asked for. */
  nsqds(count: number): Promise<FakeNsqd[]> {
    return Promise.all(Array.from({ length: count }, () => this.nsqd()))
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
