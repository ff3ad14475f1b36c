/**
 * Loaded into nsqd before its program (`--import`): notes in a journal what it does to the files below a folder, in
 * order, with all bytes, and when which sync was begun and had come back. `power-disk.ts` makes of it what a disk may
 * hold after a power cut. A write is noted before it is made, as it may reach the disk from then on.
 *
 * The folder and the journal are in its own address: `?path=…&journal=…`; with `&seed=NUMBER` some of the syncs fail, and
 * what they were for is not on the disk.
 */
import fs from 'node:fs'
import { Random } from '../../storage/random.ts'
import { type DiskCall, watchDisk } from './disk-seam.ts'

/** A line of the journal. Files that are open go by their descriptors. */
export type Noted =
  | {
      readonly op: 'open'
      readonly path: string
      readonly fd: number
      readonly isNew: boolean
      readonly isFolder: boolean
      readonly truncates: boolean
      /** How long the journal was when this was begun, in bytes. */
      readonly at: number
    }
  | { readonly op: 'write'; readonly fd: number; readonly position: number; readonly base64: string }
  | { readonly op: 'truncate'; readonly fd: number; readonly size: number }
  | { readonly op: 'sync'; readonly fd: number; readonly sync: number }
  | { readonly op: 'synced'; readonly sync: number; readonly isDone: boolean }
  | { readonly op: 'rename'; readonly path: string; readonly to: string }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'mkdir'; readonly path: string }

/** The share of them, where some fail. */
const FAILING_SYNCS = 0.1

const given = new URL(import.meta.url).searchParams
const folder = given.get('path') ?? ''
// The file system's own, which are seen by nobody.
const { existsSync, fstatSync, openSync, statSync, writeSync } = fs
const seed = given.get('seed')
/** Says which syncs fail. */
const failing = seed === null ? undefined : new Random(Number(seed))
const journal = openSync(given.get('journal') ?? '', 'a')
let size = fstatSync(journal).size
let syncs = 0
/** Where nobody sees a descriptor. */
let unnumbered = 0

/** What was found before a call, for after it. */
const opening = new Map<DiskCall, { existed: boolean; at: number }>()
const syncing = new Map<DiskCall, number>()
/** Where the next write without a position of its own goes, of descriptors that are looked at. */
const positions = new Map<number, number>()

function note(noted: Noted): void {
  size += writeSync(journal, `${JSON.stringify(noted)}\n`)
}

/** The lock is of the process, and means nothing to the next one. */
function isSeen(path: string): boolean {
  return path.startsWith(folder) && !path.includes('nsqd.lock')
}

function bytesOf(value: unknown): Buffer {
  if (Array.isArray(value)) return Buffer.concat(value.map(bytesOf))
  if (typeof value === 'string') return Buffer.from(value)
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw new TypeError('these are no bytes')
}

/** The arguments of a write, whichever it is: what, and where to. */
function written({ name, args }: DiskCall): { bytes: Buffer; position: unknown } {
  // Methods of a handle have no descriptor before it.
  const [data, ...rest] = typeof args[0] === 'number' ? args.slice(1) : args
  const bytes = bytesOf(data)
  if (name === 'writev') return { bytes, position: rest[0] }
  if (name === 'writeFile') return { bytes, position: undefined }
  const [offset, length, position] = rest
  if (typeof offset !== 'number' || typeof length !== 'number') return { bytes, position: undefined }
  return { bytes: bytes.subarray(offset, offset + length), position }
}

function noteWrite(call: DiskCall, fd: number): void {
  const { bytes, position } = written(call)
  const at = typeof position === 'number' ? position : (positions.get(fd) ?? 0)
  if (typeof position !== 'number') positions.set(fd, at + bytes.length)
  note({ op: 'write', fd, position: at, base64: bytes.toString('base64') })
}

/** Opened, written and closed by one call. */
function noteWriteOfPath({ name, path, args }: DiskCall): void {
  if (name !== 'writeFile') throw new Error(`${name} of a path is not looked at`)
  const existed = existsSync(path)
  const fd = --unnumbered
  note({ op: 'open', path, fd, isNew: !existed, isFolder: false, truncates: existed, at: size })
  note({ op: 'write', fd, position: 0, base64: bytesOf(args[1]).toString('base64') })
}

function before(call: DiskCall): Error | undefined {
  const { kind, path, to, fd, args } = call
  if (!isSeen(path)) return undefined
  if (kind === 'open') opening.set(call, { existed: existsSync(path), at: size })
  else if (kind === 'rename') note({ op: 'rename', path, to: to ?? '' })
  else if (kind === 'remove') note({ op: 'remove', path })
  else if (kind === 'mkdir' && !existsSync(path)) note({ op: 'mkdir', path })
  else if (fd === undefined) {
    if (kind === 'truncate') throw new Error(`${call.name} of a path is not looked at`)
    if (kind === 'write') noteWriteOfPath(call)
  } else if (kind === 'write') {
    noteWrite(call, fd)
  } else if (kind === 'truncate') {
    note({ op: 'truncate', fd, size: Number(args[typeof args[0] === 'number' && args.length > 1 ? 1 : 0]) })
  } else if (kind === 'sync') {
    syncing.set(call, ++syncs)
    note({ op: 'sync', fd, sync: syncs })
    if (failing?.chance(FAILING_SYNCS) === true) {
      return Object.assign(new Error(`EIO: i/o error, ${call.name}`), { code: 'EIO', syscall: call.name })
    }
  }
  return undefined
}

function after(call: DiskCall, error: unknown, result: unknown): void {
  const begun = opening.get(call)
  opening.delete(call)
  if (begun !== undefined && error === undefined && typeof result === 'number') {
    const { path, args } = call
    const [, flags] = args
    positions.set(result, 0)
    note({
      op: 'open',
      path,
      fd: result,
      isNew: !begun.existed,
      isFolder: statSync(path).isDirectory(),
      truncates: begun.existed && typeof flags === 'string' && flags.startsWith('w'),
      at: begun.at,
    })
  }
  const sync = syncing.get(call)
  syncing.delete(call)
  if (sync !== undefined) note({ op: 'synced', sync, isDone: error === undefined || error === null })
}

await watchDisk({ before, after })
