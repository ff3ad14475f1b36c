/**
 * The library: what programs import from `nsq-ts`, and nothing else is public.
 *
 *     const producer = new Producer({ nsqd: 'localhost:4150' })
 *     await producer.publish('orders', JSON.stringify(order))
 *     await producer.close()
 *
 *     const consumer = new Consumer({
 *       topic: 'orders',
 *       channel: 'mail',
 *       lookupd: 'localhost:4161',
 *       maxInFlight: 20,
 *       concurrency: 20,
 *       handler: async message => send(message.body),
 *     })
 *     await consumer.start()
 *
 * Every error is an `NsqError` with a stable `code`. Times are milliseconds, sizes bytes.
 */
export { Producer } from './client/producer/producer.ts'
export type { MessageValue, ProducerOptions, PublishOptions } from './client/producer/producer-options.ts'
export type { ProducerStrategy } from './client/producer/router.ts'
export { json, raw, text } from './client/codec.ts'
export type { Codec, Decoder, Encoder } from './client/codec.ts'
export { SchemaError } from './client/schema.ts'
export type { StandardIssue, StandardResult, StandardSchemaV1 } from './client/schema.ts'
export { Consumer } from './client/consumer/consumer.ts'
export type {
  CodecConsumerOptions,
  ConsumerOptions,
  ConsumerSettings,
  DedupeOptions,
  RawConsumerOptions,
  SchemaConsumerOptions,
} from './client/consumer/consumer-options.ts'
export type { Message, MessageHandler, RequeueOptions } from './client/consumer/message.ts'
export type { ConnectionOptions } from './client/options.ts'
export type { Pem, TlsOptions } from './client/tls-options.ts'
export { PublishError } from './client/errors.ts'
export { NsqError } from './util/errors.ts'
export { version } from './util/version.ts'
