import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ownUrls, SEVERAL_FOR_NODE } from '../scripts/bundle.ts'
import { cpuSecondsOf } from './proc.ts'
import { scratchFolder } from './scratch.ts'
import type { Reply } from './serve-jobs.ts'
import type { Work } from './work.ts'

const LOADS = fileURLToPath(new URL('./load', import.meta.url))
let built: Promise<string> | undefined

/**
 * The load processes as JavaScript, in a folder that goes with this process. A loader of TypeScript in each of them would
 * take more of the processor than most loads of a short round, and leave its marks on what is measured.
 */
async function buildLoads(): Promise<string> {
  const { path } = scratchFolder()
  await build({
    ...SEVERAL_FOR_NODE,
    entryPoints: readdirSync(LOADS).map(file => join(LOADS, file)),
    outdir: path,
    plugins: [ownUrls],
  })
  return path
}

/**
 * A load process, from its first job on. It lives as long as its line of the table, so that its code is warm after the
 * first round.
 */
export class Worker<K extends keyof Work> {
  readonly #name: K
  #child: ChildProcess | undefined
  #isStopped = false

  constructor(name: K) {
    this.#name = name
  }

  async #start(): Promise<ChildProcess> {
    const folder = await (built ??= buildLoads())
    if (this.#isStopped) throw new Error(`the ${this.#name} process was stopped`)
    this.#child ??= fork(join(folder, `${this.#name}.mjs`), {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    return this.#child
  }

  /** Has one job done; rejects when it fails or is not done in time. One job at a time. */
  async run(job: Work[K]['job'], deadlineMs: number): Promise<Work[K]['result']> {
    const child = await this.#start()
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        act()
      }
      const onMessage = (reply: Reply<Work[K]['result']>): void => {
        settle(() => ('result' in reply ? resolve(reply.result) : reject(new Error(reply.error))))
      }
      const onExit = (code: number | null): void => {
        settle(() => reject(new Error(`the ${this.#name} process ended with status ${code}`)))
      }
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`the ${this.#name} process took longer than ${deadlineMs} ms`)))
      }, deadlineMs)
      child.on('message', onMessage)
      child.on('exit', onExit)
      child.send(job)
    })
  }

  /** User and system time so far, in seconds. */
  get cpuSeconds(): number {
    return this.#child?.pid === undefined ? 0 : cpuSecondsOf(this.#child.pid)
  }

  stop(): void {
    this.#isStopped = true
    this.#child?.kill('SIGKILL')
  }
}
