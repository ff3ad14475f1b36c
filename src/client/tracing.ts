import { createRequire } from 'node:module'
import type * as Api from '@opentelemetry/api'
import { errorText, NsqError } from '../util/errors.ts'
import { version } from '../util/version.ts'

// What is exported names no type of OpenTelemetry: programs that do not have it compile against our types too.

/** A span under way. */
export interface MessagingSpan {
  /** Runs `work` with this span as the active one, and returns what it returns. */
  run<T>(work: () => T): T
  /** Ends it. `error`: what the operation failed with; `nsqd`: the address it went to, when that is known only now. */
  end(error?: unknown, nsqd?: string): void
}

/** A message that is being processed. */
export interface ProcessedMessage {
  topic: string
  channel: string
  id: string
  /** Bytes of its body. */
  size: number
  /** `host:port` of the nsqd it came from, or the path of its socket. */
  nsqd: string
}

/** Makes the spans of one tracer provider, by the semantic conventions for messaging. */
export interface Tracing {
  /** `publish TOPIC`, a producer's. `count` is given when several messages were passed, `size` when it was one. */
  publish(topic: string, batch: { count: number } | { size: number }): MessagingSpan
  /** `process TOPIC`, a consumer's. NSQ's messages have no headers: what published the message is not linked. */
  process(message: ProcessedMessage): MessagingSpan
}

type Library = typeof Api

let api: Library | undefined
let isLoaded = false
let current: { provider: Api.TracerProvider; tracing: Tracing } | undefined

/**
 * What makes spans, or undefined when the program has no `@opentelemetry/api`, or has registered no provider: then
 * nothing more is to be done for a message.
 */
export function tracing(): Tracing | undefined {
  if (!isLoaded) load()
  if (api === undefined) return undefined
  const provider = api.trace.getTracerProvider()
  if (provider === current?.provider) return current.tracing
  return follow(api, provider)
}

/** It is an optional peer: loaded when it is there, from where the program has it. */
function load(): void {
  isLoaded = true
  try {
    api = createRequire(import.meta.url)('@opentelemetry/api')
  } catch {
    // Not there, or not whole: no tracing.
  }
}

function follow(api: Library, provider: Api.TracerProvider): Tracing | undefined {
  // Until a provider is registered there is a stand-in, whose spans nobody sees.
  const tracer =
    provider instanceof api.ProxyTracerProvider
      ? provider.getDelegateTracer('nsq-ts', version)
      : provider.getTracer('nsq-ts', version)
  if (tracer === undefined) return undefined
  current = { provider, tracing: new ApiTracing(api, tracer) }
  return current.tracing
}

class ApiTracing implements Tracing {
  readonly #api: Library
  readonly #tracer: Api.Tracer

  constructor(api: Library, tracer: Api.Tracer) {
    this.#api = api
    this.#tracer = tracer
  }

  publish(topic: string, batch: { count: number } | { size: number }): MessagingSpan {
    const { PRODUCER: kind } = this.#api.SpanKind
    const attributes: Api.Attributes = {
      ...operation('publish', 'send', topic),
      ...('count' in batch
        ? { 'messaging.batch.message_count': batch.count }
        : { 'messaging.message.body.size': batch.size }),
    }
    return new ApiSpan(this.#api, this.#tracer.startSpan(`publish ${topic}`, { kind, attributes }))
  }

  process({ topic, channel, id, size, nsqd }: ProcessedMessage): MessagingSpan {
    const { CONSUMER: kind } = this.#api.SpanKind
    const attributes: Api.Attributes = {
      ...operation('process', 'process', topic),
      'messaging.consumer.group.name': channel,
      'messaging.message.id': id,
      'messaging.message.body.size': size,
      ...server(nsqd),
    }
    return new ApiSpan(this.#api, this.#tracer.startSpan(`process ${topic}`, { kind, attributes }))
  }
}

class ApiSpan implements MessagingSpan {
  readonly #api: Library
  readonly #span: Api.Span

  constructor(api: Library, span: Api.Span) {
    this.#api = api
    this.#span = span
  }

  run<T>(work: () => T): T {
    const { context, trace } = this.#api
    return context.with(trace.setSpan(context.active(), this.#span), work)
  }

  end(error?: unknown, nsqd?: string): void {
    if (nsqd !== undefined) this.#span.setAttributes(server(nsqd))
    if (error !== undefined) {
      this.#span.setAttribute('error.type', typeOf(error))
      this.#span.setStatus({
        code: this.#api.SpanStatusCode.ERROR,
        ...(error instanceof Error ? { message: errorText(error) } : {}),
      })
    }
    this.#span.end()
  }
}

function operation(name: string, type: 'send' | 'process', topic: string): Api.Attributes {
  return {
    // The second is the newer name of the first, which most viewers know.
    'messaging.system': 'nsq',
    'messaging.system.name': 'nsq',
    'messaging.destination.name': topic,
    'messaging.operation.name': name,
    'messaging.operation.type': type,
  }
}

function server(nsqd: string): Api.Attributes {
  if (nsqd.includes('/')) return { 'server.address': nsqd }
  const colon = nsqd.lastIndexOf(':')
  const host = nsqd.slice(0, colon).replace(/^\[|\]$/g, '')
  return { 'server.address': host, 'server.port': Number(nsqd.slice(colon + 1)) }
}

function typeOf(error: unknown): string {
  if (error instanceof NsqError) return error.code
  return error instanceof Error ? error.constructor.name : '_OTHER'
}
