/** Publishes as fast as the server acknowledges: commands are built once, and OKs are counted by their bytes. */
import { identify, MAGIC_V2, mpub, pub } from '../../src/protocol/command.ts'
import type { LoadResult, PublishJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { createBodies } from './bodies.ts'
import { Publishing } from './publishing.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

async function publish(job: PublishJob): Promise<LoadResult> {
  const bodies = createBodies(job.batch, job.bodyLength)
  const [first] = bodies
  const command = bodies.length === 1 && first !== undefined ? pub(job.topic, first) : mpub(job.topic, bodies)
  const commands = Buffer.concat(Array.from({ length: job.depth }, () => command))

  const watch = new Stopwatch()
  const ended = withResolvers()
  let ungreeted = job.bare ? 0 : job.connections
  const greeted = withResolvers()
  let unsent = Math.ceil(job.messages / job.batch)
  let unanswered = 0

  const send = (connection: Publishing, count: number): void => {
    const now = Math.min(count, unsent)
    if (now === 0) return
    unsent -= now
    unanswered += now
    connection.send(commands.subarray(0, now * command.length))
  }
  const onOks = (connection: Publishing, count: number): void => {
    if (ungreeted > 0) {
      if (--ungreeted === 0) greeted.resolve()
      return
    }
    unanswered -= count
    watch.total += count * job.batch
    if (unsent > 0) send(connection, count)
    else if (unanswered === 0) ended.resolve()
  }
  const timeIsUp = (): void => {
    watch.end()
    unsent = 0
    if (unanswered === 0) ended.resolve()
  }

  const connections = Array.from({ length: job.connections }, () => new Publishing(onOks, ended.reject))
  const timers: NodeJS.Timeout[] = []
  try {
    await Promise.all(connections.map(connection => connection.open(job.port)))
    if (!job.bare) {
      for (const connection of connections) {
        connection.send(Buffer.concat([MAGIC_V2, identify({ heartbeat_interval: -1 })]))
      }
      await Promise.race([greeted.promise, ended.promise])
    }
    watch.begin()
    timers.push(
      setTimeout(() => watch.begin(), job.warmMs),
      setTimeout(timeIsUp, job.warmMs + job.measureMs),
    )
    for (const connection of connections) send(connection, job.depth)
    await ended.promise
    watch.end()
  } finally {
    for (const timer of timers) clearTimeout(timer)
    for (const connection of connections) connection.close()
  }
  return watch.result
}

serveJobs<'publish'>(publish)
