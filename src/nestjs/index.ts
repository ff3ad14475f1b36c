/**
 * NSQ as a transport of NestJS microservices: what programs import from `nsq-ts/nestjs`, which needs
 * `@nestjs/microservices`.
 *
 *     const app = await NestFactory.createMicroservice(AppModule, {
 *       strategy: new NsqServer({ lookupd: 'localhost', channel: 'billing', concurrency: 10 }),
 *     })
 *
 *     ClientsModule.register([{ name: 'NSQ', customClass: NsqClient, options: { nsqd: 'localhost' } }])
 */
export { NsqClient } from './client.ts'
export type { NsqClientOptions } from './client.ts'
export { NsqContext } from './context.ts'
export { NsqServer, NSQ_TRANSPORT } from './server.ts'
export type { NsqHandlerOptions, NsqServerOptions } from './server-options.ts'
export type { NsqDeserializer, NsqSerializer } from './packet.ts'
