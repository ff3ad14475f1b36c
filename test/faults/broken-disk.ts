import type { TestContext } from 'node:test'
import { type DiskCall, type DiskCallKind, watchDisk } from './support/disk-seam.ts'

export interface DiskFault {
  /** What fails. */
  readonly call: DiskCallKind | readonly DiskCallKind[]
  /** Only where the path, or the one that it is renamed to, is like this. */
  readonly path?: RegExp
  /** As `EIO`, `ENOSPC`, `EROFS` or `EMFILE`. */
  readonly code: string
  /** So many calls fail, then no more; by default all. */
  readonly times?: number
  /** So many calls that would fail go well before. */
  readonly after?: number
}

const TEXTS: Readonly<Record<string, string>> = {
  EIO: 'i/o error',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EMFILE: 'too many open files',
  EACCES: 'permission denied',
}

/** A fault that was asked for. */
export class InjectedFault {
  readonly given: DiskFault
  readonly #kinds: ReadonlySet<DiskCallKind>
  #toPass: number
  /** Calls that have failed by it. */
  count = 0

  constructor(given: DiskFault) {
    this.given = given
    this.#kinds = new Set(typeof given.call === 'string' ? [given.call] : given.call)
    this.#toPass = given.after ?? 0
  }

  /** The error that this call is to fail with, if it is to. */
  strike({ kind, name, path, to }: DiskCall): Error | undefined {
    const { given } = this
    if (!this.#kinds.has(kind) || this.count >= (given.times ?? Infinity)) return undefined
    if (given.path !== undefined && !given.path.test(path) && !given.path.test(to ?? '')) return undefined
    if (this.#toPass > 0) {
      this.#toPass--
      return undefined
    }
    this.count++
    const where = to === undefined ? `'${path}'` : `'${path}' -> '${to}'`
    const text = `${given.code}: ${TEXTS[given.code] ?? 'failed'}, ${name} ${where}`
    return Object.assign(new Error(text), { code: given.code, syscall: name, path })
  }
}

/** A disk that fails as it is told, for all that this process does with files. */
export class BrokenDisk {
  readonly #faults = new Set<InjectedFault>()
  /** Notes the calls while this is set: what there is to fail. */
  seen: DiskCall[] | undefined
  #end: (() => void) | undefined

  async install(): Promise<this> {
    this.#end ??= await watchDisk({
      before: call => {
        this.seen?.push(call)
        for (const fault of this.#faults) {
          const error = fault.strike(call)
          if (error !== undefined) return error
        }
        return undefined
      },
    })
    return this
  }

  /** From now on such calls fail, until `heal`, or until it was often enough. */
  fail(given: DiskFault): InjectedFault {
    const fault = new InjectedFault(given)
    this.#faults.add(fault)
    return fault
  }

  /** Ends one fault, or all. */
  heal(fault?: InjectedFault): void {
    if (fault === undefined) this.#faults.clear()
    else this.#faults.delete(fault)
  }

  uninstall(): void {
    this.heal()
    this.#end?.()
    this.#end = undefined
  }
}

/** The disk of this process, sound until told otherwise, and again when the test ends. */
export async function brokenDisk(t: TestContext): Promise<BrokenDisk> {
  const disk = new BrokenDisk()
  // Before what the test has started is stopped, if this is called first.
  t.after(() => disk.uninstall())
  return disk.install()
}
