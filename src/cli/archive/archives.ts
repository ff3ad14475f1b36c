import type { NsqError } from '../../util/errors.ts'
import type { Backlog, BacklogWatch } from './backlog.ts'
import type { TopicArchive } from './topic-archive.ts'
import type { Emptying } from './until-empty.ts'

/** How far all topics together are; see `ArchiverProgress`. */
export interface Totals {
  readonly messages: number
  readonly bytes: number
  readonly files: number
  readonly recovered: number
  readonly requeued: number
  readonly waiting: number
  readonly inHand: number
  readonly currentFile: string | undefined
}

export interface ArchivesOptions {
  readonly open: (topic: string) => Promise<TopicArchive>
  readonly watch: (archive: TopicArchive) => BacklogWatch
}

/** Topics whose backlog is asked for at a time. */
const LOOKS = 16

/** The archives of all topics of a run. They come one by one, and go together. */
export class Archives implements Emptying {
  /** Resolves when one of them cannot go on. */
  readonly failed: Promise<NsqError>
  /** What `failed` has resolved with, `close` included. */
  failure: NsqError | undefined
  readonly #options: ArchivesOptions
  readonly #archives: TopicArchive[] = []
  readonly #watches: BacklogWatch[] = []
  readonly #opening = new Set<Promise<unknown>>()
  #fail: (error: NsqError) => void = () => {}
  #isClosing = false

  constructor(options: ArchivesOptions) {
    this.#options = options
    this.failed = new Promise(resolve => {
      this.#fail = error => resolve((this.failure ??= error))
    })
  }

  /** One more topic; nothing comes before it is started. One that comes too late is closed again, and then undefined. */
  async add(topic: string): Promise<TopicArchive | undefined> {
    if (this.#isClosing) return undefined
    const opening = this.#options.open(topic)
    this.#opening.add(opening)
    try {
      const archive = await opening
      void archive.failed.then(this.#fail)
      this.#archives.push(archive)
      this.#watches.push(this.#options.watch(archive))
      return this.#isClosing ? undefined : archive
    } finally {
      this.#opening.delete(opening)
    }
  }

  get size(): number {
    return this.#archives.length
  }

  get topics(): string[] {
    return this.#archives.map(({ topic }) => topic)
  }

  get taken(): number {
    return this.#archives.reduce((sum, archive) => sum + archive.taken, 0)
  }

  get inHand(): number {
    return this.totals.inHand
  }

  get connections(): string[] {
    return [...new Set(this.#archives.flatMap(({ connections }) => connections))]
  }

  get connectionsOfEach(): string[][] {
    return this.#archives.map(({ connections }) => connections)
  }

  /** Topics that no nsqd is connected for. */
  get unconnected(): string[] {
    return this.#archives.filter(({ connections }) => connections.length === 0).map(({ topic }) => topic)
  }

  get totals(): Totals {
    let [messages, bytes, files, recovered, requeued, waiting, inHand] = [0, 0, 0, 0, 0, 0, 0]
    let currentFile: string | undefined
    for (const { progress } of this.#archives) {
      messages += progress.messages
      bytes += progress.bytes
      files += progress.files
      recovered += progress.recovered
      requeued += progress.requeued
      waiting += progress.waiting
      inHand += progress.inHand
      currentFile = progress.currentFile ?? currentFile
    }
    return { messages, bytes, files, recovered, requeued, waiting, inHand, currentFile }
  }

  async look(): Promise<Backlog> {
    const all: Backlog[] = []
    for (let start = 0; start < this.#watches.length; start += LOOKS) {
      all.push(...(await Promise.all(this.#watches.slice(start, start + LOOKS).map(watch => watch.look()))))
    }
    return {
      depth: all.reduce((sum, { depth }) => sum + depth, 0),
      flowing: all.reduce((sum, { flowing }) => sum + flowing, 0),
      inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
      isVoid: all.every(({ isVoid }) => isVoid),
      roundMs: Math.max(0, ...all.map(({ roundMs }) => roundMs)),
      // One nsqlookupd that does not answer does so for all.
      outOfReach: [...new Set(all.flatMap(({ outOfReach }) => outOfReach))],
      paused: all.flatMap(({ paused }) => paused),
    }
  }

  async flush(): Promise<void> {
    await Promise.all(this.#archives.map(archive => archive.flush()))
  }

  hangup(): void {
    for (const archive of this.#archives) archive.hangup()
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.allSettled(this.#opening)
    await Promise.all(this.#archives.map(archive => archive.close()))
  }
}
