import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Made for a run, and gone when the bench ends, however that is. */
export interface Scratch {
  readonly path: string
  remove(): void
}

export function scratchFolder(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'nsq-bench-'))
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true })
  }
  process.once('exit', remove)
  return { path, remove }
}
