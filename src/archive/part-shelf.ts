import { rm } from 'node:fs/promises'
import { NsqError } from '../util/errors.ts'
import type { ArchiverOptions } from './archiver-options.ts'
import { Deliveries, type Delivery } from './deliveries.ts'
import type { FolderClaim } from './folder-claim.ts'
import { removeFile } from './folders.ts'
import { IN_PLACE } from './marker.ts'
import { OpenParts } from './open-parts.ts'
import { Part, type ClosedPart, type PartPlan } from './part.ts'
import { Revisions } from './revisions.ts'

export interface PartShelfEvents {
  /** Nothing more can be delivered. */
  failed(error: NsqError): void
}

/** The parts of an archiver, from the first message to the destination: open -> sealed -> closed -> delivered. */
export class PartShelf {
  readonly parts: OpenParts
  /** The name of the file that was opened last. */
  currentFile: string | undefined
  /** Files that were delivered, but for those that others have left. */
  delivered = 0
  readonly #options: ArchiverOptions
  readonly #plan: PartPlan
  readonly #deliveries: Deliveries
  /** Of parts that are not closed. */
  readonly #unclosed = new Set<Promise<void>>()
  /** Files that nothing more can be done about. */
  #left = 0

  constructor(options: ArchiverOptions, claim: FolderClaim, events: PartShelfEvents) {
    this.#options = options
    this.#plan = this.#planParts(claim)
    this.parts = new OpenParts({
      ...options,
      create: (template, nowMs, predecessor) => this.#create(template, nowMs, predecessor),
    })
    this.#deliveries = new Deliveries(options.folder.deliveries, {
      delivered: (part, delivered) => {
        if (!part.recovered) this.delivered++
        options.events.delivered(part, delivered)
      },
      warned: error => options.events.warned(error),
      // Where only what earlier runs have left belongs is no place that this one needs.
      failed: (error, destination) =>
        destination === options.destination ? events.failed(error) : options.events.warned(error),
    })
  }

  /** Files that are complete, or cannot be completed, and are not delivered. */
  get waiting(): number {
    return this.#deliveries.waiting + this.#left
  }

  /** Whether there is a file for each time, with messages or without. */
  get keepsEmptyFiles(): boolean {
    return this.#plan.isKeptEmpty
  }

  /** Delivers in the background, with all patience. */
  deliver(delivery: Delivery): void {
    void this.#deliveries.add(delivery)
  }

  /** Delivers a part that is closed, or sees to it that nothing is left of it, and rejects. */
  async deliverNow(part: Part): Promise<void> {
    const closed = await part.closed
    if (closed === undefined) throw new NsqError('E_ARCHIVE_WRITE', `${part.template} could not be closed`)
    try {
      const delivered = await this.#deliveries.once(this.#deliveryOf(closed))
      this.delivered++
      this.#options.events.delivered(closed.part, delivered)
    } catch (error) {
      // Without its marker it would be nobody's; with it the next run removes it.
      await removeFile(closed.part.path, this.#options.folder.path)
        .then(() => rm(closed.markerPath, { force: true }))
        .catch(() => {})
      throw error
    }
  }

  /** Seals all, and waits until they are delivered or left to the next run. What was gathered must be committed, or dropped. */
  async close(): Promise<void> {
    this.parts.sealAll()
    await Promise.all(this.#unclosed)
    await this.#deliveries.close()
  }

  #create(template: string, nowMs: number, predecessor: Promise<unknown>): Part {
    const part = new Part(this.#plan, template, nowMs, predecessor)
    const run = this.#see(part).finally(() => this.#unclosed.delete(run))
    this.#unclosed.add(run)
    return part
  }

  async #see({ closed }: Part): Promise<void> {
    const part = await closed
    if (part !== undefined && this.#options.finishAfter === 'durable') this.deliver(this.#deliveryOf(part))
  }

  #deliveryOf(closed: ClosedPart): Delivery {
    const { destination, manifest } = this.#options
    return { ...closed, destination, manifest }
  }

  #planParts(claim: FolderClaim): PartPlan {
    const { topic, channel, names, format, compression, folder, destination, manifest } = this.#options
    const { finishAfter, rotateBytes, rotateIntervalMs, keepsEmptyFiles, events } = this.#options
    const isPlain = compression.name === 'none' && rotateIntervalMs === 0 && manifest === undefined
    const origin = {
      topic,
      channel,
      framing: format.name,
      compression: compression.name,
      destination: destination.kind === 'in place' ? IN_PLACE : destination.id,
      isAppended: destination.kind === 'in place' && isPlain,
      finishAfter,
    }
    return {
      claim,
      origin,
      compression,
      rotateBytes,
      compressions: folder.compressions,
      writes: folder.writes,
      revisions: destination.kind === 's3' ? undefined : new Revisions(),
      hasChecksum: manifest !== undefined,
      hasTimes: manifest !== undefined,
      isKeptEmpty: keepsEmptyFiles && destination.kind !== 's3' && !names.isPartitioned,
      opened: ({ name, path, isContinued }) => {
        this.currentFile = name
        events.opened(path, isContinued)
      },
      left: error => {
        this.#left++
        events.warned(error)
      },
    }
  }
}
