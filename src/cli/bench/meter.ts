import { type EventLoopUtilization, performance as perf } from 'node:perf_hooks'
import { Latencies } from './latencies.ts'

/** What is measured between the end of the warm-up and the end of a run. */
export class Meter {
  readonly latencies = new Latencies()
  /** Those that arrived, or were acknowledged, meanwhile. */
  messages = 0
  #isOn = false
  #beganAt = Number.POSITIVE_INFINITY
  #endedAt = Number.POSITIVE_INFINITY
  #loop: EventLoopUtilization | undefined
  #cpu: NodeJS.CpuUsage | undefined
  #busy = 0

  get hasBegun(): boolean {
    return this.#beganAt !== Number.POSITIVE_INFINITY
  }

  begin(now: number): void {
    this.#beganAt = now
    this.#isOn = true
    this.#loop = perf.eventLoopUtilization()
    this.#cpu = process.cpuUsage()
  }

  /** What was under way still counts for the latencies. */
  end(now: number): void {
    if (!this.#isOn) return
    this.#isOn = false
    this.#endedAt = now
    const { user, system } = process.cpuUsage(this.#cpu)
    // The loop is not idle while others have the processor, and the process has threads besides the loop's.
    const processor = (user + system) / 1000 / Math.max(1, now - this.#beganAt)
    this.#busy = Math.min(processor, perf.eventLoopUtilization(this.#loop).utilization)
  }

  count(messages: number): void {
    if (this.#isOn) this.messages += messages
  }

  /** A latency counts with the time at which it begins. */
  record(from: number, now: number): void {
    if (from >= this.#beganAt && from < this.#endedAt) this.latencies.record(now - from)
  }

  /** What part of the time this process had its processor busy, 0 to 1; known at the end. */
  get busy(): number {
    return this.#busy
  }

  /** Until now, or until its end. */
  seconds(now: number): number {
    return this.hasBegun ? Math.max(0, Math.min(now, this.#endedAt) - this.#beganAt) / 1000 : 0
  }
}
