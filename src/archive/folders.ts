import { mkdir, open, rmdir } from 'node:fs/promises'
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

/** Removes a folder, and those above it up to `base`, as far as they are empty. */
export async function removeEmptyFolders(path: string, base: string): Promise<void> {
  try {
    for (let folder = path; folder.startsWith(`${base}/`); folder = dirname(folder)) {
      await rmdir(folder)
      known.delete(folder)
    }
  } catch {
    // This one is not empty, or is to stay for another reason.
  }
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
