import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import split2 from 'split2'
import { type Address, parseAddress } from '../../src/util/address.ts'

const PATIENCE_MS = 20_000

/** What each program listens for, and the flags that nothing but a test wants. */
const PROGRAMS = {
  nsqd: { kinds: ['TCP', 'HTTP'], flags: ['--tcp-address=127.0.0.1:0', '--broadcast-address=127.0.0.1'] },
  nsqlookupd: {
    kinds: ['TCP', 'HTTP'],
    flags: ['--tcp-address=127.0.0.1:0', '--broadcast-address=127.0.0.1'],
  },
  nsqadmin: { kinds: ['HTTP'], flags: [] },
} as const

/** A daemon in a process of its own, on ports of its own choice; it can be killed. */
export class Spawned {
  readonly #child: ChildProcess
  readonly #kinds: Set<string>
  readonly #lines: string[] = []
  /** Where it listens; once `start` has resolved. */
  tcp: Address = { host: '', port: 0 }
  http: Address = { host: '', port: 0 }

  /**
   * @param flags - the last of a name counts, also of those for the addresses
   * @param launcher - a program that becomes the daemon, with its arguments: as `nsenter` does
   */
  constructor(name: keyof typeof PROGRAMS, flags: readonly string[], launcher: readonly string[] = []) {
    const bin = fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url))
    const listen = ['--http-address=127.0.0.1:0', ...PROGRAMS[name].flags]
    this.#kinds = new Set(PROGRAMS[name].kinds)
    const [program = process.execPath, ...rest] = [...launcher, process.execPath, bin, ...listen, ...flags]
    this.#child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether it runs, as far as is known. */
  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it has said so far. */
  get log(): string {
    return this.#lines.join('\n')
  }

  /** Resolves when it has said where it listens, as a script would learn it. */
  async start(): Promise<this> {
    const child = this.#child
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer)
        child.kill('SIGKILL')
        reject(new Error(`the daemon ${why}\n${this.log}`))
      }
      const timer = setTimeout(() => fail('did not say where it listens'), PATIENCE_MS)
      child.on('exit', code => fail(`exited with ${code}`))
      child.stderr?.pipe(split2()).on('data', (line: string) => {
        this.#lines.push(line)
        const [, kind, address] = / (TCP|HTTP): listening on (\S+)$/.exec(line) ?? []
        if (address === undefined) return
        if (kind === 'TCP') this.tcp = parseAddress(address)
        else this.http = parseAddress(address)
        this.#kinds.delete(kind ?? '')
        if (this.#kinds.size > 0) return
        clearTimeout(timer)
        resolve()
      })
    })
    return this
  }

  /** Kills it without warning, or ends it with another signal; gives its exit code. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child
    if (!this.isAlive) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    await exited
    clearTimeout(timer)
    return child.exitCode
  }
}

/** Starts an nsqd in a process of its own; it is killed when the test ends. */
export async function spawnNsqd(
  t: TestContext,
  dataPath: string,
  ...flags: readonly string[]
): Promise<Spawned> {
  const nsqd = new Spawned('nsqd', [`--data-path=${dataPath}`, ...flags])
  t.after(() => nsqd.kill())
  return nsqd.start()
}
