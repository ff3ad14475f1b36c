/** What this machine does with the same bytes, when nobody looks at them: a bare server in a thread of its own. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Reply } from '../../client/connection/connection.ts'
import { fin } from '../../protocol/command.ts'
import { OK_FRAME } from '../../protocol/frame.ts'
import { MESSAGE_OVERHEAD } from '../../protocol/message.ts'
import { Queue } from '../../util/queue.ts'
import type { Job } from './job.ts'
import type { Percentiles } from './latencies.ts'
import { Meter } from './meter.ts'
import { Payload } from './payload.ts'
import { MAX_IN_FLIGHT, openAll } from './receivers.ts'
import { Schedule } from './schedule.ts'
import { type Line, Sender } from './sender.ts'

export interface Ceiling {
  readonly messagesPerSecond: number
  readonly latencies: Percentiles | undefined
}

/** So long at most; a run may be shorter. */
const WARMUP_MS = 200
const MEASURE_MS = 1000
const EXTENSION_MS = 10
const MOST_EXTENSIONS = 1000

/** For so many bytes that come, as many others go back. */
interface Exchange {
  readonly take: number
  readonly give: number
  /** Exchanges under way at once, on each connection. */
  readonly atOnce: number
  /** Messages that one stands for. */
  readonly messages: number
}

export async function measureCeiling(job: Job): Promise<Ceiling> {
  job.show(() => 'the same bytes without NSQ')
  const exchange = exchangeOf(job)
  const server = await startServer(exchange)
  try {
    return await (job.load.rate === undefined
      ? flood(job, exchange, server.port)
      : paced(job, exchange, server.port, job.load.rate))
  } finally {
    await server.close()
  }
}

function exchangeOf({ load, topic, run }: Job): Exchange {
  const frame = MESSAGE_OVERHEAD + load.size
  if (load.mode === 'sub') {
    return { take: fin('0'.repeat(16)).length, give: frame, atOnce: MAX_IN_FLIGHT, messages: 1 }
  }
  return {
    take: new Payload(topic, load, run, 0).command.length,
    give: OK_FRAME.length + (load.mode === 'latency' ? load.batch * frame : 0),
    atOnce: load.pipeline,
    messages: load.batch,
  }
}

/** As many as go. */
async function flood({ load, signal }: Job, exchange: Exchange, port: number): Promise<Ceiling> {
  const { take, give, atOnce, messages } = exchange
  const bytes = Buffer.alloc(take * atOnce)
  let count = 0
  const sockets = await openAll(load.connections, () => dialBare(port), destroy)
  try {
    for (const socket of sockets) {
      let rest = 0
      socket.on('data', (chunk: Buffer) => {
        rest += chunk.length
        const whole = Math.floor(rest / give)
        rest %= give
        count += whole * messages
        if (whole > 0) socket.write(bytes.subarray(0, whole * take))
      })
      socket.write(bytes)
    }
    await wait(Math.min(WARMUP_MS, load.durationMs), signal)
    const [countBefore, before] = [count, performance.now()]
    await wait(Math.min(MEASURE_MS, load.durationMs), signal, () => count > countBefore)
    const messagesPerSecond = ((count - countBefore) * 1000) / (performance.now() - before)
    return { messagesPerSecond, latencies: undefined }
  } finally {
    sockets.forEach(destroy)
  }
}

/** As many as the run has sent, and with the same clock. */
async function paced(
  { load, topic, run, clock, signal }: Job,
  { give }: Exchange,
  port: number,
  rate: number,
): Promise<Ceiling> {
  const meter = new Meter()
  const lines = await openAll(
    load.connections,
    async () => new BareLine(await dialBare(port), give),
    line => line.destroy(),
  )
  const sender = new Sender({
    lines,
    pipeline: load.pipeline,
    batch: load.batch,
    schedule: new Schedule(clock.now(), rate, load.batch),
    clock,
    payload: index => new Payload(topic, load, run, index),
    acknowledged: (_first, from, now) => {
      meter.count(load.batch)
      meter.record(from, now)
    },
  })
  try {
    sender.start()
    await wait(Math.min(WARMUP_MS, load.durationMs), signal)
    meter.begin(clock.now())
    await wait(Math.min(MEASURE_MS, load.durationMs), signal, () => meter.latencies.count > 0)
    meter.end(clock.now())
    const seconds = meter.seconds(clock.now())
    return { messagesPerSecond: meter.messages / seconds, latencies: meter.latencies.summary() }
  } finally {
    sender.halt()
    for (const line of lines) line.destroy()
  }
}

class BareLine implements Line {
  readonly #socket: Socket
  readonly #replies = new Queue<Reply>()

  constructor(socket: Socket, give: number) {
    this.#socket = socket
    let rest = 0
    socket.on('data', (chunk: Buffer) => {
      for (rest += chunk.length; rest >= give; rest -= give) this.#replies.shift()?.ok('OK')
    })
  }

  ask(command: Buffer, reply: Reply): void {
    this.#replies.push(reply)
    this.#socket.write(command)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function destroy(socket: Socket): void {
  socket.destroy()
}

/** A run may be so short, or the machine so busy, that there is nothing yet: then it takes somewhat longer. */
async function wait(ms: number, signal: AbortSignal, isEnough = (): boolean => true): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
  for (let i = 0; i < MOST_EXTENSIONS && !isEnough() && !signal.aborted; i++) await sleep(EXTENSION_MS)
}

function dialBare(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      // It is only a yardstick: without it, there is less to be counted.
      socket.on('error', destroy)
      resolve(socket)
    })
  })
}

/** A text, as a thread begins with a file, and in a bundle this would be none. */
const SERVER = `
const { createServer } = require('node:net')
const { parentPort, workerData: { take, give } } = require('node:worker_threads')
const most = Math.max(1, Math.floor(1048576 / give))
const answers = Buffer.alloc(most * give)
const server = createServer({ noDelay: true }, socket => {
  let rest = 0
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    rest += chunk.length
    let count = Math.floor(rest / take)
    rest %= take
    for (; count > 0; count -= most) socket.write(answers.subarray(0, Math.min(count, most) * give))
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

async function startServer({
  take,
  give,
}: Exchange): Promise<{ port: number; close: () => Promise<unknown> }> {
  const worker = new Worker(SERVER, { eval: true, workerData: { take, give } })
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return { port, close: () => worker.terminate() }
}
