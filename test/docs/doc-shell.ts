/** A place to run the examples of the documents in: a folder, the bins as after an install, and an NSQ on ports of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cluster, type Endpoint } from '../../src/cli/dev/cluster.ts'
import { clusterEnvironment } from '../../src/cli/dev/report.ts'
import { Logger } from '../../src/util/logger.ts'
import { withAddresses } from '../support/addresses.ts'
import { type Block, ROOT } from './markdown.ts'
import { programs } from './options.ts'

const PATIENCE_MS = 60_000

export class DocShell {
  readonly folder: string
  readonly #cluster: Cluster

  static async start(): Promise<DocShell> {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-docs-'))
    await makeBins(join(folder, 'bin'))
    const cluster = await Cluster.start({
      nsqds: 1,
      lookupds: 1,
      dataPath: join(folder, 'data'),
      topics: [],
      logger: () => new Logger({ prefix: '', level: 3, write: () => {} }),
      ports: { nsqd: 0, lookupd: 0 },
    })
    return new DocShell(folder, cluster)
  }

  private constructor(folder: string, cluster: Cluster) {
    this.folder = folder
    this.#cluster = cluster
  }

  async close(): Promise<void> {
    await this.#cluster.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The HTTP API of the nsqd. */
  get nsqdHttp(): string {
    return one(this.#cluster.nsqds).http
  }

  /** With the addresses of this cluster for those that everybody starts with. */
  here(text: string): string {
    const [nsqd, lookupd] = [one(this.#cluster.nsqds), one(this.#cluster.lookupds)]
    return withAddresses(text, {
      '127.0.0.1:4150': nsqd.tcp,
      '127.0.0.1:4151': nsqd.http,
      '127.0.0.1:4161': lookupd.http,
    })
  }

  start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const path = `${join(this.folder, 'bin')}${delimiter}${process.env['PATH']}`
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { ...process.env, ...clusterEnvironment(this.#cluster), PATH: path, TMPDIR: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
    })
    return new Running(child)
  }

  /** Runs an example, and compares what it prints with its lines that begin with `# → `. */
  async check(text: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const script = this.here(text)
    const { code, out, err } = await this.start('bash', ['-e', '-o', 'pipefail', '-c', script], env).finished
    assert.equal(code, 0, err)
    const expected = Array.from(text.matchAll(/^# → (.*)$/gm), ([, line]) => `${line}\n`)
    // Some wc put spaces before a number.
    assert.equal(out.replaceAll(/^ +/gm, ''), expected.join(''))
  }
}

/** The examples that say what they print. */
export function checkable(blocks: readonly Block[]): Block[] {
  return blocks.filter(({ language, text }) => language === 'sh' && text.includes('# → '))
}

interface Finished {
  code: number | null
  out: string
  err: string
}

/** A process, and what it has printed so far. */
export class Running {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  readonly #texts = { out: '', err: '' }

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#texts.out += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#texts.err += text))
    this.finished = once(child, 'close').then(() => ({ code: child.exitCode, ...this.#texts }))
  }

  /** Resolves when this has been printed; rejects when the process ends without it. */
  async prints(text: string): Promise<void> {
    const ended = this.finished.then(({ out, err }) => assert.ok(out.includes(text), err))
    while (!this.#texts.out.includes(text)) {
      await Promise.race([ended, this.child.stdout === null ? ended : once(this.child.stdout, 'data')])
    }
  }
}

/** `npx` and the bins of the package, as they are found after an install. */
async function makeBins(folder: string): Promise<void> {
  await mkdir(folder)
  const script = (name: string, command: string): Promise<void> =>
    writeFile(join(folder, name), `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 })
  await script('npx', '"$@"')
  for (const name of programs) {
    const bin = fileURLToPath(new URL(`bin/${name}.js`, ROOT))
    await script(name, `'${process.execPath}' '${bin}' "$@"`)
  }
}

function one(endpoints: readonly Endpoint[]): Endpoint {
  const [endpoint] = endpoints
  assert.ok(endpoint !== undefined)
  return endpoint
}
