import { close, closeSync, fsync, fsyncSync, open, openSync } from 'node:fs'
import { promisify } from 'node:util'

/** Makes new names in a folder survive a power cut. Windows cannot open folders, and needs no such thing. */
export function syncFolder(path: string, done: (error: Error | null) => void): void {
  if (process.platform === 'win32') {
    done(null)
    return
  }
  open(path, 'r', (error, fd) => {
    if (error !== null) done(error)
    else fsync(fd, failed => close(fd, () => done(failed)))
  })
}

/** As `syncFolder`. */
export const syncFolderLater: (path: string) => Promise<void> = promisify(syncFolder)

/** As `syncFolder`, blocking. */
export function syncFolderNow(path: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Whether a file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
