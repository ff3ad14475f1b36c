/** Runs the programs in the documents, each against an NSQ of this test's own, and compares what they print. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { transform } from 'esbuild'
import { Cluster } from '../../src/cli/dev/cluster.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { type SecuredNsqd, startSecuredNsqd } from '../support/secured-nsqd.ts'
import { until } from '../support/wait.ts'
import { withAddresses } from '../support/addresses.ts'
import { blocks, page, ROOT } from './markdown.ts'

let folder = ''
let cluster: Cluster
let secured: SecuredNsqd
/** What the examples say, and what it is here. */
let here: Record<string, string> = {}
const workingDirectory = process.cwd()

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nsq-ts-examples-'))
  cluster = await Cluster.start({
    nsqds: 2,
    lookupds: 1,
    dataPath: join(folder, 'data'),
    topics: [],
    logger: () => new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }),
    ports: { nsqd: 0, lookupd: 0 },
  })
  secured = await startSecuredNsqd()
  const [first, second] = cluster.nsqds
  here = {
    'nsqd.example.com:4150': secured.address,
    '127.0.0.1:4150': first?.tcp ?? '',
    '127.0.0.1:4151': first?.http ?? '',
    '127.0.0.1:4250': second?.tcp ?? '',
    '127.0.0.1:4161': cluster.lookupds[0]?.http ?? '',
  }
  // Where the examples find the certificates.
  process.chdir(secured.folder)
  process.env['NSQ_AUTH_SECRET'] = secured.secret
})

after(async () => {
  process.chdir(workingDirectory)
  await secured.close()
  await cluster.close()
  await rm(folder, { recursive: true, force: true })
})

for (const path of ['docs/client.md', 'docs/errors.md', 'docs/nestjs.md']) {
  describe(path, () => {
    const programs = blocks(page(path)).filter(({ language }) => language === 'ts')
    test('has programs', () => assert.ok(programs.length > 0))
    programs.forEach(({ section, text }, index) => {
      test(`${section} (${index + 1})`, async () => {
        const file = join(folder, `${path.replaceAll(/\W/g, '-')}-${index}.mjs`)
        const { code } = await transform(withModules(withAddresses(text, here)), {
          loader: 'ts',
          tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
        })
        await writeFile(file, code)
        const expected = Array.from(text.matchAll(/\/\/ → (.*)$/gm), ([, line = '']) => line)
        assert.deepEqual(await run(file, expected.length), expected)
      })
    })
  })
}

const OWN_MODULES = new Map([
  ['nsq-ts', 'dist/index.js'],
  ['nsq-ts/nestjs', 'dist/nestjs/index.js'],
])

/** Modules are looked for beside a program, and there are none: they are those of this package. */
function withModules(text: string): string {
  return text.replaceAll(/(?<=^import | from )'([^']+)'/gm, (whole, name: string) => {
    if (name.startsWith('node:')) return whole
    const own = OWN_MODULES.get(name)
    return JSON.stringify(own === undefined ? import.meta.resolve(name) : new URL(own, ROOT).href)
  })
}

/** Runs a program in this process until it has printed so many lines, and returns them. */
async function run(file: string, lineCount: number): Promise<string[]> {
  const lines: string[] = []
  const { log } = console
  const others = new Set(process.listeners('SIGTERM'))
  console.log = (...values: unknown[]) => lines.push(...format(...values).split('\n'))
  try {
    await import(pathToFileURL(file).href)
    await until(() => lines.length >= lineCount)
    // A service runs until it is told to stop.
    for (const listener of process.listeners('SIGTERM')) {
      if (!others.has(listener)) listener('SIGTERM')
    }
    return lines
  } finally {
    console.log = log
  }
}
