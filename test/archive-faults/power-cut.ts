import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../storage/random.ts'
import type { Synced } from './power-journal.ts'

interface Entry {
  readonly name: string
  /** The inode that the name has on disk, and the one that the kernel knows. */
  readonly durable: number | undefined
  readonly actual: number | undefined
}

/**
 * What a power cut does to folders, in the worst case that the rules allow: bytes that were not synced are there or not;
 * so are names that were made or removed since their folder was synced.
 */
export class PowerCut {
  readonly journal: string
  /** For each root a folder with other names of its files, on its file system. */
  readonly #graves: readonly string[]
  readonly #roots: readonly string[]
  /** Inodes by name, for each folder, as they are on disk. */
  #folders = new Map<string, Map<string, number>>()
  /** How long a file is on disk, by inode. */
  #sizes = new Map<number, number>()

  /** @param roots - no two of different file systems are in the same folder */
  constructor(journal: string, roots: readonly string[]) {
    this.journal = journal
    this.#graves = [...new Set(roots.map(root => join(root, '..', 'graves')))]
    this.#roots = roots
    this.begin()
  }

  /** What a process needs to keep the journal. */
  get env(): Record<string, string> {
    return { POWER_JOURNAL: this.journal, POWER_GRAVES: this.#graves.join(':') }
  }

  /** All that is there is on disk. */
  begin(): void {
    for (const graves of this.#graves) {
      rmSync(graves, { recursive: true, force: true })
      mkdirSync(graves)
    }
    writeFileSync(this.journal, '')
    this.#folders = new Map()
    this.#sizes = new Map()
    for (const root of this.#roots) this.#remember(root, join(root, '..', 'graves'))
  }

  /** The power goes off, after the process has; says what that did. */
  happen(random: Random): { names: number; bytes: number } {
    for (const line of readFileSync(this.journal, 'utf8').split('\n').slice(0, -1)) {
      const synced: Synced = JSON.parse(line)
      if (synced.kind === 'file') this.#sizes.set(synced.inode, synced.size)
      else this.#folders.set(synced.path, new Map(Object.entries(synced.entries)))
    }
    let [names, bytes] = [0, 0]
    for (const root of this.#roots) names += this.#loseNames(root, join(root, '..', 'graves'), random)
    for (const root of this.#roots) bytes += this.#loseBytes(root, random)
    this.begin()
    return { names, bytes }
  }

  #remember(folder: string, graves: string): void {
    const entries = new Map<string, number>()
    this.#folders.set(folder, entries)
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      const stat = lstatSync(path)
      entries.set(name, stat.ino)
      if (stat.isDirectory()) this.#remember(path, graves)
      else {
        this.#sizes.set(stat.ino, stat.size)
        bury(path, graves, stat.ino)
      }
    }
  }

  #loseNames(folder: string, graves: string, random: Random): number {
    let lost = 0
    const onDisk = this.#folders.get(folder) ?? new Map<string, number>()
    const inKernel = new Map(readdirSync(folder).map(name => [name, lstatSync(join(folder, name)).ino]))
    const entries = [...new Set([...onDisk.keys(), ...inKernel.keys()])].map(name => ({
      name,
      durable: onDisk.get(name),
      actual: inKernel.get(name),
    }))
    const changed = entries.filter(({ durable, actual }) => durable !== actual)
    const undone = new Set(changed.filter(() => random.chance(0.5)))
    // A file that was renamed in a folder has one of its names there.
    for (const entry of changed) {
      const made = changed.find(({ actual }) => actual !== undefined && actual === entry.durable)
      if (made !== undefined && undone.has(made)) undone.add(entry)
    }
    for (const entry of undone) lost += this.#undo(folder, graves, entry) ? 1 : 0
    for (const { name, isDirectory } of entriesOf(folder)) {
      if (isDirectory) lost += this.#loseNames(join(folder, name), graves, random)
    }
    return lost
  }

  #undo(folder: string, graves: string, { name, durable, actual }: Entry): boolean {
    const path = join(folder, name)
    if (durable === undefined) {
      rmSync(path, { recursive: true })
      return true
    }
    const grave = join(graves, String(durable))
    // A folder that was removed stays so.
    if (lstatSync(grave, { throwIfNoEntry: false }) === undefined) return false
    const back = `${grave}.back`
    linkSync(grave, back)
    if (actual !== undefined) rmSync(path, { recursive: true })
    renameSync(back, path)
    return true
  }

  #loseBytes(folder: string, random: Random): number {
    let lost = 0
    for (const { name, isDirectory } of entriesOf(folder)) {
      const path = join(folder, name)
      if (isDirectory) {
        lost += this.#loseBytes(path, random)
        continue
      }
      const { ino, size } = lstatSync(path)
      const durable = this.#sizes.get(ino) ?? 0
      if (size <= durable) continue
      const left = random.int(durable, size)
      truncateSync(path, left)
      // The length may have got to the disk, and the bytes not.
      if (random.chance(0.3)) truncateSync(path, size)
      lost += size - left
    }
    return lost
  }
}

/** Gives a file another name; one that has two has that already. */
function bury(path: string, graves: string, inode: number): void {
  const grave = join(graves, String(inode))
  if (lstatSync(grave, { throwIfNoEntry: false }) === undefined) linkSync(path, grave)
}

function entriesOf(folder: string): { name: string; isDirectory: boolean }[] {
  return readdirSync(folder, { withFileTypes: true }).map(entry => ({
    name: entry.name,
    isDirectory: entry.isDirectory(),
  }))
}
