import type { Message, RequeueOptions } from '../../../src/client/consumer/message.ts'

/** A message that only remembers how it was answered. */
export class FakeMessage implements Message {
  readonly topic = 'topic'
  readonly nsqd = '127.0.0.1:4150'
  readonly id = '0123456789abcdef'
  readonly timestamp = 0n
  readonly attempts: number
  readonly body: Buffer
  readonly signal: AbortSignal = new AbortController().signal
  isLive = true
  /** `finished`, or `requeued DELAY`, with `slowly` behind it when the consumer is to slow down. */
  answer = ''

  constructor(body: string | Buffer, attempts = 1) {
    this.body = Buffer.from(body)
    this.attempts = attempts
  }

  get value(): Buffer {
    return this.body
  }

  get isAnswered(): boolean {
    return this.answer !== ''
  }

  finish(): boolean {
    return this.#answer('finished')
  }

  requeue(delayMs?: number, { backoff = true }: RequeueOptions = {}): boolean {
    return this.#answer(`requeued ${delayMs ?? 'by default'}${backoff ? ' slowly' : ''}`)
  }

  touch(): boolean {
    return this.isLive
  }

  #answer(answer: string): boolean {
    if (!this.isLive) return false
    this.isLive = false
    this.answer = answer
    return true
  }
}

export function fakeMessages(...bodies: string[]): FakeMessage[] {
  return bodies.map(body => new FakeMessage(body))
}
