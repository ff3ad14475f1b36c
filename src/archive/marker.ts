import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Compression } from './compression.ts'
import type { Destination } from './destination.ts'
import { syncFolder } from './folders.ts'
import type { FramingName } from './record-format.ts'

/**
 * Says of a file that it is being written, and all that is needed to finish it without the one who has begun it. It is a
 * file `KEY-N.part` in a hidden folder, durable before the file it speaks of is made, and gone when that is where it belongs:
 *
 *     {"version":1,"file":"logs.db1-000000.log.gz","template":"logs.db1<REV>.log.gz","topic":"logs","channel":"archive",
 *      "framing":"lines","compression":"gzip","destination":"/var/archive","isAppended":false,"start":0,"finishAfter":"durable"}
 */
export interface Marker {
  /** Relative to the folder, with `/`. */
  readonly file: string
  /** The same with `<REV>`, if the format has one. */
  readonly template: string
  readonly topic: string
  readonly channel: string
  readonly framing: FramingName
  readonly compression: Compression['name']
  /** The `id` of the destination, or IN_PLACE. */
  readonly destination: Destination['id']
  /** Whether a later run may continue the file. */
  readonly isAppended: boolean
  /** How long the file was when it was opened: so much is not to be cut. */
  readonly start: number
  /** `delivered`: nsqd still has the messages of a file with a marker. */
  readonly finishAfter: 'durable' | 'delivered'
}

/** One that was found. */
export interface FoundMarker {
  /** Of the marker itself. */
  readonly path: string
  readonly key: string
  readonly number: number
}

/** A file that stays where it is, whatever its folder is called when it is found: one may be moved, or mounted elsewhere. */
export const IN_PLACE = '.'

const VERSION = 1

export function markerPath(folder: string, key: string, number: number): string {
  return join(folder, `${key}-${number}.part`)
}

/** Writes a marker that is durable when this resolves, or not there. */
export async function writeMarker(path: string, marker: Marker): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, ...marker }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(join(path, '..'))
  } catch (error) {
    await Promise.allSettled([rm(temporary, { force: true }), rm(path, { force: true })])
    throw error
  }
}

/** The markers in a folder, oldest first for each key. What was being written when a process died is none. */
export async function findMarkers(folder: string): Promise<FoundMarker[]> {
  const found: FoundMarker[] = []
  for (const name of await readdir(folder)) {
    const [, key, number] = /^(.+)-(\d{1,15})\.part$/.exec(name) ?? []
    if (key !== undefined) found.push({ path: join(folder, name), key, number: Number(number) })
  }
  return found.sort((a, b) => a.number - b.number)
}

/** The keys of which there are markers or locks. */
export async function findKeys(folder: string): Promise<Set<string>> {
  const keys = new Set<string>()
  for (const name of await readdir(folder)) {
    const [, key] = /^(.+)(?:-\d{1,15}\.part(?:\.tmp)?|\.lock)$/.exec(name) ?? []
    if (key !== undefined) keys.add(key)
  }
  return keys
}

/** Removes what a process that died has left of a marker: nothing else was begun yet. */
export async function removeUnfinishedMarkers(folder: string, key: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${key}-`) && name.endsWith('.part.tmp'))
      await rm(join(folder, name), { force: true })
  }
}

/** Undefined when it is no marker that this version knows. */
export async function readMarker(path: string): Promise<Marker | undefined> {
  try {
    return parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function parse(value: unknown): Marker | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Partial<Record<keyof Marker | 'version', unknown>> = value
  const { version, file, template, topic, channel, framing, compression, destination } = fields
  const { isAppended, start, finishAfter } = fields
  if (version !== VERSION || !isText(file) || !isInside(file) || !isText(template) || !isInside(template))
    return undefined
  if (!isText(topic) || !isText(channel) || !isText(destination) || typeof isAppended !== 'boolean')
    return undefined
  if (!isOneOf(framing, FRAMINGS) || !isOneOf(compression, COMPRESSIONS)) return undefined
  if (!isOneOf(finishAfter, FINISH_AFTER) || !isLength(start)) return undefined
  const names = { file, template, topic, channel, framing, compression, destination }
  return { ...names, isAppended, start, finishAfter }
}

const FRAMINGS: readonly FramingName[] = ['lines', 'escaped', 'jsonl', 'length']
const COMPRESSIONS: readonly Compression['name'][] = ['none', 'gzip', 'zstd']
const FINISH_AFTER: readonly Marker['finishAfter'][] = ['durable', 'delivered']

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isOneOf<T>(value: unknown, values: readonly T[]): value is T {
  return values.some(one => one === value)
}

/** Whoever can write a marker must not be able to have other files cut or moved. */
function isInside(name: string): boolean {
  return (
    !isAbsolute(name) && !name.includes('\0') && name.split('/').every(part => part !== '' && part !== '..')
  )
}
