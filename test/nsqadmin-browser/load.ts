import type { TestContext } from 'node:test'
import { Consumer } from '../../src/client/consumer/consumer.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import { formatAddress } from '../../src/util/address.ts'

const EVERY_MS = 50

/** Publishes messages all the time, so many every 50 ms, until the test ends. */
export function keepPublishing(
  t: TestContext,
  nsqd: Nsqd,
  topic: string,
  body = '{"order":1}',
  atOnce = 5,
): void {
  const bodies = Array.from({ length: atOnce }, () => Buffer.from(body))
  const timer = setInterval(() => {
    // It may be stopped for a while.
    nsqd.publish(topic, bodies, 0).catch(() => {})
  }, EVERY_MS)
  t.after(() => clearInterval(timer))
}

/** Takes what comes, until the test ends. */
export function keepConsuming(t: TestContext, nsqd: Nsqd, topic: string, channel: string): Consumer {
  const consumer = new Consumer({ topic, channel, nsqd: formatAddress(nsqd.tcpAddress), handler: () => {} })
  void consumer.start()
  t.after(() => consumer.close())
  return consumer
}
