/** Publishes with a client library, as many calls at once as it is told, for a time. */
import type { ClientPublishJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { createBodies } from './bodies.ts'
import { loadNsqjs, loadOurs, nsqjsOptions, ourOptions } from './libraries.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

interface Publisher {
  /** Publishes again and again until `isOver`, each time when the time before is acknowledged. */
  run(value: Buffer | Buffer[], isOver: () => boolean, acknowledged: () => void): Promise<void>
  close(): Promise<void>
}

async function publish(job: ClientPublishJob): Promise<LoadResult> {
  const publisher = await (job.client === 'ours' ? connectOurs(job) : connectNsqjs(job))
  const watch = new Stopwatch()
  let isOver = false
  const timers = [
    setTimeout(() => watch.begin(), job.warmMs),
    setTimeout(() => {
      isOver = true
      watch.end()
    }, job.warmMs + job.measureMs),
  ]
  try {
    watch.begin()
    const runs = createValues(job).map(value =>
      publisher.run(
        value,
        () => isOver,
        () => (watch.total += job.batch),
      ),
    )
    await Promise.all(runs)
  } finally {
    for (const timer of timers) clearTimeout(timer)
    await publisher.close()
  }
  return watch.result
}

async function connectOurs(job: ClientPublishJob): Promise<Publisher> {
  const { Producer } = await loadOurs()
  const producer = new Producer({ nsqd: `127.0.0.1:${job.port}`, ...ourOptions(job) })
  await producer.connect()
  return {
    async run(value, isOver, acknowledged) {
      while (!isOver()) {
        await producer.publish(job.topic, value)
        acknowledged()
      }
    },
    close: () => producer.close(),
  }
}

async function connectNsqjs(job: ClientPublishJob): Promise<Publisher> {
  const writer = new (loadNsqjs().Writer)('127.0.0.1', job.port, nsqjsOptions(job))
  const ready = withResolvers()
  writer.once('ready', ready.resolve)
  writer.on('error', ready.reject)
  writer.connect()
  await ready.promise
  return {
    run(value, isOver, acknowledged) {
      const over = withResolvers()
      const done = (error?: Error | null): void => {
        if (error) {
          over.reject(error)
          return
        }
        acknowledged()
        next()
      }
      const next = (): void => {
        if (isOver()) over.resolve()
        else writer.publish(job.topic, value, done)
      }
      next()
      return over.promise
    },
    async close() {
      const closed = withResolvers()
      writer.once('closed', closed.resolve)
      writer.close()
      await closed.promise
    },
  }
}

/** What each of the publishes at once sends. */
function createValues({ atOnce, batch, bodyLength }: ClientPublishJob): (Buffer | Buffer[])[] {
  if (batch === 1) return createBodies(atOnce, bodyLength)
  const bodies = createBodies(batch, bodyLength)
  return Array.from({ length: atOnce }, () => bodies)
}

serveJobs<'client-publish'>(publish)
