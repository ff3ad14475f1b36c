import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import split2 from 'split2'

const BIN = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const SHOWN_LINES = 60

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Flags of Node. */
  readonly node?: readonly string[]
}

/** What `--json` prints, as far as it is looked at. */
export interface Summary {
  readonly messages: number
  readonly files: number
  readonly recovered: number
  readonly waiting: number
  readonly ended: string
  readonly ok: boolean
}

/** A running `nsq-ts archive`, in a process of its own. */
export class ArchiveProcess {
  readonly #child: ChildProcess
  readonly #stderr: string[] = []
  #stdout = ''
  readonly ended: Promise<Ended>
  /** Called with each line that it writes to stderr. */
  onLine: ((line: string) => void) | undefined
  /** Called when it is gone. */
  onEnd: (() => void) | undefined

  constructor(args: readonly string[], { env = {}, node = [] }: StartOptions = {}) {
    const child = spawn(process.execPath, [...node, BIN, 'archive', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], TZ: 'UTC', ...env },
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    child.stderr.pipe(split2()).on('data', (line: string) => {
      this.#stderr.push(line)
      this.onLine?.(line)
    })
    this.ended = once(child, 'close').then(() => {
      this.onEnd?.()
      return {
        code: child.exitCode,
        signal: child.signalCode,
        stdout: this.#stdout,
        stderr: this.#stderr.join('\n'),
      }
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it has said lately, for messages about failures. */
  get log(): string {
    return this.#stderr.slice(-SHOWN_LINES).join('\n')
  }

  /** All that it has said so far. */
  get lines(): readonly string[] {
    return this.#stderr
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills it without warning, and waits until it is gone. */
  async kill(): Promise<Ended> {
    this.send('SIGKILL')
    return this.ended
  }

  /** Waits until it ends by itself, at most so long; then it is killed, and this throws what it said. */
  async end(patienceMs: number): Promise<Ended> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.send('SIGKILL')
    }, patienceMs)
    const ended = await this.ended
    clearTimeout(timer)
    if (isLate) throw new Error(`archive did not end in ${patienceMs} ms\n${this.log}`)
    return ended
  }
}

/** The summary that `--json` printed. */
export function summaryOf({ stdout, stderr }: Ended): Summary {
  try {
    return JSON.parse(stdout)
  } catch (error) {
    throw new Error(`no summary in ${JSON.stringify(stdout)}; stderr:\n${stderr}`, { cause: error })
  }
}
