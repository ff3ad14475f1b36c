import { mkdir, open, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './errors.ts'

/** In which an archive keeps its locks and markers, wherever it writes files. */
export const STATE_FOLDER = '.nsq-ts'

/** How many folders are remembered. */
const MAX_KNOWN = 1000

/** Folders whose entry in their parent is known to be on disk. */
const known = new Set<string>()

/**
 * Makes a folder, with its parents, unless it is there, and each durable: a file is lost with a folder that is. `base` is
 * above it: what is between the two was made by an archive, if not by this one, and maybe not synced before it died.
 */
export async function makeFolders(path: string, base: string): Promise<void> {
  const parent = dirname(path)
  if (path !== base && parent !== base && !known.has(parent)) await makeFolders(parent, base)
  const isNew = await makeFolder(path)
  if (!isNew && (path === base || known.has(path))) return
  await syncFolder(parent)
  if (known.size >= MAX_KNOWN) known.clear()
  known.add(path)
}

/** Whether it was not there. Makes missing parents. Node's own recursive mkdir never returns in places like /proc. */
async function makeFolder(path: string, hasParent = false): Promise<boolean> {
  const parent = dirname(path)
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return false
    if (code !== 'ENOENT' || hasParent || parent === path) throw error
  }
  if (await makeFolder(parent)) await syncFolder(dirname(parent))
  return makeFolder(path, true)
}

/** Folders that files are about to be made in, and how many; they stay, though they may be empty. */
const inUse = new Map<string, number>()

/**
 * Makes a folder as `makeFolders` does, and does something in it, while `removeFile` leaves it there. Another process may
 * remove it even so: then `task` finds no folder, and is done again.
 */
export async function usingFolder<T>(path: string, base: string, task: () => Promise<T>): Promise<T> {
  inUse.set(path, (inUse.get(path) ?? 0) + 1)
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await makeFolders(path, base)
        return await task()
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error
        known.delete(path)
      }
    }
  } finally {
    const others = (inUse.get(path) ?? 0) - 1
    if (others > 0) inUse.set(path, others)
    else inUse.delete(path)
  }
}
/** Each time a file of the other process must just have been the last: with several of them that happens thrice in a row. */
const ATTEMPTS = 20

/** Removes a file, if it is there, and durably; and the folders above it, up to `base`, as far as they are empty. */
export async function removeFile(path: string, base: string): Promise<void> {
  const folder = dirname(path)
  await rm(path, { force: true })
  await syncNearest(folder, base)
  await removeEmptyFolders(folder, base)
}

/**
 * Makes what was removed in a folder durable. One that is gone meanwhile, as somebody else has removed the last file, is so in
 * the one above it.
 */
export async function syncNearest(folder: string, base: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || folder === base) throw error
    await syncNearest(dirname(folder), base)
  }
}

async function removeEmptyFolders(path: string, base: string): Promise<void> {
  try {
    for (let folder = path; folder.startsWith(`${base}/`) && !isInUse(folder); folder = dirname(folder)) {
      await rmdir(folder)
      known.delete(folder)
    }
  } catch {
    // This one is not empty, or is to stay for another reason.
  }
}

function isInUse(folder: string): boolean {
  for (const path of inUse.keys()) if (path === folder || path.startsWith(`${folder}/`)) return true
  return false
}

/** Makes what was created, renamed or removed in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    // Some file systems cannot do this to a folder.
    const code = systemCode(error)
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  } finally {
    await folder.close()
  }
}
