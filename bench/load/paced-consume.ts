/**
 * Consumes what is published meanwhile, and looks how late each message comes. Two jobs: one subscribes, and the other
 * waits until everything has come.
 */
import type { PacedConsumeJob, PacedConsumeResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { machineMs } from './clock.ts'
import { dial } from './dial.ts'
import { Histogram, type Quantiles } from './histogram.ts'
import { Records } from './records.ts'
import { withResolvers } from './resolvers.ts'
import { momentOf, numberOf } from './stamp.ts'
import { Subscription } from './subscription.ts'

const NOTHING: Quantiles = new Histogram().quantiles
const FIN_LENGTH = 21

type Subscribe = PacedConsumeJob & { kind: 'subscribe' }

/** Who has come, and how late. */
class Arrivals {
  readonly ended = withResolvers()
  readonly lateness: Histogram = new Histogram()
  readonly #warm: number
  readonly #came: Uint8Array
  #missing: number
  readonly #cpu = process.cpuUsage()

  constructor({ messages, warm }: Subscribe) {
    this.#warm = warm
    this.#missing = messages
    this.#came = new Uint8Array(messages)
  }

  get missing(): number {
    return this.#missing
  }

  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#cpu)
    return (user + system) / 1e6
  }

  add(bytes: Buffer, bodyAt: number): void {
    const number = numberOf(bytes, bodyAt)
    if (this.#came[number] !== 0) {
      this.ended.reject(new Error(`message ${number} has come twice, or was never sent`))
      return
    }
    this.#came[number] = 1
    if (number >= this.#warm) this.lateness.add(machineMs() - momentOf(bytes, bodyAt))
    if (--this.#missing === 0) this.ended.resolve()
  }
}

let current: { readonly arrivals: Arrivals; readonly close: () => void } | undefined

async function work(job: PacedConsumeJob): Promise<PacedConsumeResult> {
  if (job.kind === 'subscribe') {
    const arrivals = new Arrivals(job)
    const close = await (job.bare ? openBare(job, arrivals) : open(job, arrivals))
    current = { arrivals, close }
    return { lateness: NOTHING, cpuSeconds: 0 }
  }
  if (current === undefined) throw new Error('not subscribed')
  const { arrivals, close } = current
  const tooLate = (): void => arrivals.ended.reject(new Error(`${arrivals.missing} messages have not come`))
  const timer = setTimeout(tooLate, job.deadlineMs)
  try {
    await arrivals.ended.promise
    // Lets the last FINs leave.
    await new Promise(resolve => setTimeout(resolve, 100))
  } finally {
    clearTimeout(timer)
    close()
    current = undefined
  }
  return { lateness: arrivals.lateness.quantiles, cpuSeconds: arrivals.cpuSeconds }
}

async function open({ port, topic, channel, ready }: Subscribe, arrivals: Arrivals): Promise<() => void> {
  const look = (bytes: Buffer, bodyAt: number): void => arrivals.add(bytes, bodyAt)
  const subscription = new Subscription(() => undefined, arrivals.ended.reject, look)
  await Promise.race([subscription.open(port, topic, channel), arrivals.ended.promise])
  subscription.start(ready)
  return () => subscription.close()
}

/** Takes records as they were published, and answers as many bytes as FINs would have. */
async function openBare(
  { port, recordLength, bodyLength, ready }: Subscribe,
  arrivals: Arrivals,
): Promise<() => void> {
  const records = new Records(recordLength)
  const fins = Buffer.alloc(ready * FIN_LENGTH, 'x')
  const socket = await dial(port, (bytes, length) => {
    const whole = records.take(bytes.subarray(0, length))
    for (let at = 0; at < whole.length; at += recordLength)
      arrivals.add(whole, at + recordLength - bodyLength)
    socket.write(fins.subarray(0, (whole.length / recordLength) * FIN_LENGTH))
  })
  socket.on('error', arrivals.ended.reject)
  return () => socket.destroy()
}

serveJobs<'paced-consume'>(work)
