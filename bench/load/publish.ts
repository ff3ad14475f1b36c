/** Publishes as fast as the server acknowledges: commands are built once, and OKs are counted by their bytes. */
import type { Socket } from 'node:net'
import { identify, MAGIC_V2, mpub, pub } from '../../src/protocol/command.ts'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import type { LoadResult, PublishJob } from '../work.ts'
import { serveJobs } from '../worker.ts'
import { createBodies } from './bodies.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

/** More OKs than one read holds, to compare what is read with. */
const OKS = Buffer.alloc(OK_FRAME.length * 32 * 1024)
for (let at = 0; at < OKS.length; at += OK_FRAME.length) OK_FRAME.copy(OKS, at)

/** One publishing connection. */
class Connection {
  readonly #onOks: (connection: Connection, count: number) => void
  readonly #fail: (error: Error) => void
  #socket: Socket | undefined
  #received = 0

  constructor(onOks: (connection: Connection, count: number) => void, fail: (error: Error) => void) {
    this.#onOks = onOks
    this.#fail = fail
  }

  async open(port: number): Promise<void> {
    const socket = await dial(port, (bytes, length) => this.#read(bytes, length))
    socket.on('error', this.#fail)
    socket.on('end', () => this.#fail(new Error('the server closed the connection')))
    this.#socket = socket
  }

  send(bytes: Buffer): void {
    this.#socket?.write(bytes)
  }

  close(): void {
    this.#socket?.destroy()
  }

  #read(bytes: Buffer, length: number): void {
    const phase = this.#received % OK_FRAME.length
    if (bytes.compare(OKS, phase, phase + length, 0, length) !== 0) {
      this.#fail(new Error(`not OK: ${bytes.toString('latin1', 0, Math.min(length, 200))}`))
      return
    }
    this.#received += length
    const count = Math.floor((phase + length) / OK_FRAME.length)
    if (count > 0) this.#onOks(this, count)
  }
}

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

  const send = (connection: Connection, count: number): void => {
    const now = Math.min(count, unsent)
    if (now === 0) return
    unsent -= now
    unanswered += now
    connection.send(commands.subarray(0, now * command.length))
  }
  const onOks = (connection: Connection, count: number): void => {
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

  const connections = Array.from({ length: job.connections }, () => new Connection(onOks, ended.reject))
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
