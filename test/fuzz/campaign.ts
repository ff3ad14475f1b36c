import { Random } from '../storage/random.ts'
import { Mutator } from './mutator.ts'
import type { Target } from './target.ts'

export interface CampaignOptions {
  runs: number
  seed: number
  /** The number of the first input; 0 unless given. */
  from?: number
  /** Told now and then how many inputs are through. */
  progress?: (done: number) => void
  /** An input may take so long, in ms of the processor; 250 unless given. */
  slowMs?: number
}

export interface Report {
  target: string
  runs: number
  accepted: number
  rejected: number
  ms: number
  /** The most that the process had in its heap and in buffers, in bytes, looked at every so many inputs. */
  peakBytes: number
  /** The longest that one input has taken, ms. */
  slowestMs: number
}

/** An input that has shown a fault. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly input: Buffer

  constructor(target: string, seed: number, number: number, input: Buffer, cause: unknown) {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    super(
      [
        `${target}: input ${number} of seed ${seed} shows a fault: ${why}`,
        `  its ${input.length} bytes: ${JSON.stringify(input.subarray(0, 1000).toString('latin1'))}`,
        `  in hex: ${input.subarray(0, 1000).toString('hex')}`,
        `  again: npm run fuzz -- --only ${target} --seed ${seed} --from ${number} --runs 1`,
      ].join('\n'),
      { cause },
    )
    this.input = input
  }
}

const MAX_INPUT = 16 * 1024
/** Well above what the slowest takes. */
const SLOW_MS = 250
const SLOW_TRIES = 5
const LOOK_AT_MEMORY = 2048
/** Buffers that are asked for while an input is read may be so much larger than it, unless a target says otherwise. */
const MOST_AT_ONCE = 1024 * 1024

/**
 * Gives a target this many inputs.
 *
 * @throws Finding for the first that shows a fault: an undeclared error, another result in pieces than whole, memory asked
 * for on somebody's word, or time out of proportion
 */
export async function campaign(target: Target, options: CampaignOptions): Promise<Report> {
  const { runs, seed, from = 0, progress, slowMs = SLOW_MS } = options
  const mutator = new Mutator(target.corpus, target.tokens, target.maxInput ?? MAX_INPUT)
  const begin = performance.now()
  const count = { accepted: 0, rejected: 0 }
  let [peakBytes, slowestMs] = [0, 0]
  let number = from
  let input: Buffer = Buffer.alloc(0)
  let escaped: { error: unknown } | undefined
  // What is thrown where nobody waits for it: a timer, an event.
  const onEscaped = (error: unknown): void => {
    escaped ??= { error }
  }
  process.on('uncaughtException', onEscaped)
  const largest = new LargestAllocation()
  try {
    for (number = from; number < from + runs; number++) {
      const random = inputRandom(target.name, seed, number)
      input = mutator.next(random)
      largest.bytes = 0
      const start = performance.now()
      const outcome = target.run(input, random)
      count[typeof outcome === 'string' ? outcome : await outcome]++
      if (escaped !== undefined) throw escaped.error
      const took = performance.now() - start
      if (took > slowestMs) slowestMs = took
      if (took > slowMs) await checkTime(target, { seed, number, input, slowMs })
      checkSize(largest.bytes, target)
      if (number % LOOK_AT_MEMORY === 0) {
        const { heapUsed, external } = process.memoryUsage()
        peakBytes = Math.max(peakBytes, heapUsed + external)
        progress?.(number - from)
      }
    }
    number--
  } catch (error) {
    throw new Finding(target.name, seed, number, input, error)
  } finally {
    largest.restore()
    process.off('uncaughtException', onEscaped)
  }
  return { target: target.name, runs, ...count, ms: performance.now() - begin, peakBytes, slowestMs }
}

/** Each input has random numbers of its own, so that it can be had again without those before it. */
function inputRandom(target: string, seed: number, number: number): Random {
  let mixed = seed >>> 0
  for (let i = 0; i < target.length; i++) mixed = Math.imul(mixed ^ target.charCodeAt(i), 0x01000193)
  return new Random(Math.imul(mixed ^ number, 0x9e3779b1) ^ (number >>> 7))
}

interface Timed {
  seed: number
  number: number
  input: Buffer
  slowMs: number
}

/** Other processes want the processor, too: its time is counted, and it may be too long once, not each time. */
async function checkTime(target: Target, { seed, number, input, slowMs }: Timed): Promise<void> {
  let fastest = Infinity
  for (let i = 0; i < SLOW_TRIES; i++) {
    const random = inputRandom(target.name, seed, number)
    const before = process.cpuUsage()
    await target.run(input, random)
    const { user, system } = process.cpuUsage(before)
    fastest = Math.min(fastest, (user + system) / 1000)
    if (fastest < slowMs) return
  }
  throw new Error(`it takes ${Math.round(fastest)} ms`)
}

function checkSize(largest: number, { mostAtOnce = MOST_AT_ONCE }: Target): void {
  if (largest > mostAtOnce)
    throw new Error(`${largest} bytes were allocated at once, allowed are ${mostAtOnce}`)
}

const MAKERS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const

/** Sees what is asked for by the sizes that an input says. */
class LargestAllocation {
  bytes = 0
  readonly #own = new Map(MAKERS.map(name => [name, Object.getOwnPropertyDescriptor(Buffer, name)]))

  constructor() {
    const alloc = Buffer.alloc.bind(Buffer)
    const allocUnsafe = Buffer.allocUnsafe.bind(Buffer)
    const allocUnsafeSlow = Buffer.allocUnsafeSlow.bind(Buffer)
    Buffer.allocUnsafe = size => allocUnsafe(this.#seen(size))
    Buffer.allocUnsafeSlow = size => allocUnsafeSlow(this.#seen(size))
    Buffer.alloc = (size, ...fill: []) => alloc(this.#seen(size), ...fill)
  }

  restore(): void {
    for (const [name, own] of this.#own) if (own !== undefined) Object.defineProperty(Buffer, name, own)
  }

  #seen(size: number): number {
    if (size > this.bytes) this.bytes = size
    return size
  }
}
