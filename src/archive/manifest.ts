import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Delivered, Destination, SealedPart } from './destination.ts'
import { FolderManifestFile } from './folder-manifest.ts'
import { MANIFEST_SUFFIX, manifestLine } from './manifest-line.ts'
import { uniqueRevision } from './revisions.ts'
import { S3Destination } from './s3/s3-destination.ts'
import { S3ManifestFile } from './s3/s3-manifest.ts'

/** The list of what a run has delivered: one JSON line a part, beside the parts. `archive verify` checks it. */
export interface Manifest {
  /**
   * Resolves when the line of this part is durable. May be called again for a part after an error, or by a later run: a
   * part that is listed twice is no fault. `part.path` must still be there where `part.sha256` is undefined.
   *
   * @throws NsqError when it cannot be written: as `Destination.deliver`, and to be told as transient by the same
   */
  add(part: SealedPart, delivered: Delivered): Promise<void>
  /** Not before every `add` has ended. */
  close(): Promise<void>
}

/** A manifest is written whole with each part, in S3: it may not become large. */
const MOST_PARTS = 1000

/** What lines are written to. Nothing more comes before `append` has ended. */
export interface ManifestFile {
  /** Resolves when the lines are durable, after those before. After it has rejected, they are appended again, or never. */
  append(lines: string): Promise<void>
  close(): Promise<void>
}

/**
 * The manifest of a run, in the folder that `destination` names, or under its prefix. A file appears with the first part:
 *
 *     LABEL-20260102T150405Z-0123abcd.manifest.jsonl
 *
 * @param label - what its name begins with: a topic and a host, so that those of many machines lie side by side
 */
export function openManifest(destination: Destination, label: string): Manifest {
  const base = label.replaceAll(/[/\0]/g, '_') + uniqueRevision(Date.now())
  return new RunManifest(base, name =>
    destination instanceof S3Destination
      ? new S3ManifestFile(destination, name)
      : new FolderManifestFile(destination.id, name),
  )
}

/** Parts that are added while a write is under way go into the next one together. */
class RunManifest implements Manifest {
  readonly #base: string
  readonly #create: (name: string) => ManifestFile
  #file: ManifestFile | undefined
  /** Lines in the file. */
  #count = 0
  #files = 0
  #waiting: string[] = []
  /** The write that will have what waits. */
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(base: string, create: (name: string) => ManifestFile) {
    this.#base = base
    this.#create = create
  }

  async add(part: SealedPart, { name }: Delivered): Promise<void> {
    const line = manifestLine(part, name, part.sha256 ?? (await sha256Of(part.path)))
    this.#waiting.push(line)
    this.#next ??= this.#writeNext()
    await this.#next
  }

  async close(): Promise<void> {
    await this.#last
    await this.#file?.close()
  }

  #writeNext(): Promise<void> {
    const write = this.#last.then(() => {
      this.#next = undefined
      const lines = this.#waiting
      this.#waiting = []
      return this.#write(lines)
    })
    this.#last = write.catch(() => {})
    return write
  }

  async #write(lines: readonly string[]): Promise<void> {
    for (let at = 0; at < lines.length;) {
      if (this.#file === undefined || this.#count >= MOST_PARTS) {
        await this.#file?.close()
        this.#file = this.#create(this.#name())
        this.#count = 0
      }
      const some = lines.slice(at, at + MOST_PARTS - this.#count)
      await this.#file.append(some.join(''))
      this.#count += some.length
      at += some.length
    }
  }

  #name(): string {
    const number = this.#files++
    return `${this.#base}${number === 0 ? '' : `-${number + 1}`}${MANIFEST_SUFFIX}`
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(chunk)
  return hash.digest('hex')
}
