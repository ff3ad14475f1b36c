import { BaseRpcContext } from '@nestjs/microservices'
import type { Message } from '../client/consumer/message.ts'

/** What a handler gets with `@Ctx()`: the message behind its data. */
export class NsqContext extends BaseRpcContext<
  [message: Message<unknown>, metadata: Readonly<Record<string, string>> | undefined]
> {
  /**
   * The message: `touch()` it, `requeue(delayMs)` it, `finish()` it early. One that the handler has not answered is
   * finished when the handler is done, and requeued when it fails.
   */
  getMessage(): Message<unknown> {
    return this.args[0]
  }

  getTopic(): string {
    return this.args[0].topic
  }

  /** Deliveries so far, this one included: 1 is the first. */
  getAttempts(): number {
    return this.args[0].attempts
  }

  /** What the client attached to the packet (`ClientProxy#setOnDispatchHook`), if it did. */
  getMetadata(): Readonly<Record<string, string>> | undefined {
    return this.args[1]
  }
}
