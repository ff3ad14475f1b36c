/*
 * Runs the tests: all of them, or the files named. They are bundled first, as loading a hundred TypeScript modules
 * through a loader costs each of the many test files more than most of them need for their tests. For the same reason
 * the files of a folder share processes, one behind the other.
 * One file alone runs without this, too: `node --import tsx --test test/nsqd/channel.test.ts`.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { ownUrls, SEVERAL_FOR_NODE } from './bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Beside node_modules, so that what is imported from there is found; within it Node 22 and later see no tests. */
const BUNDLES = '.tests'

/** So many files are one process at most. More would save little, and the last one would be waited for. */
const TOGETHER = 8
/**
 * What has processes of its own: folders of files that take long, and files that change what a whole process shares. (Hooks
 * outside of a `describe` are for all files of a process, too.)
 */
const ALONE = [
  'test/archive-faults/',
  'test/bench/',
  'test/conformance/',
  'test/docs/',
  'test/faults/',
  'test/fuzz/',
  'test/interop/',
  'test/soak/',
  'test/client/tracing.test.ts',
  'test/client/consumer/consumer-tracing.test.ts',
  'test/net/snappy-missing.test.ts',
]

const SEVERAL = 'several:'

/** The files of each process, by the name that its module gets. */
const processes = new Map<string, string[]>()
/** Modules that are several files. */
const several: Plugin = {
  name: 'several',
  setup(builder) {
    builder.onResolve({ filter: /^several:/ }, ({ path }) => ({ path, namespace: 'several' }))
    builder.onLoad({ filter: /./, namespace: 'several' }, ({ path }) => ({
      contents:
        processes
          .get(path.slice(SEVERAL.length))
          ?.map(file => `import './${file}'`)
          .join('\n') ?? '',
      resolveDir: ROOT,
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

for (const file of files) {
  const siblings = files.filter(path => dirname(path) === dirname(file))
  const groups = Math.ceil(siblings.length / TOGETHER)
  const number = Math.floor((siblings.indexOf(file) * groups) / siblings.length) + 1
  const isAlone = ALONE.some(path => file.startsWith(path))
  const name = isAlone ? file : `${dirname(file)}-${number}`
  processes.set(name, [...(processes.get(name) ?? []), file])
}

await rm(BUNDLES, { recursive: true, force: true })
await build({
  ...SEVERAL_FOR_NODE,
  entryPoints: [...processes.keys()].map(name => ({ in: SEVERAL + name, out: name })),
  outdir: BUNDLES,
  packages: 'external',
  sourcemap: 'inline',
  // They are there, and each process would read them all once more.
  sourcesContent: false,
  plugins: [several, ownUrls],
})
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=6',
    '--test-timeout=300000',
    // Whatever reads it: this reporter says at its end once more what failed, and why.
    '--test-reporter=spec',
    ...[...processes.keys()].map(name => `${BUNDLES}/${name}.mjs`),
  ],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
