/** Runs the README's examples, each in a folder of its own, against an NSQ on ports of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Cluster, type Endpoint } from '../../src/cli/dev/cluster.ts'
import { clusterEnvironment } from '../../src/cli/dev/report.ts'
import { Logger } from '../../src/util/logger.ts'
import { blocks, page, ROOT } from './markdown.ts'
import { programs } from './options.ts'

const PATIENCE_MS = 60_000

const examples = blocks(page('README.md'))

describe('README', () => {
  let folder = ''
  let cluster: Cluster

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nsq-ts-readme-'))
    await makeBins(join(folder, 'bin'))
    cluster = await Cluster.start({
      nsqds: 1,
      lookupds: 1,
      dataPath: join(folder, 'data'),
      topics: [],
      logger: () => new Logger({ prefix: '', level: 3, write: () => {} }),
      ports: { nsqd: 0, lookupd: 0 },
    })
  })

  after(async () => {
    await cluster.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** With the addresses of this cluster for those that everybody starts with. */
  const here = (text: string): string => {
    const [nsqd, lookupd] = [one(cluster.nsqds), one(cluster.lookupds)]
    return text
      .replaceAll('127.0.0.1:4150', nsqd.tcp)
      .replaceAll('127.0.0.1:4151', nsqd.http)
      .replaceAll('127.0.0.1:4161', lookupd.http)
  }

  const start = (program: string, args: readonly string[]): Running => {
    const path = `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...clusterEnvironment(cluster), PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
    })
    return new Running(child)
  }

  const pipelines = examples.filter(({ section, text }) => section === 'Pipelines' && text.includes('# → '))
  test('has pipelines to run', () => assert.ok(pipelines.length > 3))
  for (const { text } of pipelines) {
    test(text, async () => {
      const { code, out, err } = await start('bash', ['-e', '-o', 'pipefail', '-c', here(text)]).finished
      assert.equal(code, 0, err)
      const expected = Array.from(text.matchAll(/^# → (.*)$/gm), ([, line]) => `${line}\n`)
      // Some wc put spaces before a number.
      assert.equal(out.replaceAll(/^ +/gm, ''), expected.join(''))
    })
  }

  test('the library, as the README shows it', async () => {
    const [publishing, handling] = examples.filter(({ language }) => language === 'ts')
    assert.ok(publishing !== undefined && handling !== undefined)

    const { code, out, err } = await (await startProgram('publishing.mts', publishing.text)).finished
    assert.equal(code, 0, err)
    assert.equal(out, 'book, attempt 1\nlamp, attempt 1\nchair, attempt 1\n')

    const handler = await startProgram('handling.mts', handling.text)
    await fetch(`http://${one(cluster.nsqds).http}/channel/create?topic=orders&channel=stock`, {
      method: 'POST',
    })
    await fetch(`http://${one(cluster.nsqds).http}/pub?topic=orders`, { method: 'POST', body: 'desk' })
    await handler.prints('reserving desk\n')
    handler.child.kill('SIGTERM')
    assert.equal((await handler.finished).code, 0)
  })

  /** Runs a program of the README on the sources. */
  async function startProgram(name: string, text: string): Promise<Running> {
    const file = join(folder, name)
    const library = new URL('src/index.ts', ROOT).href
    await writeFile(file, here(text).replaceAll("'nsq-ts'", JSON.stringify(library)))
    return start(process.execPath, ['--import', import.meta.resolve('tsx'), file])
  }
})

interface Finished {
  code: number | null
  out: string
  err: string
}

/** A process, and what it has printed so far. */
class Running {
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
