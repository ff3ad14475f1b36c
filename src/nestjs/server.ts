import {
  type CustomTransportStrategy,
  type MessageHandler,
  type MsPattern,
  RpcException,
  Server,
} from '@nestjs/microservices'
import { finalize, isObservable, lastValueFrom, type Observable } from 'rxjs'
import type { ConsumerSettings } from '../client/consumer/consumer-options.ts'
import { Consumer } from '../client/consumer/consumer.ts'
import type { Message } from '../client/consumer/message.ts'
import { NsqError } from '../util/errors.ts'
import { NsqContext } from './context.ts'
import { type Packet, packetDeserializer, type Reply, replySerializer } from './packet.ts'
import { ReplyProducers } from './reply-producers.ts'
import type { NsqHandlerOptions, NsqServerOptions } from './server-options.ts'

/** The transport of NsqServer, for handlers of an application with several: `@EventPattern('orders', NSQ_TRANSPORT)`. */
export const NSQ_TRANSPORT: unique symbol = Symbol('NSQ')

/** Requests should not wait for one another, nor for the turn of their nsqd (see `rotateMs`). */
const CONCURRENCY = 10
/** A topic cannot have it, so that a topic and a channel are told apart again. */
const SEPARATOR = ':'

/**
 * Receives what handlers are there for. A pattern is a topic, and the server a consumer of its channel for each: servers
 * of one channel share the messages.
 *
 * - `@EventPattern('orders')`: the message is finished when the handler is done (what it returns is awaited: a promise, an
 *   observable), and requeued when it fails, by the rules of a `Consumer`: `maxAttempts`, `deadLetter`, backoff.
 * - `@MessagePattern('sum')`: what it returns is replied, and the request finished when the replies are acknowledged. When
 *   it fails, the error is replied.
 *
 * Both are at least once: a handler may see a message again.
 */
export class NsqServer extends Server<Record<string, never>, NsqStatus> implements CustomTransportStrategy {
  override transportId: symbol = NSQ_TRANSPORT
  /** Nest leaves it to us to say that an event's handler failed. */
  override readonly propagatesEventHandlerErrors = true
  readonly #options: NsqServerOptions
  readonly #replies: ReplyProducers
  #consumers: Consumer<unknown>[] = []

  constructor(options: NsqServerOptions) {
    super()
    this.#options = options
    this.#replies = new ReplyProducers(options)
  }

  /** Handlers of one topic with different channels each get every message. */
  override addHandler(
    pattern: MsPattern,
    callback: MessageHandler,
    isEventHandler = false,
    extras: NsqHandlerOptions = {},
  ): void {
    const topic = this.normalizePattern(pattern)
    const key = extras.channel === undefined ? topic : `${topic}${SEPARATOR}${extras.channel}`
    super.addHandler(key, callback, isEventHandler, extras)
  }

  /** Subscribes; the callback is called when every handler is subscribed somewhere, or with why one is not. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const [key, handler] of this.messageHandlers) this.#consumers.push(this.#consumer(key, handler))
      await Promise.all(this.#consumers.map(consumer => consumer.start()))
    } catch (error) {
      await this.close()
      callback(error)
      return
    }
    this._status$.next('connected')
    callback()
  }

  /** Takes no more messages, and waits for what is in hand. */
  async close(): Promise<void> {
    const consumers = this.#consumers.splice(0)
    await Promise.all(consumers.map(consumer => consumer.close()))
    await this.#replies.close()
    this._status$.next('closed')
  }

  /** There are no events but `status`. */
  override on(): never {
    throw new NsqError('E_OPTION', 'NsqServer has no events', { remedy: 'Use its status.' })
  }

  /** The consumers, one for each topic and channel. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as Nest declares it
  override unwrap<T = readonly Consumer<unknown>[]>(): T
  override unwrap(): readonly Consumer<unknown>[] {
    return this.#consumers
  }

  #consumer(key: string, handler: MessageHandler): Consumer<unknown> {
    const { serializer: _, deserializer = packetDeserializer, ...settings } = this.#options
    const own: NsqHandlerOptions = handler.extras ?? {}
    const [topic = ''] = key.split(SEPARATOR, 1)
    const options: ConsumerSettings<unknown> = {
      concurrency: CONCURRENCY,
      ...settings,
      ...own,
      topic,
      onError: error => this.#failed(error),
      handler: message => this.#handle(handler, message),
    }
    return new Consumer<unknown>({
      ...options,
      codec: { decode: body => deserializer.deserialize(body, { channel: topic }) },
    })
  }

  #failed(error: NsqError): void {
    const { onError } = this.#options
    if (onError === undefined) this.logger.warn(error.message)
    else onError(error)
  }

  async #handle(handler: MessageHandler, message: Message<unknown>): Promise<void> {
    // The consumer's codec made it; a deserializer may take its time.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a deserializer of Packet returns
    const packet = (await message.value) as Packet
    const context = new NsqContext([message, packet.metadata])
    const { id, replyTo } = packet
    await this.#between(context, async ended => {
      if (id === undefined || replyTo === undefined) {
        const result: unknown = await handler(packet.data, context)
        if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined })
        return
      }
      const result = this.transformToObservable<unknown>(await handler(packet.data, context))
      await this.#reply(result.pipe(finalize(ended)), reply =>
        this.#publish(message, replyTo, { id, ...reply }),
      )
    })
  }

  /** Runs `work` between Nest's hooks, which instrumentation sets. What it throws is thrown as an error. */
  #between(context: NsqContext, work: (ended: () => void) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasEnded = false
      const ended = (): void => {
        if (!hasEnded) this.onProcessingEndHook?.(this.transportId, context)
        hasEnded = true
      }
      const run = async (): Promise<void> => {
        try {
          await work(ended)
          resolve()
        } catch (error) {
          reject(asError(error))
        } finally {
          ended()
        }
      }
      this.onProcessingStartHook(this.transportId, context, run)
    })
  }

  /** Resolves when all replies are published, in their order; rejects when one could not be: the request comes again. */
  #reply(result: Observable<unknown>, publish: (reply: Omit<Reply, 'id'>) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: unknown
      this.send(result, async ({ response, err, isDisposed }) => {
        const reply = {
          ...(response === undefined ? {} : { response }),
          ...(err === undefined ? {} : { err: shownError(err) }),
          ...(isDisposed === true ? { isDisposed } : {}),
        }
        try {
          if (failure === undefined) await publish(reply)
        } catch (error) {
          failure = error
        }
        if (isDisposed !== true) return
        if (failure === undefined) resolve()
        else reject(asError(failure))
      })
    })
  }

  async #publish({ nsqd }: Message<unknown>, topic: string, reply: Reply): Promise<void> {
    const { serializer = replySerializer } = this.#options
    await this.#replies.publish(nsqd, topic, await serializer.serialize(reply))
  }
}

export type NsqStatus = 'connected' | 'closed'

/** An error that no filter of Nest has made an object of would be `{}` in JSON; its words may be internal. */
function shownError(error: unknown): unknown {
  return error instanceof Error ? { status: 'error', message: 'Internal server error' } : error
}

/** Nest's filters throw plain objects, made for the wire. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new RpcException(typeof thrown === 'object' && thrown !== null ? thrown : String(thrown))
}
