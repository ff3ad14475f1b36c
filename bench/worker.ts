import { type ChildProcess, fork } from 'node:child_process'
import { cpuSecondsOf } from './proc.ts'
import type { Work } from './work.ts'

type Reply<T> = { result: T } | { error: string }

/**
 * A load process, from its first job on. It lives as long as its line of the table, so that its code is warm after the
 * first round.
 */
export class Worker<K extends keyof Work> {
  readonly #name: K
  #child: ChildProcess | undefined

  constructor(name: K) {
    this.#name = name
  }

  #start(): ChildProcess {
    this.#child ??= fork(new URL(`./load/${this.#name}.ts`, import.meta.url), {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    return this.#child
  }

  /** Has one job done; rejects when it fails or is not done in time. One job at a time. */
  run(job: Work[K]['job'], deadlineMs: number): Promise<Work[K]['result']> {
    const child = this.#start()
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
    this.#child?.kill('SIGKILL')
  }
}

/** The other side: does the jobs that the parent sends, until the parent goes. */
export function serveJobs<K extends keyof Work>(
  work: (job: Work[K]['job']) => Promise<Work[K]['result']>,
): void {
  const reply = (message: Reply<Work[K]['result']>): void => {
    process.send?.(message)
  }
  process.on('message', (job: Work[K]['job']) => {
    work(job).then(
      result => reply({ result }),
      (error: unknown) => reply({ error: error instanceof Error ? error.message : String(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
}
