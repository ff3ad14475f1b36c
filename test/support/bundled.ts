import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { FOR_NODE } from '../../scripts/bundle.ts'

/** Inside node_modules, so that what is imported from there is found. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/nsq-ts-programs/', import.meta.url))

/**
 * Makes one file of a TypeScript module and what it imports, for processes that a test starts again and again: loading the
 * modules through a loader costs each of them more than a quarter of a second of processor time. Gives the file's URL; it is
 * gone when this process ends.
 */
export async function bundled(module: URL): Promise<string> {
  await mkdir(FOLDER, { recursive: true })
  const folder = mkdtempSync(FOLDER)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'bundle.mjs')
  await build({
    ...FOR_NODE,
    entryPoints: [fileURLToPath(module)],
    outfile: path,
    packages: 'external',
    sourcemap: 'inline',
    sourcesContent: false,
  })
  return pathToFileURL(path).href
}
