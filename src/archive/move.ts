import { createHash } from 'node:crypto'
import { constants, copyFile, link, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from './errors.ts'

/** Whether a file has several paths: it has been placed, though maybe not told of. */
export async function hasLinks(path: string): Promise<boolean> {
  return (await lstat(path)).nlink > 1
}

/** What `link` says on a file system without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Gives a file that is on disk a second path, durable once its folder is synced; false when something else has that path:
 * what is there is never replaced. The file stays where it was, too: were it renamed, its name could be that of a new file
 * when it is to be removed. A file that has the path already keeps it.
 *
 * Across file systems, and where there are no hard links, a copy is made first, under a hidden name beside the path. It is the
 * same name each time, so that what a crash leaves is replaced when this is tried again.
 */
export async function placeFile(source: string, target: string): Promise<boolean> {
  try {
    return await linkFile(source, target)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV' && !isWithoutLinks(error)) throw error
  }
  // Before a large file is copied.
  if (await exists(target)) return false
  const copy = await copyPath(source, target)
  try {
    await rm(copy, { force: true })
    await copyFile(source, copy, constants.COPYFILE_EXCL)
    await syncFile(copy)
    return await linkFile(copy, target).catch((error: unknown) => {
      if (isWithoutLinks(error)) return reserveAndRename(copy, target)
      throw error
    })
  } finally {
    await rm(copy, { force: true })
  }
}

async function linkFile(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return isSameFile(source, target)
    throw error
  }
}

function isWithoutLinks(error: unknown): boolean {
  return NO_LINKS.has(systemCode(error) ?? '')
}

/** An empty file takes the name until the real one replaces it. */
async function reserveAndRename(source: string, target: string): Promise<boolean> {
  try {
    await (await open(target, 'wx')).close()
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
  try {
    await rename(source, target)
    return true
  } catch (error) {
    await rm(target, { force: true })
    throw error
  }
}

/** The name of a copy says of which file it is; its path alone may be that of another one, on another machine. */
async function copyPath(source: string, target: string): Promise<string> {
  const { ino, mtimeNs } = await lstat(source, { bigint: true })
  const id = createHash('sha256').update(`${source} ${ino} ${mtimeNs}`).digest('hex').slice(0, 12)
  return join(dirname(target), `.nsq-ts-${id}.tmp`)
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([lstat(a, { bigint: true }), lstat(b, { bigint: true })])
  return one.ino === other.ino && one.dev === other.dev
}
