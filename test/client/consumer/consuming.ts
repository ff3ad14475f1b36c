import { Consumer, type ConsumerOptions } from '../../../src/index.ts'
import { formatId } from '../../../src/protocol/message-id.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { FakeNsqd } from '../fake-nsqd.ts'

export const TOPIC = { topic: 't', channel: 'c' }
/** For tests in which connections come and go. */
export const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20 }

/** Fake nsqds and consumers that go at the end of a test, and what the consumers told `onError`. */
export class Consuming {
  readonly errors: NsqError[] = []
  readonly #closers: (() => Promise<void>)[] = []

  async nsqd(): Promise<FakeNsqd> {
    const fake = await FakeNsqd.start()
    this.#closers.push(() => fake.close())
    return fake
  }

  /** A consumer of raw messages. Backoff and delays are off unless asked for. */
  consumer(options: Partial<ConsumerOptions>): Consumer {
    return this.closing(
      new Consumer({
        ...TOPIC,
        ...QUICK,
        maxBackoffMs: 0,
        requeueDelayMs: 0,
        onError: this.onError,
        ...options,
      }),
    )
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

/** What nsqd grants, in milliseconds: with it a client need not wait a minute to see a timeout. */
export function granted(msgTimeout: number, maxMsgTimeout = msgTimeout * 100): string {
  return JSON.stringify({ max_rdy_count: 2500, msg_timeout: msgTimeout, max_msg_timeout: maxMsgTimeout })
}

/** Queues a message that has been delivered before. */
export function queueTried(nsqd: FakeNsqd, body: string, deliveries: number, id = 1): void {
  nsqd.putBack({ id: formatId(0, 0x1000 + id), attempts: deliveries, body })
}

/** TOUCHes that the fake got. */
export function touches(nsqd: FakeNsqd): number {
  return nsqd.sessions.flatMap(({ commands }) => commands).filter(command => command.startsWith('TOUCH'))
    .length
}
