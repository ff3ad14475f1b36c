/**
 * Sees every call that this process makes to the file system through Node, and may fail it: functions of node:fs and
 * node:fs/promises are replaced for everybody who imports them. So a program needs nothing of its own to be tested by.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

export type DiskCallKind =
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'mkdir'
  | 'list'
  | 'stat'

export interface DiskCall {
  readonly kind: DiskCallKind
  /** Of the function, without `Sync`. */
  readonly name: string
  /** Of the file or folder; empty when it was opened before anybody looked. */
  readonly path: string
  /** Where it is renamed to. */
  readonly to: string | undefined
  /** Undefined where the call names a path. */
  readonly fd: number | undefined
  readonly args: readonly unknown[]
}

export interface DiskWatch {
  /** Just before a call. When it gives an error, the call fails with it; a close is made all the same. */
  before?(call: DiskCall): Error | undefined
  /** When it is done; `error` is undefined when it went well. */
  after?(call: DiskCall, error: unknown, result: unknown): void
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown

/** By the names of node:fs; with `Sync` behind them, with a callback, or in node:fs/promises, as there is. */
const KINDS: Readonly<Record<string, DiskCallKind>> = {
  open: 'open',
  close: 'close',
  read: 'read',
  readFile: 'read',
  write: 'write',
  writev: 'write',
  writeFile: 'write',
  appendFile: 'write',
  fsync: 'sync',
  fdatasync: 'sync',
  truncate: 'truncate',
  ftruncate: 'truncate',
  rename: 'rename',
  link: 'rename',
  unlink: 'remove',
  rm: 'remove',
  rmdir: 'remove',
  mkdir: 'mkdir',
  readdir: 'list',
  stat: 'stat',
  fstat: 'stat',
}
const HANDLE_KINDS: Readonly<Record<string, DiskCallKind>> = {
  read: 'read',
  readFile: 'read',
  write: 'write',
  writev: 'write',
  writeFile: 'write',
  sync: 'sync',
  datasync: 'sync',
  truncate: 'truncate',
  stat: 'stat',
}

const watches = new Set<DiskWatch>()
/** What was opened since the first watch. */
const paths = new Map<number, string>()
/** A function of Node that calls others counts once. */
let depth = 0
let isInstalled = false

/** Watches from now on; gives the function that ends it. */
export async function watchDisk(watch: DiskWatch): Promise<() => void> {
  if (!isInstalled) await install()
  watches.add(watch)
  return () => void watches.delete(watch)
}

async function install(): Promise<void> {
  isInstalled = true
  const some = await fs.promises.open(process.execPath)
  const handles: object = Object.getPrototypeOf(some)
  await some.close()
  for (const [name, kind] of Object.entries(KINDS)) {
    replace(fs, `${name}Sync`, original => synchronous(name, kind, original))
    replace(fs, name, original => withCallback(name, kind, original))
    replace(fs.promises, name, original => promised(name, kind, original))
  }
  for (const [name, kind] of Object.entries(HANDLE_KINDS)) {
    replace(handles, name, original => ofHandle(name, kind, original))
  }
  syncBuiltinESMExports()
}

function replace(target: object, name: string, make: (original: AnyFunction) => AnyFunction): void {
  const original: unknown = Reflect.get(target, name)
  if (isFunction(original)) Object.assign(target, { [name]: make(original) })
}

/** Its parameters are passed on as they come, whatever they are. */
function isFunction(value: unknown): value is AnyFunction {
  return typeof value === 'function'
}

function callOf(kind: DiskCallKind, name: string, args: readonly unknown[], fd?: number): DiskCall {
  const [first, second] = args
  const descriptor = fd ?? (typeof first === 'number' ? first : undefined)
  const path = descriptor === undefined ? String(first) : (paths.get(descriptor) ?? '')
  return { kind, name, path, to: kind === 'rename' ? String(second) : undefined, fd: descriptor, args }
}

function before(call: DiskCall): Error | undefined {
  for (const watch of watches) {
    const error = watch.before?.(call)
    if (error !== undefined) return error
  }
  return undefined
}

function after(call: DiskCall, error: unknown, result?: unknown): void {
  if (call.kind === 'open' && typeof result === 'number') paths.set(result, call.path)
  for (const watch of watches) watch.after?.(call, error, result)
}

function isSeen(): boolean {
  return depth === 0 && watches.size > 0
}

/** Makes a call in which others are not seen. */
function inside<T>(act: () => T): T {
  depth++
  try {
    return act()
  } finally {
    depth--
  }
}

function synchronous(name: string, kind: DiskCallKind, original: AnyFunction): AnyFunction {
  return function replaced(...args) {
    if (!isSeen()) return original.apply(this, args)
    const call = callOf(kind, name, args)
    const refused = before(call)
    try {
      if (refused !== undefined && kind !== 'close') throw refused
      const result = inside(() => original.apply(this, args))
      if (refused !== undefined) throw refused
      after(call, undefined, result)
      return result
    } catch (error) {
      after(call, error)
      throw error
    }
  }
}

function withCallback(name: string, kind: DiskCallKind, original: AnyFunction): AnyFunction {
  return function replaced(...args) {
    const done = args.at(-1)
    if (!isSeen() || typeof done !== 'function') return original.apply(this, args)
    const call = callOf(kind, name, args.slice(0, -1))
    const refused = before(call)
    const finish = (error: unknown, ...results: unknown[]): void => {
      after(call, refused ?? error ?? undefined, results[0])
      Reflect.apply(done, undefined, [refused ?? error, ...results])
    }
    if (refused !== undefined && kind !== 'close') setImmediate(finish, refused)
    else inside(() => original.apply(this, [...args.slice(0, -1), finish]))
    return undefined
  }
}

function promised(name: string, kind: DiskCallKind, original: AnyFunction): AnyFunction {
  return async function replaced(...args) {
    if (!isSeen()) return original.apply(this, args)
    const call = callOf(kind, name, args)
    const refused = before(call)
    try {
      if (refused !== undefined) throw refused
      const result = await inside(() => original.apply(this, args))
      if (isHandle(result)) watchClose(result, call.path)
      after(call, undefined, isHandle(result) ? result.fd : result)
      return result
    } catch (error) {
      after(call, error)
      throw error
    }
  }
}

function ofHandle(name: string, kind: DiskCallKind, original: AnyFunction): AnyFunction {
  return async function replaced(...args) {
    if (!isSeen() || !isHandle(this)) return original.apply(this, args)
    const call = callOf(kind, name, args, this.fd)
    const refused = before(call)
    try {
      if (refused !== undefined) throw refused
      const result = await inside(() => original.apply(this, args))
      after(call, undefined, result)
      return result
    } catch (error) {
      after(call, error)
      throw error
    }
  }
}

/** A handle's `close` is its own, not its prototype's. */
function watchClose(handle: { readonly fd: number; close: () => Promise<void> }, path: string): void {
  const close = handle.close.bind(handle)
  handle.close = async () => {
    const call: DiskCall = { kind: 'close', name: 'close', path, to: undefined, fd: handle.fd, args: [] }
    const refused = watches.size > 0 ? before(call) : undefined
    await close()
    after(call, refused)
    if (refused !== undefined) throw refused
  }
}

function isHandle(value: unknown): value is { readonly fd: number; close: () => Promise<void> } {
  return typeof value === 'object' && value !== null && 'fd' in value && 'close' in value
}
