import { realpath } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NsqError } from '../util/errors.ts'
import { tryLock, type LockAttempt, type LockHolder } from '../util/lock-file.ts'
import type { ArchiverEvents } from './archiver-options.ts'
import { Deliveries, type Delivery } from './deliveries.ts'
import type { Destination } from './destination.ts'
import { writeFailed } from './errors.ts'
import { FolderClaim } from './folder-claim.ts'
import { makeFolders, STATE_FOLDER } from './folders.ts'
import type { Manifest } from './manifest.ts'
import { findKeys, findMarkers, removeUnfinishedMarkers } from './marker.ts'
import { recoverPart, type RecoveryPlan } from './recovery.ts'
import { Slots } from '../util/slots.ts'

export interface PartFolderOptions {
  /** Created when missing. */
  readonly path: string
  /** Opens the destination of parts that an earlier run has left, when it is not this run's; rejects when there is no way to it. */
  readonly openDestination: (id: string) => Promise<Destination>
  readonly events: Pick<ArchiverEvents, 'recovered' | 'delivered' | 'warned'>
}

/** What was left of a key. */
export interface Remains {
  /** How many files were mended. */
  readonly files: number
  /** What is to be delivered of them. */
  readonly deliveries: readonly Delivery[]
}

const RECOVERY = 'recovery'
/** How long somebody else's recovery is waited for. */
const PATIENCE_MS = 60_000
const POLL_MS = 50
/** Compressions, writes, and deliveries that may be under way at a time, of all archivers together. */
const COMPRESSIONS = 16
const WRITES = 16
const DELIVERIES = 4

/**
 * A folder in which files are being written, by this process or by others. A key stands for the names that an archiver
 * makes; it has a lock, and a marker for each file that is being written, so that files whose writer is gone are found.
 */
export class PartFolder {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** How many of them may be under way here. */
  readonly compressions: Slots = new Slots(COMPRESSIONS)
  readonly writes: Slots = new Slots(WRITES)
  readonly deliveries: Slots = new Slots(DELIVERIES)
  readonly #options: PartFolderOptions
  readonly #state: string
  readonly #recovery: Deliveries
  readonly #destinations = new Map<string, Promise<Destination>>()
  /** Keys whose remains `recover` delivers, which may take as long as S3 cannot be reached. */
  readonly #delivering = new Map<string, Delivering>()
  #recovered = 0
  /** Files that could not be mended. */
  #stuck = 0

  private constructor(options: PartFolderOptions, path: string) {
    this.#options = options
    this.path = path
    this.#state = join(path, STATE_FOLDER)
    const { events } = options
    this.#recovery = new Deliveries(this.deliveries, {
      delivered: (part, delivered) => events.delivered(part, delivered),
      warned: error => events.warned(error),
      failed: error => events.warned(error),
    })
  }

  /** @throws NsqError `E_ARCHIVE_WRITE` when the folder cannot be made or written to */
  static async open(options: PartFolderOptions): Promise<PartFolder> {
    try {
      const absolute = resolve(options.path)
      await makeFolders(absolute, absolute)
      const path = await realpath(absolute)
      await makeFolders(join(path, STATE_FOLDER), path)
      return new PartFolder(options, path)
    } catch (error) {
      throw writeFailed(options.path, error)
    }
  }

  /** Files that `recover` has mended; and how many of those are not delivered, or could not be mended by anybody. */
  get recovered(): { readonly files: number; readonly waiting: number } {
    return { files: this.#recovered, waiting: this.#recovery.waiting + this.#stuck }
  }

  /**
   * Keeps all others from the names of this key. When another process is just mending files of such names, that is waited for.
   *
   * @throws NsqError `E_ARCHIVE_LOCKED`, `E_ARCHIVE_WRITE`
   */
  async claim(key: string): Promise<FolderClaim> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const shared = this.#delivering.get(key)?.lock.share()
      if (shared !== undefined) return this.#claimed(key, shared)
      const attempt = this.#lock(key)
      if (attempt.release !== undefined) return this.#claimed(key, attempt.release)
      const { holder } = attempt
      if (holder?.purpose !== RECOVERY || performance.now() > deadline) throw this.#locked(key, holder)
      await delay(POLL_MS)
    }
  }

  /** Mends what is left of this key, whose lock the caller has. */
  async recoverKey(key: string, destination: Destination, manifest: Manifest | undefined): Promise<Remains> {
    let files = 0
    const deliveries: Delivery[] = []
    const { events } = this.#options
    const plan: RecoveryPlan = {
      folder: this.path,
      destination,
      manifest,
      openDestination: id => this.#destination(id),
      events: {
        warned: error => events.warned(error),
        recovered: (...recovered) => {
          files++
          events.recovered(...recovered)
        },
      },
    }
    for (const found of await findMarkers(this.#state)) {
      if (found.key !== key || this.#delivering.get(key)?.markers.has(found.path)) continue
      try {
        const delivery = await recoverPart(plan, found)
        if (delivery !== undefined) deliveries.push(delivery)
      } catch (error) {
        this.#stuck++
        events.warned(writeFailed(found.path, error))
      }
    }
    await removeUnfinishedMarkers(this.#state, key)
    return { files, deliveries }
  }

  /**
   * Mends what runs that died have left here, whatever the names, and begins to deliver it: all but what archivers hold
   * that are open, of this process or of others. Best called when the archivers of this run are open: each sees to its own.
   *
   * @throws NsqError `E_ARCHIVE_WRITE` when the folder cannot be read
   */
  async recover(destination: Destination, manifest: Manifest | undefined): Promise<void> {
    try {
      for (const key of await findKeys(this.#state)) {
        const attempt = this.#lock(key, RECOVERY)
        if (attempt.release === undefined) {
          this.#warnOfOtherHost(key, attempt.holder)
          continue
        }
        const { release } = attempt
        const remains = await this.recoverKey(key, destination, manifest).catch((error: unknown) => {
          release()
          throw error
        })
        this.#recovered += remains.files
        void this.#deliver(key, release, remains.deliveries)
      }
    } catch (error) {
      throw writeFailed(this.path, error)
    }
  }

  /** Waits until what `recover` has found is delivered, with the patience of `Archiver.close`. Archivers are closed before. */
  async close(): Promise<void> {
    await this.#recovery.close()
    const opened = await Promise.allSettled(this.#destinations.values())
    for (const result of opened) if (result.status === 'fulfilled') await result.value.close()
  }

  async #deliver(key: string, release: () => void, deliveries: readonly Delivery[]): Promise<void> {
    const lock = new SharedLock(release)
    const done = lock.share()
    this.#delivering.set(key, { lock, markers: new Set(deliveries.map(({ markerPath }) => markerPath)) })
    await Promise.all(deliveries.map(delivery => this.#recovery.add(delivery)))
    this.#delivering.delete(key)
    done()
  }

  #lock(key: string, purpose?: string): LockAttempt {
    try {
      const options = { hostname: hostname(), ...(purpose === undefined ? {} : { purpose }) }
      const attempt = tryLock(this.#lockPath(key), options)
      return attempt.release === undefined ? attempt : { release: () => giveBack(attempt.release) }
    } catch (error) {
      throw writeFailed(this.#lockPath(key), error)
    }
  }

  #lockPath(key: string): string {
    return join(this.#state, `${key}.lock`)
  }

  async #claimed(key: string, release: () => void): Promise<FolderClaim> {
    try {
      return await FolderClaim.open({ folder: this.path, state: this.#state, key, release })
    } catch (error) {
      release()
      throw writeFailed(this.#state, error)
    }
  }

  #destination(id: string): Promise<Destination> {
    let destination = this.#destinations.get(id)
    if (destination === undefined) {
      destination = this.#options.openDestination(id)
      this.#destinations.set(id, destination)
    }
    return destination
  }

  #locked(key: string, holder: LockHolder | undefined): NsqError {
    const who =
      holder === undefined
        ? 'another process'
        : isElsewhere(holder)
          ? `process ${holder.pid} of ${holder.hostname}`
          : `process ${holder.pid}`
    const remedy =
      holder !== undefined && isElsewhere(holder)
        ? `Stop it, or, when it is gone for good, remove ${this.#lockPath(key)}.`
        : 'Stop it, or let this one write other names: --filename-format, --host-identifier, or another folder.'
    return new NsqError('E_ARCHIVE_LOCKED', `${who} writes files of the same names in ${this.path}`, {
      remedy,
    })
  }

  /** Whether that process still runs cannot be asked from here. */
  #warnOfOtherHost(key: string, holder: LockHolder | undefined): void {
    if (holder === undefined || !isElsewhere(holder)) return
    const message = `files in ${this.path} are left to process ${holder.pid} of ${holder.hostname}, which may be gone`
    const remedy = `If it is gone for good, remove ${this.#lockPath(key)}: the next run sees to its files.`
    this.#options.events.warned(new NsqError('E_ARCHIVE_RECOVERY', message, { remedy }))
  }
}

/** What is being delivered of a key, so that an archiver of this process may begin all the same. */
interface Delivering {
  readonly lock: SharedLock
  readonly markers: ReadonlySet<string>
}

/** A lock that several of this process have. */
class SharedLock {
  readonly #release: () => void
  #holders = 0

  constructor(release: () => void) {
    this.#release = release
  }

  /** Returns what gives this share back; with the last one goes the lock. To be called once. */
  share(): () => void {
    this.#holders++
    return () => {
      if (--this.#holders === 0) this.#release()
    }
  }
}

/** One that cannot be removed is taken over when this process is gone. */
function giveBack(release: () => void): void {
  try {
    release()
  } catch {}
}

function isElsewhere(holder: LockHolder): boolean {
  return holder.hostname !== undefined && holder.hostname !== hostname()
}
