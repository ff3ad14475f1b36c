/**
 * The library: `import { Producer, Consumer } from 'nsq-ts'`.
 */
export { Producer } from './client/producer.ts'
export type { MessageValue, ProducerOptions, PublishOptions } from './client/producer.ts'
export type { ProducerStrategy } from './client/router.ts'
export { Consumer } from './client/consumer.ts'
export type { ConsumerOptions } from './client/consumer-options.ts'
export type { MessageHandler } from './client/inbox.ts'
export type { Message, RequeueOptions } from './client/message.ts'
export type { ConnectionOptions } from './client/options.ts'
export { PublishError } from './client/errors.ts'
export { NsqError } from './util/errors.ts'
export { version } from './util/version.ts'
