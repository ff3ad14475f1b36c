/**
 * Loaded into a process before its program (`--import`): notes in a journal what has got to the disk. A file's bytes
 * have when fsync or fdatasync has returned; its name has when its folder was synced. What is lost otherwise in a power
 * cut is up to chance; `power-cut.ts` throws the dice.
 */
import fs, { type PathLike } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

/** A line of the journal. */
export type Synced =
  | { readonly kind: 'file'; readonly inode: number; readonly size: number }
  | { readonly kind: 'folder'; readonly path: string; readonly entries: Readonly<Record<string, number>> }

const journal = fs.openSync(process.env['POWER_JOURNAL'] ?? '/dev/null', 'a')
const graves = (process.env['POWER_GRAVES'] ?? '').split(':')
// The file system's own, whoever replaces them later.
const { fstatSync, linkSync, lstatSync, readdirSync, readlinkSync, writeSync } = fs

/** What will be on disk when the call that begins now returns. */
function before(descriptor: number): Synced {
  const stat = fstatSync(descriptor)
  if (!stat.isDirectory()) return { kind: 'file', inode: stat.ino, size: stat.size }
  const path = readlinkSync(`/proc/self/fd/${descriptor}`)
  return { kind: 'folder', path, entries: entriesOf(path) }
}

/** The inodes of a folder. Each file gets another name, so that it can be had back when it was removed. */
function entriesOf(path: string): Record<string, number> {
  const entries: Record<string, number> = {}
  for (const name of readdirSync(path)) {
    const stat = lstatSync(join(path, name), { throwIfNoEntry: false })
    if (stat === undefined) continue
    entries[name] = stat.ino
    if (stat.isFile()) for (const grave of graves) bury(join(path, name), join(grave, String(stat.ino)))
  }
  return entries
}

function bury(path: PathLike, grave: PathLike): void {
  try {
    linkSync(path, grave)
  } catch {
    // It has one already, or is gone, or is on another file system.
  }
}

function note(synced: Synced): void {
  writeSync(journal, `${JSON.stringify(synced)}\n`)
}

const { fsyncSync, fdatasyncSync, fsync, fdatasync } = fs
for (const [name, original] of Object.entries({ fsyncSync, fdatasyncSync })) {
  const replaced = (descriptor: number): void => {
    const synced = before(descriptor)
    original(descriptor)
    note(synced)
  }
  Object.assign(fs, { [name]: replaced })
}
for (const [name, original] of Object.entries({ fsync, fdatasync })) {
  const replaced = (descriptor: number, callback: (error: Error | null) => void): void => {
    const synced = before(descriptor)
    original(descriptor, error => {
      if (error === null) note(synced)
      callback(error)
    })
  }
  Object.assign(fs, { [name]: replaced })
}
const some = await fs.promises.open('/dev/null')
const FileHandle = Object.getPrototypeOf(some)
await some.close()
for (const name of ['sync', 'datasync']) {
  const original = FileHandle[name]
  FileHandle[name] = async function replaced(this: fs.promises.FileHandle): Promise<void> {
    const synced = before(this.fd)
    await original.call(this)
    note(synced)
  }
}
syncBuiltinESMExports()
