/**
 * Publishes so many messages every millisecond, as the clock says and not the server: one that is slow gets as many.
 * Each is stamped with the moment at which it was to be sent, so that it counts when this process itself is late; a
 * deferred one with the moment at which it is due.
 */
import { identify, MAGIC_V2 } from '../../src/protocol/command.ts'
import type { PacedPublishJob, PacedPublishResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { createBodies } from './bodies.ts'
import { machineMs } from './clock.ts'
import { publishLine } from './command-line.ts'
import { Histogram } from './histogram.ts'
import { Publishing } from './publishing.ts'
import { withResolvers } from './resolvers.ts'
import { writeStamp } from './stamp.ts'

/** A command to copy, and how much later it is to be delivered. */
interface Template {
  readonly bytes: Buffer
  readonly delay: number
}

/** How many differ. With delays they are spread evenly, and each is far from the one before. */
const TEMPLATES = 64
const STRIDE = 29

async function publish(job: PacedPublishJob): Promise<PacedPublishResult> {
  const cpu = process.cpuUsage()
  const lateness = new Histogram()
  const ended = withResolvers()
  const greeted = withResolvers()
  let ungreeted = job.bare ? 0 : job.connections
  let unanswered = job.milliseconds * job.connections * job.perMillisecond
  const onOks = (_: Publishing, count: number): void => {
    if (ungreeted > 0) {
      if (--ungreeted === 0) greeted.resolve()
    } else if ((unanswered -= count) === 0) ended.resolve()
  }
  const connections = Array.from({ length: job.connections }, () => new Publishing(onOks, ended.reject))
  const commands = new Commands(job)
  let timer: NodeJS.Timeout | undefined
  let sent = 0
  const send = (began: number): void => {
    const now = machineMs()
    const due = Math.min(job.milliseconds, Math.floor(now - began) + 1)
    for (let ms = sent; ms < due; ms++) if (ms >= job.warm) lateness.add(now - began - ms)
    for (const connection of connections) connection.send(commands.of(began, sent, due, now))
    sent = due
    if (sent < job.milliseconds) timer = setTimeout(send, Math.ceil(began + sent - machineMs()), began)
  }
  try {
    await Promise.all(connections.map(connection => connection.open(job.port)))
    if (!job.bare) {
      for (const connection of connections) {
        connection.send(Buffer.concat([MAGIC_V2, identify({ heartbeat_interval: -1 })]))
      }
      await Promise.race([greeted.promise, ended.promise])
    }
    send(machineMs())
    await ended.promise
  } finally {
    clearTimeout(timer)
    for (const connection of connections) connection.close()
  }
  const { user, system } = process.cpuUsage(cpu)
  return { lateness: lateness.quantiles, cpuSeconds: (user + system) / 1e6 }
}

class Commands {
  readonly #perMillisecond: number
  readonly #bodyLength: number
  readonly #templates: readonly Template[]
  #number = 0

  constructor(job: PacedPublishJob) {
    this.#perMillisecond = job.perMillisecond
    this.#bodyLength = job.bodyLength
    this.#templates = templatesOf(job)
  }

  /** What one connection sends for the milliseconds from `first` on, before `end`. */
  of(began: number, first: number, end: number, now: number): Buffer {
    const pieces: Buffer[] = []
    for (let ms = first; ms < end; ms++) {
      for (let i = 0; i < this.#perMillisecond; i++) pieces.push(this.#next(began + ms, now))
    }
    return Buffer.concat(pieces)
  }

  #next(moment: number, now: number): Buffer {
    const number = this.#number++
    const template = this.#templates[(number * STRIDE) % TEMPLATES]
    if (template === undefined) throw new Error('there is no command')
    const bytes = Buffer.from(template.bytes)
    // nsqd counts a delay from when it hears of it, not from when that was to be.
    const due = template.delay === 0 ? moment : now + template.delay
    writeStamp(bytes, bytes.length - this.#bodyLength, due, number)
    return bytes
  }
}

function templatesOf({ topic, bodyLength, delays }: PacedPublishJob): Template[] {
  return createBodies(TEMPLATES, bodyLength).map((body, i) => {
    const delay = delays && Math.round(delays.least + ((delays.most - delays.least) * i) / TEMPLATES)
    const size = Buffer.alloc(4)
    size.writeUInt32BE(body.length)
    return { bytes: Buffer.concat([Buffer.from(publishLine(topic, delay)), size, body]), delay: delay ?? 0 }
  })
}

serveJobs<'paced-publish'>(publish)
