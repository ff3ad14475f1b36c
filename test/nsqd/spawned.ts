import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Address, parseAddress } from '../../src/util/address.ts'

const BIN = fileURLToPath(new URL('../../bin/nsqd.js', import.meta.url))
const PATIENCE_MS = 20_000

/** An nsqd in a process of its own, which can be killed. */
export class Spawned {
  readonly #child: ChildProcess
  tcp: Address = { host: '', port: 0 }
  http: Address = { host: '', port: 0 }
  log = ''

  constructor(flags: readonly string[]) {
    const listen = ['--tcp-address=127.0.0.1:0', '--http-address=127.0.0.1:0']
    this.#child = spawn(process.execPath, [BIN, ...listen, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { stderr } = this.#child
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nsqd did not say where it listens\n${this.log}`)),
        PATIENCE_MS,
      )
      this.#child.on('exit', code => {
        clearTimeout(timer)
        reject(new Error(`nsqd exited with ${code}\n${this.log}`))
      })
      stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
        const tcp = / TCP: listening on (\S+)\n/.exec(this.log)?.[1]
        const http = / HTTP: listening on (\S+)\n/.exec(this.log)?.[1]
        if (tcp === undefined || http === undefined) return
        clearTimeout(timer)
        this.tcp = parseAddress(tcp)
        this.http = parseAddress(http)
        resolve()
      })
    })
  }

  /** Kills it without warning, or ends it with another signal; gives its exit code. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
}

/** Starts an nsqd in a process of its own; it is killed when the test ends. */
export async function spawnNsqd(
  t: TestContext,
  dataPath: string,
  ...flags: readonly string[]
): Promise<Spawned> {
  const nsqd = new Spawned([`--data-path=${dataPath}`, ...flags])
  t.after(() => nsqd.kill())
  await nsqd.start()
  return nsqd
}
