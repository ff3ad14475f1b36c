/** Publishes a fixed number of messages to many topics: each connection goes round them. */
import { dpub, identify, MAGIC_V2, mpub, pub } from '../../src/protocol/command.ts'
import type { LoadResult, TopicsPublishJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { createBodies } from './bodies.ts'
import { Publishing } from './publishing.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

/** The commands of a round, at least: as many for one topic as for a thousand, or the processor's caches would help one. */
const LEAST_COMMANDS = 1000

/** A command for each topic, one behind the other and all as long; many of one topic, when there is only one. */
class Ring {
  readonly commandLength: number
  readonly count: number
  readonly #bytes: Buffer

  constructor({ topics, batch, bodyLength, deferMs = 0 }: TopicsPublishJob) {
    const bodies = createBodies(batch, bodyLength)
    const commands = topics.map(topic => commandFor(topic, bodies, deferMs))
    const rounds = Math.ceil(LEAST_COMMANDS / commands.length)
    this.#bytes = Buffer.concat(Array.from({ length: rounds }, () => commands).flat())
    this.count = rounds * commands.length
    this.commandLength = this.#bytes.length / this.count
    if (commands.some(({ length }) => length !== this.commandLength))
      throw new Error('topics of many lengths')
  }

  slice(from: number, to: number): Buffer {
    return this.#bytes.subarray(from * this.commandLength, to * this.commandLength)
  }
}

function commandFor(topic: string, bodies: readonly Buffer[], deferMs: number): Buffer {
  const [first] = bodies
  if (bodies.length > 1 || first === undefined) return mpub(topic, bodies)
  return deferMs > 0 ? dpub(topic, deferMs, first) : pub(topic, first)
}

let ring: Ring | undefined

async function publish(job: TopicsPublishJob): Promise<LoadResult> {
  // The jobs of a process are all alike.
  const commands = (ring ??= new Ring(job))
  const watch = new Stopwatch()
  const ended = withResolvers()
  const greeted = withResolvers()
  const connections: Publishing[] = []
  const next = new Map<Publishing, number>()
  let ungreeted = job.connections
  let unsent = Math.ceil(job.messages / job.batch)
  let unanswered = 0

  const send = (connection: Publishing, most: number): void => {
    let left = Math.min(most, unsent)
    unsent -= left
    unanswered += left
    while (left > 0) {
      const from = next.get(connection) ?? 0
      const to = Math.min(commands.count, from + left)
      connection.send(commands.slice(from, to))
      left -= to - from
      next.set(connection, to % commands.count)
    }
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

  for (let i = 0; i < job.connections; i++) {
    const connection = new Publishing(onOks, ended.reject)
    connections.push(connection)
    next.set(connection, Math.floor((i * commands.count) / job.connections))
  }
  try {
    await Promise.all(connections.map(connection => connection.open(job.port)))
    for (const connection of connections) {
      connection.send(Buffer.concat([MAGIC_V2, identify({ heartbeat_interval: -1 })]))
    }
    await Promise.race([greeted.promise, ended.promise])
    watch.begin()
    for (const connection of connections) send(connection, job.depth)
    await ended.promise
    watch.end()
  } finally {
    for (const connection of connections) connection.close()
  }
  return watch.result
}

serveJobs<'topics-publish'>(publish)
