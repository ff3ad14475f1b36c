import { Consumer, type ConsumerOptions } from '../../../src/index.ts'
import { formatId } from '../../../src/protocol/message-id.ts'
import type { FakeNsqd } from '../fake-nsqd.ts'
import { QUICK, Rig } from '../rig.ts'

export const TOPIC = { topic: 't', channel: 'c' }

/** Fake nsqds, and consumers of them. */
export class Consuming extends Rig {
  /** A consumer of raw messages. Backoff and delays are off unless asked for. */
  consumer(options: Partial<ConsumerOptions>): Consumer {
    return this.closing(
      new Consumer({
        ...TOPIC,
        ...QUICK,
        maxBackoffMs: 0,
        requeueDelayMs: 0,
        onError: this.onError,
        ...options,
      }),
    )
  }
}

/** What nsqd grants, in milliseconds: with it a client need not wait a minute to see a timeout. */
export function granted(msgTimeout: number, maxMsgTimeout = msgTimeout * 100): string {
  return JSON.stringify({ max_rdy_count: 2500, msg_timeout: msgTimeout, max_msg_timeout: maxMsgTimeout })
}

/** Queues a message that has been delivered before. */
export function queueTried(nsqd: FakeNsqd, body: string, deliveries: number, id = 1): void {
  nsqd.putBack({ id: formatId(0, 0x1000 + id), attempts: deliveries, body })
}

/** TOUCHes that the fake got. */
export function touches(nsqd: FakeNsqd): number {
  return nsqd.sessions.flatMap(({ commands }) => commands).filter(command => command.startsWith('TOUCH'))
    .length
}
