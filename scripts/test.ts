/*
 * Runs the tests: all of them, or the files named. They are bundled first, as loading a hundred TypeScript modules
 * through a loader costs each of the many test files more than most of them need for their tests.
 * One file alone runs without this, too: `node --import tsx --test test/nsqd/channel.test.ts`.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Inside node_modules, so that what is imported from there is found. */
const BUNDLES = 'node_modules/.cache/nsq-ts-tests'

/** A module goes on seeing the folder that it was written in. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup(builder) {
    builder.onLoad({ filter: /\.tsx?$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', `'${pathToFileURL(path).href}'`),
      loader: path.endsWith('x') ? 'tsx' : 'ts',
    }))
  },
}

process.chdir(ROOT)
const named = process.argv.slice(2).map(path => relative(ROOT, path))
const files =
  named.length > 0
    ? named
    : readdirSync('test', { recursive: true, encoding: 'utf8' })
        .filter(path => path.endsWith('.test.ts'))
        .map(path => `test/${path}`)
        .sort()

await rm(BUNDLES, { recursive: true, force: true })
await build({
  entryPoints: files,
  outdir: BUNDLES,
  outbase: '.',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  plugins: [ownUrls],
})
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=6',
    '--test-timeout=300000',
    ...files.map(path => `${BUNDLES}/${path.replace(/\.ts$/, '.mjs')}`),
  ],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
