import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { NsqError } from '../util/errors.ts'
import type { Delivered, Destination, SealedPart } from './destination.ts'
import { writeFailed } from './errors.ts'
import { removeFile } from './folders.ts'
import type { Manifest } from './manifest.ts'
import type { Slots } from '../util/slots.ts'

/** A part on its way. */
export interface Delivery {
  readonly part: SealedPart
  readonly markerPath: string
  readonly destination: Destination
  readonly manifest: Manifest | undefined
}

export interface DeliveryEvents {
  delivered(part: SealedPart, delivered: Delivered): void
  /** It will be tried again, by this run or by the next. */
  warned(error: NsqError): void
  /** What stops all deliveries to this destination. */
  failed(error: NsqError, destination: Destination): void
}

/** The first wait before another attempt; each is twice the one before. */
const RETRY_MS = 1000
const LONGEST_RETRY_MS = 60_000
/** How long `close` tries again. */
const CLOSE_MS = 10_000

/**
 * Brings parts to their destination, a few at a time: to the destination itself, into the manifest, out of the folder, and
 * last the marker goes. An error that may pass is tried again until `close`, and then for ten seconds; another one ends all
 * that goes to the same destination. What is not delivered keeps its marker, and so the next run delivers it.
 */
export class Deliveries {
  readonly #slots: Slots
  readonly #events: DeliveryEvents
  readonly #retryMs: number
  readonly #running = new Set<Promise<void>>()
  /** Of each destination: nothing more is brought there. */
  readonly #ends = new Map<Destination, AbortController>()
  readonly #closing = new AbortController()
  #deadline = Infinity
  #waiting = 0

  /** `slots`: how many there may be under way, shared with others. */
  constructor(slots: Slots, events: DeliveryEvents, retryMs: number = RETRY_MS) {
    this.#slots = slots
    this.#events = events
    this.#retryMs = retryMs
  }

  /** Parts that were added and not delivered. */
  get waiting(): number {
    return this.#waiting
  }

  /** Resolves when it was delivered, or is left to the next run. */
  add(delivery: Delivery): Promise<void> {
    this.#waiting++
    const run = this.#run(delivery).finally(() => this.#running.delete(run))
    this.#running.add(run)
    return run
  }

  /** One attempt, for who wants to know how it ended. */
  async once(delivery: Delivery): Promise<Delivered> {
    return this.#slots.use(() => this.#attempt(delivery, {}))
  }

  /** Resolves when there is nothing more to do, or nothing more will be tried. */
  async close(): Promise<void> {
    this.#deadline = Math.min(this.#deadline, performance.now() + CLOSE_MS)
    this.#closing.abort()
    await Promise.all(this.#running)
  }

  async #run(delivery: Delivery): Promise<void> {
    const { destination, part } = delivery
    const progress: Progress = {}
    const end = this.#endOf(destination)
    for (let attempt = 0; !end.signal.aborted; attempt++) {
      try {
        const delivered = await this.#slots.use(() => this.#attempt(delivery, progress))
        this.#waiting--
        this.#events.delivered(part, delivered)
        return
      } catch (error) {
        // The first one has said why.
        if (end.signal.aborted) return
        const reason = writeFailed(part.path, error)
        if (!destination.isTransient(error)) {
          end.abort(reason)
          this.#events.failed(reason, destination)
          return
        }
        this.#events.warned(reason)
        if (performance.now() > this.#deadline) end.abort(reason)
        else await this.#pause(attempt)
      }
    }
  }

  async #attempt(
    { part, markerPath, destination, manifest }: Delivery,
    progress: Progress,
  ): Promise<Delivered> {
    const { signal } = this.#endOf(destination)
    signal.throwIfAborted()
    progress.delivered ??= await destination.deliver(part, signal)
    await manifest?.add(part, progress.delivered)
    if (destination.kind !== 'in place') {
      // Durably: a file without a marker would be nobody's.
      await removeFile(part.path, part.path.slice(0, -part.name.length - 1))
    }
    await rm(markerPath, { force: true })
    return progress.delivered
  }

  #endOf(destination: Destination): AbortController {
    const end = this.#ends.get(destination) ?? new AbortController()
    this.#ends.set(destination, end)
    return end
  }

  /** Until `close`, which wants to know at once. */
  async #pause(attempt: number): Promise<void> {
    const { signal } = this.#closing
    if (signal.aborted) await delay(this.#retryMs)
    else
      await delay(Math.min(LONGEST_RETRY_MS, this.#retryMs * 2 ** attempt), undefined, { signal }).catch(
        () => {},
      )
  }
}

/** How far a delivery has got in earlier attempts. */
interface Progress {
  delivered?: Delivered
}
