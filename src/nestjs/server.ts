import {
  type CustomTransportStrategy,
  type MessageHandler,
  type MsPattern,
  RpcException,
  Server,
  type WritePacket,
} from '@nestjs/microservices'
import {
  catchError,
  defer,
  EMPTY,
  finalize,
  fromEvent,
  isObservable,
  lastValueFrom,
  mergeMap,
  type Observable,
  of,
  takeUntil,
  throwError,
} from 'rxjs'
import type { ConsumerSettings } from '../client/consumer/consumer-options.ts'
import { Consumer } from '../client/consumer/consumer.ts'
import type { Message } from '../client/consumer/message.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { NsqContext } from './context.ts'
import { type Packet, packetDeserializer, packetSchema, type Reply, replySerializer } from './packet.ts'
import { ReplyProducers } from './reply-producers.ts'
import type { NsqHandlerOptions, NsqServerOptions } from './server-options.ts'

/** The transport of NsqServer, for handlers of an application with several: `@EventPattern('orders', NSQ_TRANSPORT)`. */
export const NSQ_TRANSPORT: unique symbol = Symbol('NSQ')

/** Requests should not wait for one another, nor for the turn of their nsqd (see `rotateMs`). */
const CONCURRENCY = 10
/** A channel cannot have it, so that a topic and a channel are told apart again. */
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
  /** What handlers have for themselves; those of one topic and channel have it together. */
  readonly #extras = new Map<string, NsqHandlerOptions>()
  #consumers: Consumer<Packet>[] = []

  constructor(options: NsqServerOptions) {
    super()
    this.#options = options
    this.#replies = new ReplyProducers(options)
  }

  /** Handlers of one topic each get every message: those of one channel by one consumer, the others by their own. */
  override addHandler(
    pattern: MsPattern,
    callback: MessageHandler,
    isEventHandler = false,
    extras: NsqHandlerOptions = {},
  ): void {
    const { channel = this.#options.channel } = extras
    const key = `${this.normalizePattern(pattern)}${SEPARATOR}${channel}`
    this.#extras.set(key, { ...this.#extras.get(key), ...extras })
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
  override unwrap<T = readonly Consumer<Packet>[]>(): T
  override unwrap(): readonly Consumer<Packet>[] {
    return this.#consumers
  }

  #consumer(key: string, handler: MessageHandler): Consumer<Packet> {
    const { serializer: _, deserializer = packetDeserializer, ...settings } = this.#options
    const topic = key.slice(0, key.lastIndexOf(SEPARATOR))
    const options: ConsumerSettings<Packet> = {
      concurrency: CONCURRENCY,
      ...settings,
      ...this.#extras.get(key),
      topic,
      onError: error => this.#failed(error),
      handler: message => this.#handle(handler, message),
    }
    return new Consumer<Packet>({
      ...options,
      codec: { decode: body => deserializer.deserialize(body, { channel: topic }) },
      schema: packetSchema,
    })
  }

  #failed(error: NsqError): void {
    const { onError } = this.#options
    if (onError === undefined) this.logger.warn(error.message)
    else onError(error)
  }

  #handle(handler: MessageHandler, message: Message<Packet>): Promise<void> {
    const { data, metadata, id, replyTo } = message.value
    const context = new NsqContext([message, metadata])
    return this.#between(context, async ended => {
      if (id === undefined || replyTo === undefined) {
        const result: unknown = await handler(data, context)
        if (isObservable(result)) await lastValueFrom(untilLost(result, message), { defaultValue: undefined })
        return
      }
      const result = defer(async (): Promise<unknown> => handler(data, context)).pipe(
        mergeMap(value => (isObservable(value) ? untilLost(value, message) : of(value))),
        finalize(ended),
      )
      await this.#reply(result, message, { id, replyTo })
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
      // The first versions of Nest 11 have no hooks.
      const hook: typeof this.onProcessingStartHook | undefined = this.onProcessingStartHook
      if (hook === undefined) void run()
      else this.onProcessingStartHook(this.transportId, context, run)
    })
  }

  /** Resolves when all replies are published, in their order; rejects when one could not be: the request comes again. */
  #reply(result: Observable<unknown>, message: Message<Packet>, to: ReplyAddress): Promise<void> {
    const shown = result.pipe(catchError((error: unknown) => throwError(() => this.#shown(error, message))))
    return new Promise((resolve, reject) => {
      let isOver = false
      let failure: unknown
      const replies = this.send(shown, async packet => {
        if (!isOver) {
          try {
            // Another delivery of a lost request has its own replies.
            isOver = isLost(message) || !(await this.#publish(message, to, packet))
          } catch (error) {
            isOver = true
            failure = error
          }
          if (isOver) replies.unsubscribe()
        }
        if (packet.isDisposed !== true) return
        if (failure === undefined) resolve()
        else reject(asError(failure))
      })
    })
  }

  /** Whether more can follow: what cannot be sent now, nor another time, is an error for the client, and the end. */
  async #publish(
    message: Message<Packet>,
    { id, replyTo }: ReplyAddress,
    { response, err, isDisposed }: WritePacket,
  ): Promise<boolean> {
    const { serializer = replySerializer } = this.#options
    const publish = async (reply: Reply): Promise<void> =>
      this.#replies.publish(message.nsqd, replyTo, await serializer.serialize(reply))
    try {
      await publish({
        id,
        ...(response === undefined ? {} : { response }),
        ...(err === undefined ? {} : { err }),
        ...(isDisposed === true ? { isDisposed } : {}),
      })
      return true
    } catch (error) {
      if (error instanceof NsqError && !UNSENDABLE.has(error.code)) throw error
      this.#failed(handlerError(message, error))
      await publish({ id, err: INTERNAL, isDisposed: true })
      return false
    }
  }

  /** What the client is told. The words of an error that no filter of Nest has made an object of may be internal. */
  #shown(error: unknown, message: Message<Packet>): unknown {
    if (error instanceof RpcException) return shownRpc(error.getError())
    if (error instanceof Error) this.#failed(handlerError(message, error))
    // Nest's client takes what is falsy for no error.
    return error instanceof Error || !error ? INTERNAL : error
  }
}

export type NsqStatus = 'connected' | 'closed'

interface ReplyAddress {
  readonly id: string
  readonly replyTo: string
}

/** As Nest's own filter has it. */
const INTERNAL = { status: 'error', message: 'Internal server error' }

function shownRpc(error: string | object): object {
  return typeof error === 'string' ? { status: 'error', message: error } : error
}

/** Of replies that another attempt would not make any better. */
const UNSENDABLE: ReadonlySet<string> = new Set([
  'E_BAD_MESSAGE',
  'E_ENCODE',
  'E_MESSAGE_EMPTY',
  'E_MESSAGE_TOO_BIG',
])

function handlerError({ topic, id, nsqd }: Message<unknown>, cause: unknown): NsqError {
  const what = `the handler of "${topic}" failed on message ${id} of nsqd ${nsqd}`
  return new NsqError('E_HANDLER', `${what}: ${errorText(cause)}`, { cause })
}

/** Ends when nsqd does not hold the message any more: it delivers it again, and the work begins anew. */
function untilLost(stream: Observable<unknown>, message: Message<unknown>): Observable<unknown> {
  // Only for streams: a signal for every message would take longer than all the rest.
  return isLost(message) ? EMPTY : stream.pipe(takeUntil(fromEvent(message.signal, 'abort')))
}

function isLost({ isLive, isAnswered }: Message<unknown>): boolean {
  return !isLive && !isAnswered
}

/** Nest's filters throw plain objects, made for the wire. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new RpcException(typeof thrown === 'object' && thrown !== null ? thrown : String(thrown))
}
