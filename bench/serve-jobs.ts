/** What a load process is, to the ./worker.ts that has started it. */
import type { Work } from './work.ts'

export type Reply<T> = { result: T } | { error: string }

/** Does the jobs that the parent sends, until the parent goes. */
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
