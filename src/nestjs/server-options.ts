import type { ConsumerSettings } from '../client/consumer/consumer-options.ts'
import type { NsqDeserializer, NsqSerializer, Packet, Reply } from './packet.ts'

/** What is the same for all handlers of a server is here; those of a `Consumer` mean what they mean there. */
export interface NsqServerOptions extends Omit<
  ConsumerSettings<unknown>,
  'topic' | 'handler' | 'onMessage' | 'everyNsqd' | 'concurrency'
> {
  /** The channel of the handlers that do not name one: the servers that share it share the messages. */
  channel: string
  /** Handlers of one pattern and channel running at a time, 1 to 1,000,000; 10 unless given. */
  concurrency?: number
  /** Makes the bodies of replies; JSON unless given. */
  serializer?: NsqSerializer<Reply>
  /** Makes packets of the bodies that come; JSON unless given. */
  deserializer?: NsqDeserializer<Packet>
}

/** How one handler differs: `@EventPattern('orders', { channel: 'mail', concurrency: 5 })`. */
export type NsqHandlerOptions = Partial<
  Pick<
    NsqServerOptions,
    | 'autoTouch'
    | 'backoffMultiplierMs'
    | 'channel'
    | 'concurrency'
    | 'deadLetter'
    | 'dedupe'
    | 'maxAttempts'
    | 'maxBackoffMs'
    | 'maxInFlight'
    | 'maxRequeueDelayMs'
    | 'messageTimeoutMs'
    | 'requeueDelayMs'
    | 'rotateMs'
    | 'sampleRate'
  >
>
