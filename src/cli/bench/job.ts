import { setTimeout as sleep } from 'node:timers/promises'
import { aborted } from '../daemon.ts'
import type { Clock } from './clock.ts'
import type { Percentiles } from './latencies.ts'
import type { Meter } from './meter.ts'
import type { Dial } from './receivers.ts'
import { Schedule } from './schedule.ts'
import { type Line, Sender } from './sender.ts'
import { Payload } from './payload.ts'
import type { Load } from './settings.ts'

/** One run, and what it needs. */
export interface Job {
  readonly load: Load
  readonly dial: Dial
  readonly topic: string
  readonly channel: string
  /** Tells its messages from others. */
  readonly run: number
  readonly signal: AbortSignal
  readonly clock: Clock
  /** How long nothing may come before what is missing is taken for lost. */
  readonly patienceMs: number
  /** What it is at, for a line on a terminal. */
  readonly show: (text: () => string) => void
}

export interface Result {
  readonly load: Load
  readonly startedAt: Date
  readonly seconds: number
  readonly messages: number
  /** From command to OK, or from publish to arrival. */
  readonly latencies: Percentiles | undefined
  /** Messages that were acknowledged, and are not there; undefined when that is not known. */
  readonly lost: number | undefined
  readonly duplicates: number
  /** Commands that got no answer. */
  readonly unanswered: number
  /** How much of the time this process was busy, 0 to 1; undefined for what is paced: it waits busily. */
  readonly busy: number | undefined
  /** The 99th percentile of how late this process itself was; undefined without a rate. */
  readonly lateMs: number | undefined
  /** Whether it went on to its end: no signal came in between. */
  readonly isWhole: boolean
}

/** Sends by the load's rate from now on; `acknowledged` is called for each command. */
export function newSender(
  { load, topic, run, clock }: Pick<Job, 'load' | 'topic' | 'run' | 'clock'>,
  lines: readonly Line[],
  rate: number | undefined,
  acknowledged: (first: number, from: number, now: number) => void,
): { sender: Sender; schedule: Schedule } {
  const { batch, pipeline } = load
  const schedule = new Schedule(clock.now(), rate, batch)
  const payload = (index: number): Payload => new Payload(topic, load, run, index)
  return {
    sender: new Sender({ lines, pipeline, batch, schedule, clock, payload, acknowledged }),
    schedule,
  }
}

/** Waits for the warm-up, begins to measure, and resolves when it is to end; rejects when something has failed. */
export async function measured(
  { load, signal, clock }: Job,
  meter: Meter,
  enough: Promise<unknown>,
  failed: readonly Promise<never>[],
): Promise<void> {
  const over = new AbortController()
  const pause = (ms: number): Promise<void> =>
    Number.isFinite(ms)
      ? sleep(ms, undefined, { signal: over.signal }).catch(() => {})
      : new Promise(() => {})
  const timeline = async (): Promise<void> => {
    if (load.warmupMs > 0) await pause(load.warmupMs)
    if (over.signal.aborted) return
    meter.begin(clock.now())
    await Promise.race([pause(load.durationMs), enough])
  }
  try {
    await Promise.race([timeline(), aborted(signal), ...failed])
  } finally {
    over.abort()
    meter.end(clock.now())
  }
}

/** Waits for what is under way, but not for ever; after a signal, hardly. */
export async function settled(
  { signal, patienceMs }: Pick<Job, 'signal' | 'patienceMs'>,
  end: Promise<void>,
): Promise<void> {
  const over = new AbortController()
  const wait = sleep(signal.aborted ? Math.min(1000, patienceMs) : patienceMs, undefined, {
    signal: over.signal,
  })
  try {
    await Promise.race([end, wait.catch(() => {})])
  } finally {
    over.abort()
  }
}
