import { type Dirent, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Random } from '../../storage/random.ts'
import type { Noted } from './disk-journal.ts'

/** What a disk writes at once, in bytes: a write may be torn between any two of these. */
const SECTOR = 512
/** Files that are always whole under these names, if those who write them wait for the disk. */
const SYNCED_NAMES = /\/(checkpoint|nsqd\.dat\.synced|\d+\.(idx|kept))$/

type Change =
  | { readonly seq: number; readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly seq: number; readonly kind: 'truncate'; readonly size: number }

type NameChange = { readonly seq: number; isDurable: boolean } & (
  | { readonly kind: 'create'; readonly path: string; readonly file: PowerFile }
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
)

/** A file, under whatever name, and even after it was removed. */
export class PowerFile {
  /** Its first. */
  readonly path: string
  /** How long the journal was when it was begun; 0 when it was there before. */
  readonly at: number
  /** What a power cut cannot take. */
  durable: Buffer
  /** What no sync that has come back covers, in order. */
  pending: Change[] = []
  /** What a sync did not get to the disk: later ones pass over it, as the kernel takes it for written. */
  doomed: Change[] = []

  constructor(path: string, durable: Buffer, at: number) {
    this.path = path
    this.durable = durable
    this.at = at
  }

  /** A sync that was begun at `seq` has come back. */
  synced(seq: number, isDone: boolean): void {
    const covered = this.pending.filter(change => change.seq < seq)
    this.pending = this.pending.filter(change => change.seq >= seq)
    if (isDone) for (const change of covered) this.durable = apply(this.durable, change)
    else this.doomed.push(...covered)
  }

  /** What may be in it after a power cut: of what is not durable anything, in parts. */
  afterCut(random: Random): Buffer {
    const changes = [...this.doomed, ...this.pending].sort((a, b) => a.seq - b.seq)
    const mode = random.pick(['all', 'none', 'beginning', 'some'] as const)
    const kept = mode === 'all' ? changes.length : mode === 'none' ? 0 : random.int(0, changes.length)
    let bytes = this.durable
    for (const [i, change] of changes.entries()) {
      if (mode === 'some' ? random.chance(0.5) : i < kept) bytes = apply(bytes, change)
      else if ((mode === 'some' || i === kept) && change.kind === 'write' && mode !== 'none') {
        bytes = tear(bytes, change, random)
      }
    }
    return bytes
  }
}

function entriesBelow(root: string): Dirent[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
}

function apply(bytes: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') {
    const cut = Buffer.alloc(change.size)
    bytes.copy(cut)
    return cut
  }
  const end = change.position + change.bytes.length
  const whole = Buffer.alloc(Math.max(bytes.length, end))
  bytes.copy(whole)
  change.bytes.copy(whole, change.position)
  return whole
}

/** Some sectors of a write. The file is as long as the last of them makes it. */
function tear(bytes: Buffer, change: Change & { kind: 'write' }, random: Random): Buffer {
  let torn = bytes
  const end = change.position + change.bytes.length
  for (let at = change.position; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR)
    if (random.chance(0.5)) {
      const sector = change.bytes.subarray(at - change.position, next - change.position)
      torn = apply(torn, { seq: change.seq, kind: 'write', position: at, bytes: sector })
    }
    at = next
  }
  return torn
}

/** A disk as it was when nsqd began, and what the journal says has been done to it since. */
export class PowerDisk {
  readonly #root: string
  /** All files there ever were. */
  readonly files = new Set<PowerFile>()
  readonly #before = new Map<string, PowerFile | 'folder'>()
  readonly #names: NameChange[] = []
  /** What was done in an order in which a power cut at the wrong moment would cost something: for --durability=power. */
  readonly disorders: string[] = []

  /**
   * @param root - the folder
   * @param entries - what was in it when nsqd began
   */
  constructor(root: string, entries: readonly Dirent[] = entriesBelow(root)) {
    this.#root = root
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isDirectory()) this.#before.set(path, 'folder')
      else this.#before.set(path, this.#added(new PowerFile(path, readFileSync(path), 0)))
    }
  }

  /** Does what is in the journal. A last line that is not whole was being written when nsqd was killed. */
  replay(journal: Buffer): void {
    const now = new Map(this.#before)
    const open = new Map<number, PowerFile | string>()
    const syncs = new Map<number, { target: PowerFile | string | undefined; seq: number }>()
    for (const [seq, line] of journal.toString('latin1').split('\n').slice(0, -1).entries()) {
      const noted: Noted = JSON.parse(line)
      switch (noted.op) {
        case 'open': {
          const { path, fd, isNew, isFolder, truncates, at } = noted
          if (isFolder) {
            open.set(fd, path)
            break
          }
          let file = now.get(path)
          if (isNew || file === undefined || file === 'folder') {
            file = this.#added(new PowerFile(path, Buffer.alloc(0), at))
            now.set(path, file)
            this.#names.push({ seq, isDurable: false, kind: 'create', path, file })
          }
          if (truncates) file.pending.push({ seq, kind: 'truncate', size: 0 })
          open.set(fd, file)
          break
        }
        case 'write':
        case 'truncate': {
          const file = open.get(noted.fd)
          if (!(file instanceof PowerFile)) throw new Error(`descriptor ${noted.fd} is no file`)
          const bytes = noted.op === 'write' ? Buffer.from(noted.base64, 'base64') : undefined
          if (noted.op === 'truncate') file.pending.push({ seq, kind: 'truncate', size: noted.size })
          else if (bytes !== undefined) {
            file.pending.push({ seq, kind: 'write', position: noted.position, bytes })
          }
          break
        }
        case 'sync':
          syncs.set(noted.sync, { target: open.get(noted.fd), seq })
          break
        case 'synced': {
          const { target, seq: begun = 0 } = syncs.get(noted.sync) ?? {}
          if (target instanceof PowerFile) target.synced(begun, noted.isDone)
          else if (target !== undefined && noted.isDone) this.#folderSynced(target, begun)
          break
        }
        case 'rename': {
          const file = now.get(noted.path)
          this.#mustBeWhole(noted.to, file)
          now.delete(noted.path)
          if (file !== undefined) now.set(noted.to, file)
          this.#names.push({ seq, isDurable: false, kind: 'rename', path: noted.path, to: noted.to })
          break
        }
        case 'remove':
          if (!now.delete(noted.path)) break
          this.#mustHaveCheckpoint(noted.path)
          this.#names.push({ seq, isDurable: false, kind: 'remove', path: noted.path })
          break
        case 'mkdir':
          now.set(noted.path, 'folder')
          this.#names.push({ seq, isDurable: false, kind: 'mkdir', path: noted.path })
      }
    }
  }

  /** Whether its first name can be lost no more. */
  isCertain(file: PowerFile): boolean {
    const isOf = (change: NameChange): boolean => change.kind === 'create' && change.file === file
    return this.#names.find(isOf)?.isDurable ?? true
  }

  /**
   * The file that is certain to have this name, or to have been replaced by a newer one.
   *
   * @param path - below the root
   */
  certain(path: string): PowerFile | undefined {
    const file = this.#namesWith(change => change.isDurable).get(join(this.#root, path))
    return file === 'folder' ? undefined : file
  }

  /**
   * Makes in an empty folder what may be on disk after a power cut.
   *
   * @param how - `ordered`: what is done to names gets to the disk in its order, as on file systems with a journal;
   *   `any`: all that was not synced may be there or not, by itself
   */
  cut(target: string, random: Random, how: 'ordered' | 'any'): void {
    const last = this.#names.findLastIndex(change => change.isDurable)
    const end = random.int(last + 1, this.#names.length)
    const chosen = new Set(
      this.#names.filter(
        (change, i) => change.isDurable || (how === 'ordered' ? i < end : random.chance(0.5)),
      ),
    )
    const names = this.#namesWith(change => chosen.has(change))
    for (const [path, file] of names) {
      const to = join(target, relative(this.#root, path))
      if (file === 'folder') {
        mkdirSync(to, { recursive: true })
      } else if (dirname(path) === this.#root || names.get(dirname(path)) === 'folder') {
        mkdirSync(dirname(to), { recursive: true })
        writeFileSync(to, file.afterCut(random))
      }
    }
  }

  /** What takes the place of a good file must be on the disk before: a cut can come in the next moment. */
  #mustBeWhole(to: string, file: PowerFile | 'folder' | undefined): void {
    if (!(file instanceof PowerFile) || !SYNCED_NAMES.test(to)) return
    if (file.pending.length + file.doomed.length > 0)
      this.disorders.push(`${to}: renamed before it was synced`)
  }

  /** What the checkpoint in force says is done with must not go while a cut can bring back an older one. */
  #mustHaveCheckpoint(path: string): void {
    if (!/\.(log|kept)$/.test(path)) return
    const checkpoint = join(dirname(path), 'checkpoint')
    const last = this.#names.findLast(change => change.kind === 'rename' && change.to === checkpoint)
    if (last?.isDurable === false) this.disorders.push(`${path}: removed before its checkpoint was safe`)
  }

  #added(file: PowerFile): PowerFile {
    this.files.add(file)
    return file
  }

  #folderSynced(folder: string, begun: number): void {
    for (const change of this.#names) {
      if (change.seq < begun && dirname(change.path) === folder) change.isDurable = true
    }
  }

  /** The names after these changes; one that cannot be made any more is left out. */
  #namesWith(isMade: (change: NameChange) => boolean): Map<string, PowerFile | 'folder'> {
    const names = new Map(this.#before)
    for (const change of this.#names) {
      if (!isMade(change)) continue
      const { path } = change
      if (change.kind === 'create') names.set(path, change.file)
      else if (change.kind === 'mkdir') names.set(path, 'folder')
      else {
        const file = names.get(path)
        if (file === undefined) continue
        names.delete(path)
        if (change.kind === 'rename') names.set(change.to, file)
      }
    }
    return names
  }
}
