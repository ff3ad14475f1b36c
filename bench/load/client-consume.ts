/** Consumes a backlog with a client library; every message's body is looked at, and finished. */
import type { ClientConsumeJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { loadNsqjs, loadOurs, nsqjsOptions, ourOptions } from './libraries.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

/** Takes messages until it is closed, which resolves when their FINs are sent. */
type Start = (job: ClientConsumeJob, received: (body: Buffer) => void) => Promise<{ close(): Promise<void> }>

async function consume(job: ClientConsumeJob): Promise<LoadResult> {
  const watch = new Stopwatch()
  const all = withResolvers()
  let bytes = 0
  const received = (body: Buffer): void => {
    bytes += body.length
    watch.total++
    if (watch.total === job.warm) watch.begin()
    if (watch.total === job.messages) all.resolve()
  }
  watch.begin()
  const consumer = await (job.client === 'ours' ? startOurs : startNsqjs)(job, received)
  await all.promise
  watch.end()
  await consumer.close()
  if (bytes < job.messages) throw new Error('messages without bodies')
  return watch.result
}

const startOurs: Start = async (job, received) => {
  const { Consumer } = await loadOurs()
  const options = {
    topic: job.topic,
    channel: job.channel,
    nsqd: `127.0.0.1:${job.port}`,
    maxInFlight: job.maxInFlight,
    ...ourOptions(job),
  }
  if (job.take === 'for await') {
    const consumer = new Consumer(options)
    void (async () => {
      for await (const message of consumer) {
        received(message.body)
        message.finish()
      }
    })()
    return consumer
  }
  const consumer =
    job.take === 'handler'
      ? new Consumer({
          ...options,
          concurrency: job.maxInFlight,
          handler: message => received(message.body),
        })
      : new Consumer({
          ...options,
          onMessage: message => {
            received(message.body)
            message.finish()
          },
        })
  void consumer.start()
  return consumer
}

const startNsqjs: Start = async (job, received) => {
  const reader = new (loadNsqjs().Reader)(job.topic, job.channel, {
    nsqdTCPAddresses: [`127.0.0.1:${job.port}`],
    maxInFlight: job.maxInFlight,
    ...nsqjsOptions(job),
  })
  reader.on('message', message => {
    received(message.body)
    message.finish()
  })
  reader.connect()
  return {
    async close() {
      // It sends a FIN in the next tick, and says nothing when its last FIN has left.
      await new Promise(resolve => setTimeout(resolve, 100))
      reader.close()
    },
  }
}

serveJobs<'client-consume'>(consume)
