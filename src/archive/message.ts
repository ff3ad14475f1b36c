import type { RequeueOptions } from '../client/consumer/message.ts'

/** What the archive needs of a message: the client's `Message<Buffer>` is one. */
export interface ArchivedMessage {
  readonly topic: string
  /** 16 hexadecimal digits, unique for one nsqd. */
  readonly id: string
  /** The nsqd it came from. */
  readonly nsqd: string
  /** When nsqd took the message: nanoseconds since 1970. */
  readonly timestamp: bigint
  /** Deliveries so far, this one included. */
  readonly attempts: number
  readonly body: Buffer
  /** False when the message is not live any more: nsqd delivers it again, although it is in the archive. */
  finish(): boolean
  /** Without a delay it is the consumer's own, which grows with the attempts. */
  requeue(delayMs?: number, options?: RequeueOptions): boolean
}
