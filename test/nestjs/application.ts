/**
 * An application of NestJS as its users write it, and a client of it. With `strict`, Nest's types want `<string>` where a
 * handler has a context.
 */
/* oxlint-disable typescript/no-unnecessary-type-arguments -- it chooses between the overloads */
import 'reflect-metadata'
import { Controller, Inject, Injectable, Module } from '@nestjs/common'
import {
  type ClientProxy,
  ClientsModule,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
} from '@nestjs/microservices'
import { from, type Observable, of, throwError } from 'rxjs'
import { NsqClient, type NsqClientOptions, type NsqContext } from '../../src/nestjs/index.ts'

/** What the handlers have seen. */
@Injectable()
export class Seen {
  readonly events: { handler: string; data: unknown; attempts: number; metadata: unknown }[] = []
}

@Controller()
export class OrdersController {
  readonly #seen: Seen

  constructor(@Inject(Seen) seen: Seen) {
    this.#seen = seen
  }

  @EventPattern<string>('orders')
  billed(@Payload() data: unknown, @Ctx() context: NsqContext): void {
    this.#see('billed', data, context)
  }

  @EventPattern<string>('orders', { channel: 'mail' })
  async mailed(@Payload() data: unknown, @Ctx() context: NsqContext): Promise<void> {
    await Promise.resolve()
    this.#see('mailed', data, context)
  }

  /** Fails the first time, in each way that a handler can fail. */
  @EventPattern<string>('failing', { requeueDelayMs: 0, maxBackoffMs: 0 })
  failing(@Payload() how: string, @Ctx() context: NsqContext): unknown {
    this.#see('failing', how, context)
    if (context.getAttempts() > 1) return undefined
    const error = new RpcException('not now')
    if (how === 'throw') throw error
    if (how === 'reject') return Promise.reject(error)
    return throwError(() => error)
  }

  @EventPattern<string>('poison', { maxAttempts: 1, maxBackoffMs: 0, deadLetter: 'poison-dead' })
  poison(): void {
    throw new RpcException('never')
  }

  @EventPattern<string>('answered')
  answered(@Payload() data: unknown, @Ctx() context: NsqContext): void {
    this.#see('answered', data, context)
    if (context.getAttempts() === 1) context.getMessage().requeue(0, { backoff: false })
  }

  @MessagePattern('sum')
  sum(@Payload() numbers: readonly number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0)
  }

  @MessagePattern('count-to')
  countTo(@Payload() limit: number): Observable<number> {
    return from(Array.from({ length: limit }, (_, index) => index + 1))
  }

  @MessagePattern('nothing')
  nothing(): Observable<void> {
    return of()
  }

  @MessagePattern('refuse')
  refuse(@Payload() what: string): never {
    if (what === 'rpc') throw new RpcException({ code: 'E_STOCK', left: 0 })
    throw new Error('a secret of the server')
  }

  #see(handler: string, data: unknown, context: NsqContext): void {
    this.#seen.events.push({
      handler,
      data,
      attempts: context.getAttempts(),
      metadata: context.getMetadata(),
    })
  }
}

@Module({ controllers: [OrdersController], providers: [Seen] })
// oxlint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
export class OrdersModule {}

@Injectable()
export class Shop {
  readonly client: ClientProxy

  constructor(@Inject('NSQ') client: ClientProxy) {
    this.client = client
  }
}

/** A module with a client for these nsqds. */
export function shopModule(options: NsqClientOptions): object {
  @Module({
    imports: [ClientsModule.register([{ name: 'NSQ', customClass: NsqClient, options }])],
    providers: [Shop],
  })
  // oxlint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
  class ShopModule {}
  return ShopModule
}
