import { setTimeout as sleep } from 'node:timers/promises'
import { formatCount } from '../units.ts'
import { formatMs } from './format.ts'
import { type Job, measured, newSender, type Result, settled } from './job.ts'
import { Ledger } from './ledger.ts'
import { Meter } from './meter.ts'
import { openLines, Receivers } from './receivers.ts'
import type { Schedule } from './schedule.ts'
import type { Mode } from './settings.ts'
import { Waiting } from './waiting.ts'

/** Of the messages that sub consumes, these come before the measuring. */
const WARM_SHARE = 0.1
const LOOK_MS = 50

/** What became of a run, before its topic goes. */
export interface Outcome extends Result {
  /** Messages that nsqd has acknowledged, those of the warm-up too. */
  readonly acknowledged: number
}

export const runs: Readonly<Record<Mode, (job: Job) => Promise<Outcome>>> = {
  pub: publish,
  sub: subscribe,
  latency: endToEnd,
}

async function publish(job: Job): Promise<Outcome> {
  const { load, dial, clock } = job
  const meter = new Meter()
  const startedAt = new Date()
  const lines = await openLines(load.connections, dial)
  try {
    let acknowledged = 0
    const enough = new Waiting()
    const { sender } = newSender(job, lines, load.rate, (_first, from, now) => {
      acknowledged += load.batch
      meter.count(load.batch)
      meter.record(from, now)
      if (meter.messages >= load.messages) enough.resolve()
    })
    job.show(() => progress('publishing', meter, clock.now()))
    sender.start()
    await measured(job, meter, enough.promise, [sender.failed])
    await settled(job, sender.stop())
    return {
      ...resultOf(job, meter, startedAt),
      acknowledged,
      lost: undefined,
      duplicates: 0,
      unanswered: sender.unanswered,
      lateMs: load.rate === undefined ? undefined : sender.lateness.percentile(99),
    }
  } finally {
    for (const line of lines) line.destroy()
  }
}

async function subscribe(job: Job): Promise<Outcome> {
  const { load, dial, clock, signal } = job
  const meter = new Meter()
  const ledger = new Ledger()
  const all = new Waiting()
  let warm = Number.POSITIVE_INFINITY
  const startedAt = new Date()
  // Before anything is published, so that the channel has it all from the beginning.
  const receivers = await Receivers.open(load.connections, dial, {
    ...job,
    received: number => {
      if (!ledger.receive(number)) return
      if (ledger.received === warm) meter.begin(clock.now())
      else meter.count(1)
      if (ledger.received === ledger.acknowledged) all.resolve()
    },
  })
  try {
    const unanswered = await fill(job, ledger)
    warm = load.warmupMs > 0 ? Math.floor(ledger.acknowledged * WARM_SHARE) : 0
    if (!signal.aborted) {
      job.show(() => {
        const left = `${formatCount(ledger.acknowledged - ledger.received)} are left`
        return `consuming: ${progress('', meter, clock.now())}, ${left}`
      })
      if (warm === 0) meter.begin(clock.now())
      receivers.start()
      await Promise.race([allReceived(job, ledger, all.promise), receivers.failed])
      meter.end(clock.now())
    }
    await receivers.end()
    return {
      ...resultOf(job, meter, startedAt),
      acknowledged: ledger.acknowledged,
      // Who was stopped has not waited for all.
      lost: signal.aborted ? undefined : ledger.missing,
      duplicates: ledger.duplicates,
      unanswered,
      lateMs: undefined,
    }
  } finally {
    receivers.destroy()
  }
}

/** Publishes what is consumed then; returns how many commands got no answer. */
async function fill(job: Job, ledger: Ledger): Promise<number> {
  const { load, dial, signal } = job
  const share = load.warmupMs > 0 ? 1 - WARM_SHARE : 1
  const enough = new Waiting()
  const lines = await openLines(load.connections, dial)
  try {
    const { sender } = newSender(job, lines, undefined, first => {
      ledger.acknowledge(first, load.batch)
      if (ledger.acknowledged * share >= load.messages) {
        sender.halt()
        enough.resolve()
      }
    })
    job.show(() => `publishing what is consumed then: ${formatCount(ledger.acknowledged)} messages`)
    sender.start()
    const meter = new Meter()
    await measured({ ...job, load: { ...load, warmupMs: 0 } }, meter, enough.promise, [sender.failed])
    await settled({ ...job, signal }, sender.stop())
    return sender.unanswered
  } finally {
    for (const line of lines) line.destroy()
  }
}

async function endToEnd(job: Job): Promise<Outcome> {
  const { load, dial, clock, signal } = job
  const meter = new Meter()
  const ledger = new Ledger()
  const enough = new Waiting()
  const startedAt = new Date()
  let schedule: Schedule | undefined
  const receivers = await Receivers.open(load.connections, dial, {
    ...job,
    received: number => {
      if (!ledger.receive(number)) return
      meter.count(1)
      if (schedule === undefined) return
      meter.record(schedule.dueAt(Math.floor(number / load.batch)), clock.now())
      if (meter.messages >= load.messages) enough.resolve()
    },
  })
  try {
    receivers.start()
    const lines = await openLines(load.connections, dial)
    try {
      const sending = newSender(job, lines, load.rate, first => ledger.acknowledge(first, load.batch))
      const { sender } = sending
      schedule = sending.schedule
      job.show(() => progress('latency', meter, clock.now()))
      sender.start()
      await measured(job, meter, enough.promise, [sender.failed, receivers.failed])
      await settled(job, sender.stop())
      const all = new Waiting()
      await Promise.race([allReceived(job, ledger, all.promise), receivers.failed])
      await receivers.end()
      return {
        ...resultOf(job, meter, startedAt),
        acknowledged: ledger.acknowledged,
        lost: signal.aborted ? undefined : ledger.missing,
        duplicates: ledger.duplicates,
        unanswered: sender.unanswered,
        lateMs: sender.lateness.percentile(99),
      }
    } finally {
      for (const line of lines) line.destroy()
    }
  } finally {
    receivers.destroy()
  }
}

/** Resolves when nothing is missing, when nothing has come for too long, or at a signal. */
async function allReceived(
  { signal, patienceMs }: Job,
  ledger: Ledger,
  all: Promise<unknown>,
): Promise<void> {
  let before = -1
  let since = performance.now()
  while (!signal.aborted && ledger.missing > 0) {
    if (ledger.received !== before) {
      before = ledger.received
      since = performance.now()
    } else if (performance.now() - since > patienceMs) return
    const look = sleep(LOOK_MS)
    // Else what has come is not what was acknowledged.
    await (ledger.received < ledger.acknowledged ? Promise.race([all, look]) : look)
  }
}

function resultOf({ load, signal, clock }: Job, meter: Meter, startedAt: Date) {
  return {
    load,
    startedAt,
    seconds: meter.seconds(clock.now()),
    messages: meter.messages,
    latencies: meter.latencies.summary(),
    busy: load.rate === undefined ? meter.busy : undefined,
    isWhole: !signal.aborted,
  }
}

function progress(what: string, meter: Meter, now: number): string {
  if (!meter.hasBegun) return `${what}: warming up`
  const seconds = meter.seconds(now)
  const rate = `${formatCount(meter.messages / Math.max(seconds, 0.001))} messages/s`
  const p99 = meter.latencies.count === 0 ? '' : `, p99 ${formatMs(meter.latencies.percentile(99))}`
  return `${what}${what === '' ? '' : ': '}${rate}${p99}, ${seconds.toFixed(0)} s`
}
