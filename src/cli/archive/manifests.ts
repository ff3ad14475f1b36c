import type { Destination } from '../../archive/destination.ts'
import { type Manifest, openManifest } from '../../archive/manifest.ts'

/** The manifests of a run, one for each topic. */
export class Manifests {
  readonly #destination: Destination
  readonly #host: string
  readonly #open = new Map<string, Manifest>()

  /** `host`: as it stands in the names of files. */
  constructor(destination: Destination, host: string) {
    this.#destination = destination
    this.#host = host
  }

  of(topic: string): Manifest {
    let manifest = this.#open.get(topic)
    if (manifest === undefined) {
      manifest = openManifest(this.#destination, `${topic}.${this.#host}`)
      this.#open.set(topic, manifest)
    }
    return manifest
  }

  /** Not before everything was added. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(manifest => manifest.close()))
  }
}
