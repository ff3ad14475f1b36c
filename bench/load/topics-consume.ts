/** Consumes many topics through a connection for each channel, and finishes every message. */
import type { LoadResult, TopicsConsumeJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { Finisher } from './finisher.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

/** Connections that are begun at once: a server's queue of those it has not accepted is short. */
const AT_ONCE = 100

/** The connections stay from job to job. */
let opened = false
let watch = new Stopwatch()
let wanted = Infinity
let ended = withResolvers()

const events = {
  messages: (count: number): void => {
    watch.total += count
    if (watch.total >= wanted) ended.resolve()
  },
  done: (): void => {},
  failed: (error: Error): void => ended.reject(error),
}

async function consume(job: TopicsConsumeJob): Promise<LoadResult> {
  watch = new Stopwatch()
  watch.begin()
  wanted = job.messages
  ended = withResolvers()
  if (!opened) await openAll(job)
  opened = true
  if (wanted === 0) ended.resolve()
  await ended.promise
  watch.end()
  return watch.result
}

async function openAll({ port, topics, channels, ready }: TopicsConsumeJob): Promise<void> {
  const all = topics.flatMap(topic => channels.map(channel => ({ topic, channel })))
  for (let from = 0; from < all.length; from += AT_ONCE) {
    const some = all.slice(from, from + AT_ONCE).map(async ({ topic, channel }) => {
      const finisher = new Finisher(events)
      await finisher.open(port, topic, channel)
      finisher.start(ready)
    })
    await Promise.race([Promise.all(some), ended.promise])
  }
}

serveJobs<'topics-consume'>(consume)
