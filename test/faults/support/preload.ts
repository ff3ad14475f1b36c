import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** A module that is loaded before a program of Node, in one file of JavaScript. */
export class Preload {
  readonly #url: URL

  private constructor(url: URL) {
    this.#url = url
  }

  /** @param source - of the module, in this folder */
  static async build(source: string): Promise<Preload> {
    const outfile = join(temporaryFolder(), 'preload.mjs')
    await build({
      entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
    })
    return new Preload(pathToFileURL(outfile))
  }

  /** A launcher for `Spawned` that loads it with these parameters in its address. */
  launcher(parameters: Record<string, string>): string[] {
    const url = new URL(`?${new URLSearchParams(parameters).toString()}`, this.#url)
    return ['env', `NODE_OPTIONS=--import=${url.href}`]
  }
}
