/** Consumes a backlog through one connection a channel, and finishes every message. */
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import type { ConsumeJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'
import { BareSubscription, Subscription } from './subscription.ts'

async function consume(job: ConsumeJob): Promise<LoadResult> {
  const watch = new Stopwatch()
  const ended = withResolvers()
  let warm = false
  const onMessages = (count: number): void => {
    watch.total += count
    if (!warm && watch.total >= job.warm) {
      warm = true
      watch.begin()
    }
    if (watch.total >= job.messages) ended.resolve()
  }
  const open = async (channel: string): Promise<Subscription | BareSubscription> => {
    if (job.bare) {
      const bare = new BareSubscription(job.bodyLength + MESSAGE_OVERHEAD, onMessages, ended.reject)
      await bare.open(job.port)
      return bare
    }
    const subscription = new Subscription(onMessages, ended.reject)
    await Promise.race([subscription.open(job.port, job.topic, channel), ended.promise])
    return subscription
  }
  const subscriptions = await Promise.all(job.channels.map(open))
  try {
    watch.begin()
    for (const subscription of subscriptions) subscription.start(job.ready)
    await ended.promise
    watch.end()
    await drained()
  } finally {
    for (const subscription of subscriptions) subscription.close()
  }
  return watch.result
}

/** Lets the last FINs leave before the connections are closed. */
function drained(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 100))
}

serveJobs<'consume'>(consume)
