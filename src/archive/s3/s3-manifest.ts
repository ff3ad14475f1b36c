import type { ManifestFile } from '../manifest.ts'
import type { S3Destination } from './s3-destination.ts'

/** A manifest in S3, where nothing can be appended to: it is written whole each time. */
export class S3ManifestFile implements ManifestFile {
  readonly #destination: S3Destination
  readonly #name: string
  #text = ''

  constructor(destination: S3Destination, name: string) {
    this.#destination = destination
    this.#name = name
  }

  async append(lines: string): Promise<void> {
    const text = this.#text + lines
    await this.#destination.put(this.#name, Buffer.from(text), 'application/x-ndjson')
    this.#text = text
  }

  async close(): Promise<void> {}
}
