import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { publishBacklog } from '../contestants.ts'
import type { Daemon } from '../daemon.ts'
import { BODY_LENGTH } from '../lines.ts'
import { createBodies } from '../load/bodies.ts'
import { loadOurs } from '../load/libraries.ts'
import { withResolvers } from '../load/resolvers.ts'
import { Worker } from '../worker.ts'
import type { Backlog } from './lines.ts'

const HOUR = 3_600_000
/** Of so many messages one is put back. */
const HOLE_EVERY = 100
const AT_ONCE = 2000
/** With more topics than this, a request for each is faster than the connections of a load. */
const MANY_TOPICS = 100
/** Checkpoints are written four times a second: what a consumer has done is in one after this time. */
const CHECKPOINT_MS = 1000

/** Has the topics and channels be there at the first start: by their list, in the format of the official nsqd. */
export function prepare(folder: string, { topics, channels }: Backlog): void {
  const paused = false
  const list = Array.from({ length: topics }, (_, topic) => ({
    name: topicName(topic),
    paused,
    channels: Array.from({ length: channels }, (_, channel) => ({ name: `channel-${channel}`, paused })),
  }))
  writeFileSync(join(folder, 'nsqd.dat'), JSON.stringify({ topics: list, version: '1.3.0' }))
}

/** Brings about what is to lie on the disk. */
export async function fill(daemon: Daemon, backlog: Backlog): Promise<void> {
  const { topics, messages, state } = backlog
  const nsqd = `127.0.0.1:${daemon.tcpPort}`
  if (state === 'deferred') await publishDeferred(nsqd, messages)
  else if (topics > MANY_TOPICS) await publishToEach(daemon, backlog)
  else await publishMany(daemon.tcpPort, backlog)
  if (state === 'waiting') return
  if (state === 'half consumed') await consumeHalf(nsqd, messages)
  await delay(CHECKPOINT_MS)
}

async function publishMany(port: number, { topics, messages }: Backlog): Promise<void> {
  const publisher = new Worker('publish')
  try {
    for (let topic = 0; topic < topics; topic++) {
      await publishBacklog(publisher, port, topicName(topic), messages)
    }
  } finally {
    publisher.stop()
  }
}

async function publishToEach(daemon: Daemon, { topics, messages }: Backlog): Promise<void> {
  const bodies = Array.from({ length: messages }, () => 'x'.repeat(BODY_LENGTH))
  for (let topic = 0; topic < topics; topic++) await daemon.publish(topicName(topic), bodies)
}

async function publishDeferred(nsqd: string, messages: number): Promise<void> {
  const { Producer } = await loadOurs()
  const producer = new Producer({ nsqd })
  const [body = Buffer.alloc(0)] = createBodies(1, BODY_LENGTH)
  for (let done = 0; done < messages; done += AT_ONCE) {
    const length = Math.min(AT_ONCE, messages - done)
    await Promise.all(Array.from({ length }, () => producer.publish(topicName(0), body, { defer: HOUR })))
  }
  await producer.close()
}

async function consumeHalf(nsqd: string, messages: number): Promise<void> {
  const { Consumer } = await loadOurs()
  const half = withResolvers()
  let taken = 0
  const consumer = new Consumer({
    topic: topicName(0),
    channel: 'channel-0',
    nsqd,
    maxInFlight: AT_ONCE,
    onMessage: message => {
      if (++taken % HOLE_EVERY === 0) message.requeue(HOUR, { backoff: false })
      else message.finish()
      if (taken === messages >> 1) half.resolve()
    },
  })
  await consumer.start()
  await half.promise
  await consumer.close()
}

function topicName(index: number): string {
  return `bench-restart-${index}`
}
