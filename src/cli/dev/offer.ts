/**
 * What a running `dev` tells the other commands: one small file for each process, never in the user's folder.
 *
 *     {"pid":1234,"started":"2b0f… 5678","host":"laptop","folder":"/home/ada/shop","at":1760000000000,
 *      "values":{"nsqd-tcp-address":["127.0.0.1:4150"],…}}
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join, sep } from 'node:path'
import { isRunning, startOf } from '../../util/process-start.ts'
import { offerFolders } from '../context/folders.ts'
import { ADDRESS_KEYS } from '../context/keys.ts'
import type { ContextValues, NamedContext } from '../context/named-context.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Offer {
  readonly pid: number
  readonly started: string | null
  readonly host: string
  /** The real path. */
  readonly folder: string
  /** When it was made, in milliseconds since 1970. */
  readonly at: number
  readonly values: ContextValues
}

/**
 * Offers these addresses to the commands that run in this folder or below, until the function returned is called. It may
 * be called in an `exit` handler, and more than once. Where there is no place for it, nothing is offered.
 *
 * @throws what the file system throws
 */
export function makeOffer(env: Environment, folder: string, values: ContextValues): () => void {
  const offer: Offer = {
    pid: process.pid,
    started: startOf(process.pid),
    host: hostname(),
    folder: realpathSync(folder),
    at: Date.now(),
    values,
  }
  let failure: unknown
  for (const place of offerFolders(env)) {
    try {
      const file = write(place, offer)
      return () => remove(file)
    } catch (error) {
      // After su, the runtime folder may still be that of somebody else.
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  return () => {}
}

function write(place: string, offer: Offer): string {
  mkdirSync(place, { recursive: true, mode: 0o700 })
  // What dead ones have left goes by the way.
  readOffers(place)
  const file = join(place, `${offer.pid}-${offer.at}.json`)
  // Whoever looks sees all of it, or nothing.
  writeFileSync(`${file}.new`, JSON.stringify(offer), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return file
}

/** The offer for this folder, if there is one: of the nearest folder, and there the newest. */
export function findOffer(env: Environment, cwd: () => string): NamedContext | undefined {
  const offers = offerFolders(env).flatMap(readOffers)
  if (offers.length === 0) return undefined
  const here = folderOf(cwd)
  const [best] = offers
    .filter(({ offer }) => here !== undefined && isWithin(here, offer.folder))
    .sort((a, b) => b.offer.folder.length - a.offer.folder.length || b.offer.at - a.offer.at)
  if (best === undefined) return undefined
  const { offer, file } = best
  return { how: 'dev', name: offer.folder, file, values: offer.values, notes: [] }
}

/** Undefined where one runs that was removed meanwhile. */
function folderOf(cwd: () => string): string | undefined {
  try {
    return realpathSync(cwd())
  } catch {
    return undefined
  }
}

function isWithin(folder: string, outer: string): boolean {
  return folder === outer || folder.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** Those of processes of this machine that still run; what others have left behind is removed. */
function readOffers(place: string): { offer: Offer; file: string }[] {
  let names: string[]
  try {
    names = readdirSync(place)
  } catch {
    return []
  }
  return names
    .filter(name => name.endsWith('.json'))
    .flatMap(name => {
      const file = join(place, name)
      const offer = readOffer(file)
      // A home folder may be shared by machines, and by containers.
      if (offer === undefined || offer.host !== hostname()) return []
      if (isRunning(offer)) return [{ offer, file }]
      remove(file)
      return []
    })
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // It is in nobody's way.
  }
}

function readOffer(file: string): Offer | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isOffer(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isOffer(value: unknown): value is Offer {
  if (typeof value !== 'object' || value === null) return false
  const { pid, started, host, folder, at, values }: Partial<Record<keyof Offer, unknown>> = value
  return (
    typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    (started === null || typeof started === 'string') &&
    typeof host === 'string' &&
    typeof folder === 'string' &&
    typeof at === 'number' &&
    typeof values === 'object' &&
    values !== null &&
    Object.entries(values).every(
      ([key, texts]) =>
        ADDRESS_KEYS.some(known => known === key) &&
        Array.isArray(texts) &&
        texts.every(text => typeof text === 'string'),
    )
  )
}
