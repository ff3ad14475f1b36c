import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { S3Server } from '../support/s3-server.ts'

/** Remembers the objects of a bucket, and sees to it that each stays as it was when it was first seen. */
export class Bucket {
  readonly #server: S3Server
  readonly #name: string
  /** Where each object is written to when it is first seen. */
  readonly #folder: string
  readonly #hashes = new Map<string, string>()

  constructor(server: S3Server, name: string, folder: string) {
    this.#server = server
    this.#name = name
    this.#folder = folder
  }

  /** Checks what is known, and takes notice of what is there now. */
  async look(): Promise<void> {
    const objects = await this.#server.objects(this.#name)
    for (const key of this.#hashes.keys()) {
      if (!objects.has(key)) throw new Error(`${key} was in the bucket, and is lost`)
    }
    for (const [key, bytes] of objects) {
      // A run lists its files in a manifest that it writes again and again.
      if (!key.endsWith('.manifest.jsonl')) this.#lookAt(key, bytes)
    }
  }

  #lookAt(key: string, bytes: Buffer): void {
    const hash = createHash('sha256').update(bytes).digest('hex')
    const before = this.#hashes.get(key)
    if (before === hash) return
    if (before !== undefined) throw new Error(`${key} is not what it was`)
    this.#hashes.set(key, hash)
    const path = join(this.#folder, key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
}
