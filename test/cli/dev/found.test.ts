/** Commands that are given no address, while dev runs in their folder. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { asTerminal, fakeSurroundings } from '../fakes.ts'

const BIN = new URL('../../../bin/nsq-ts.js', import.meta.url).pathname

interface Dev {
  child: ChildProcess
  ended: Promise<unknown>
  /** Of its nsqd. */
  tcp: string
}

class Rig {
  readonly home = temporaryFolder()
  readonly env = { HOME: this.home }
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
  }

  folder(name: string): string {
    const path = join(this.home, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  spawn(name: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [BIN, 'dev', '--no-admin', ...args], {
      cwd: this.folder(name),
      env: { PATH: process.env['PATH'], ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#t.after(() => child.kill('SIGKILL'))
    return child
  }

  async dev(name: string): Promise<Dev> {
    const child = this.spawn(name, ['--json', '--topic', 't:c'])
    const ended = once(child, 'exit')
    let text = ''
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk)
      if (text.includes('\n')) break
    }
    const ready: { nsqd: { tcp_address: string }[] } = JSON.parse(text)
    return { child, ended, tcp: ready.nsqd[0]?.tcp_address ?? '' }
  }

  /** Runs a command of this process in a folder; on a terminal, what it says of where it goes is seen. */
  async run(
    name: string,
    line: string,
    { input = [], isTerminal = false }: { input?: string[]; isTerminal?: boolean } = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const around = fakeSurroundings(this.env, input, this.folder(name))
    const stderr = isTerminal ? asTerminal(around.stderr) : around.stderr
    const code = await runProgram('nsq-ts', line.split(' '), commands, { ...around, stderr })
    return { code, out: around.out(), err: around.err() }
  }
}

describe('commands that are given no address', () => {
  test('find the dev of their folder', async t => {
    const rig = new Rig(t)
    const [shop, blog] = await Promise.all([rig.dev('shop'), rig.dev('blog')])
    assert.notEqual(shop.tcp, blog.tcp)
    for (const name of ['shop', 'blog']) {
      const published = await rig.run(`${name}/src`, 'pub t', { input: [`of ${name}\n`] })
      assert.equal(published.code, 0, published.err)
    }
    for (const name of ['blog', 'shop']) {
      const tailed = await rig.run(name, 'tail t --channel c -n 1')
      assert.deepEqual(tailed, { code: 0, out: `of ${name}\n`, err: '' })
    }
    // In a pipe nothing is said of it; on a terminal where something is assumed is said, as of this machine's daemons.
    const quiet = await rig.run('shop', 'topic list')
    assert.deepEqual(quiet, { code: 0, out: 't\n', err: '' })
    const said = await rig.run('shop', 'topic list', { isTerminal: true })
    assert.match(said.err, /asking nsqlookupd 127\.0\.0\.1:\d+ of the dev in .*\/shop\n/)

    await rig.run('shop', 'pub t', { input: ['again\n'] })
    const announced = await rig.run('shop', 'tail t --channel c -n 1', { isTerminal: true })
    assert.match(announced.err, /^Tailing t on channel c.* \(the dev in .*\/shop\)\. Ctrl-C stops\.\n/)

    shop.child.kill('SIGTERM')
    await shop.ended
    blog.child.kill('SIGKILL')
    await blog.ended
    for (const name of ['shop', 'blog']) {
      const { code, err } = await rig.run(name, 'context show')
      assert.equal(code, 1)
      assert.match(err, /No context is taken here/)
    }
  })

  test('--exec has its addresses, and no context of the user', async t => {
    const rig = new Rig(t)
    const command = 'echo "[$NSQ_CONTEXT] $NSQ_NSQD_TCP_ADDRESS"'
    const child = rig.spawn('shop', ['--exec', command], { NSQ_CONTEXT: 'prod' })
    let out = ''
    child.stdout?.on('data', chunk => (out += String(chunk)))
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.match(out, /^\[\] 127\.0\.0\.1:\d+\n$/)
  })

  test('dev runs where it cannot offer itself, and says so', async t => {
    const rig = new Rig(t)
    const child = rig.spawn('shop', ['--exec', 'true'], { HOME: BIN })
    let err = ''
    child.stderr?.on('data', chunk => (err += String(chunk)))
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.match(err, /^nsq-ts dev: other commands will not find it without an address: ENOTDIR/)
  })
})
