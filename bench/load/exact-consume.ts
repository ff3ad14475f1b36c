/** Consumes a given number of messages from each channel of a topic, so that as many as before are left. */
import type { ExactConsumeJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { Finisher } from './finisher.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

async function consume({ port, topic, channels, ready, each }: ExactConsumeJob): Promise<LoadResult> {
  const watch = new Stopwatch()
  const ended = withResolvers()
  let open = channels.length
  const events = {
    messages: (count: number): void => {
      watch.total += count
    },
    done: (): void => {
      if (--open === 0) ended.resolve()
    },
    failed: ended.reject,
  }
  const finishers = channels.map(() => new Finisher(events))
  try {
    const opened = finishers.map((finisher, i) => finisher.open(port, topic, channels[i] ?? ''))
    await Promise.race([Promise.all(opened), ended.promise])
    watch.begin()
    for (const finisher of finishers) finisher.start(ready, each)
    await ended.promise
    watch.end()
    // The last FINs leave before the connections are closed.
    await new Promise(resolve => setTimeout(resolve, 100))
  } finally {
    for (const finisher of finishers) finisher.close()
  }
  return watch.result
}

serveJobs<'exact-consume'>(consume)
