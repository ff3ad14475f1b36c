/** What is done with open files. */
import { closeSync, ftruncateSync, openSync, writeSync, writevSync } from 'node:fs'
import { isMissing } from './folder.ts'
import { skip } from './slices.ts'

/** As much is copied at once. */
export const COPY_LENGTH: number = 1024 * 1024

/** The descriptor is given back in any case. What the disk could not write, a sync tells. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // As above.
  }
}

export function truncateQuietly(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size)
  } catch {
    // What comes next is written over it.
  }
}

/** Reads and writes without truncating; creates the file when there is none. */
export function openForAppend(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    if (!isMissing(error)) throw error
    return openSync(path, 'wx+')
  }
}

export function writeFully(fd: number, slices: readonly Buffer[], position: number): void {
  let rest = slices
  let at = position
  while (rest.length > 0) {
    const [first] = rest
    const written =
      rest.length === 1 && first !== undefined
        ? writeSync(fd, first, 0, first.length, at)
        : writevSync(fd, rest, at)
    at += written
    rest = skip(rest, written)
  }
}
