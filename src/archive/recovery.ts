import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { errorText, NsqError } from '../util/errors.ts'
import type { ArchiverEvents } from './archiver-options.ts'
import { loadCompression } from './compression.ts'
import type { Delivery } from './deliveries.ts'
import type { Destination } from './destination.ts'
import { systemCode } from './errors.ts'
import { InPlace } from './folder-destination.ts'
import { syncFolder, syncNearest } from './folders.ts'
import type { Manifest } from './manifest.ts'
import { IN_PLACE, readMarker, type FoundMarker, type Marker } from './marker.ts'
import { uniqueRevision } from './revisions.ts'
import { wholePart, type WholePart } from './whole-part.ts'

/** Where the parts of a run that died are to go. */
export interface RecoveryPlan {
  /** The folder that the markers speak of. */
  readonly folder: string
  /** This run's own. */
  readonly destination: Destination
  /** Of this run's destination. */
  readonly manifest: Manifest | undefined
  readonly openDestination: (id: string) => Promise<Destination>
  readonly events: Pick<ArchiverEvents, 'recovered' | 'warned'>
}

/**
 * Mends the file of a marker, whose writer is gone: what is torn at its end is cut off, and nsqd has it still. Returns the
 * delivery that is left to be made, if any. All of this may be done again, when it is this process that dies.
 *
 * @throws NsqError `E_ARCHIVE_RECOVERY` when it cannot be mended: it is left as it is, with its marker
 */
export async function recoverPart(plan: RecoveryPlan, found: FoundMarker): Promise<Delivery | undefined> {
  try {
    const marker = await readMarker(found.path)
    if (marker === undefined) throw new Error('it is no marker of a version that this one knows')
    return await recover(plan, marker, found.path)
  } catch (error) {
    // Its file was delivered since it was found.
    if (systemCode(error) === 'ENOENT' && !existsSync(found.path)) return undefined
    const message = `cannot see to what ${found.path} says was left: ${errorText(error)}`
    const remedy = 'It was left as it is; remove that file when what it names has been seen to.'
    throw new NsqError('E_ARCHIVE_RECOVERY', message, { cause: error, remedy })
  }
}

async function recover(
  plan: RecoveryPlan,
  marker: Marker,
  markerPath: string,
): Promise<Delivery | undefined> {
  const path = join(plan.folder, marker.file)
  const size = await fileSize(path)
  // It was never made, or is where it belongs.
  if (size === undefined) {
    await rm(markerPath, { force: true })
    return undefined
  }
  if (marker.finishAfter === 'delivered') return removed(plan, path, markerPath, 0)

  const destination = await destinationOf(plan, marker)
  const whole = await mend(path, marker, from => keepCut(plan, path, markerPath, from))
  const cutBytes = Math.max(0, size - whole.bytes)
  if (whole.bytes === 0) return removed(plan, path, markerPath, cutBytes)
  const isInPlace = destination.kind === 'in place'
  plan.events.recovered(path, isInPlace ? 'kept' : 'sealed', cutBytes)
  if (isInPlace && marker.isAppended) {
    await rm(markerPath, { force: true })
    return undefined
  }
  const manifest = destination === plan.destination ? plan.manifest : undefined
  const { file, template, topic, channel, framing, compression } = marker
  return {
    markerPath,
    destination,
    manifest,
    part: {
      path,
      name: file,
      template,
      topic,
      channel,
      framing,
      compression,
      ...whole,
      sha256: manifest === undefined ? undefined : await checksum(path),
      from: undefined,
      to: undefined,
      recovered: true,
    },
  }
}

/** Nothing is in it, or nothing that nsqd does not have. */
async function removed(
  plan: RecoveryPlan,
  path: string,
  markerPath: string,
  cutBytes: number,
): Promise<undefined> {
  await rm(path, { force: true })
  // The folder may be gone, too, when what was beside it has just been delivered.
  await syncNearest(dirname(path), plan.folder)
  await rm(markerPath, { force: true })
  plan.events.recovered(path, 'removed', cutBytes)
}

async function destinationOf(plan: RecoveryPlan, { destination: id }: Marker): Promise<Destination> {
  const { destination, folder } = plan
  if (id === (destination.kind === 'in place' ? IN_PLACE : destination.id)) return destination
  return id === IN_PLACE ? new InPlace(folder) : plan.openDestination(id)
}

/** Cuts off what is torn; what the file had when it was opened is not looked at. The rest is on disk then. */
async function mend(
  path: string,
  { framing, compression, start }: Marker,
  keepCut: (from: number) => Promise<void>,
): Promise<WholePart> {
  const loaded = await loadCompression(compression)
  const file = await open(path, 'r+')
  try {
    const whole = await wholePart(file, framing, loaded, start)
    const { size } = await file.stat()
    if (size - whole.bytes > MOST_TORN) await keepCut(whole.bytes)
    if (size > whole.bytes) await file.truncate(whole.bytes)
    await file.sync()
    return whole
  } finally {
    await file.close()
  }
}

/** More than a crash tears off, as a rule: the file may be damaged, and what is behind that not to be found elsewhere. */
const MOST_TORN = 8 * 1024 * 1024

/** Copies what will be cut to a place beside the marker, under a name of its own: nobody may have seen to an earlier one. */
async function keepCut(plan: RecoveryPlan, path: string, markerPath: string, from: number): Promise<void> {
  const copy = markerPath.replace(/\.part$/, `${uniqueRevision(Date.now())}.cut`)
  await pipeline(
    createReadStream(path, { start: from }),
    createWriteStream(copy, { flags: 'wx', flush: true }),
  )
  await syncFolder(dirname(copy))
  const message = `${path} was whole up to ${from} bytes only; what was cut is kept as ${copy}`
  const remedy = 'When the end of the file was torn by a crash, nsqd has it still: remove that copy.'
  plan.events.warned(new NsqError('E_ARCHIVE_RECOVERY', message, { remedy }))
}

/** Undefined when there is none. */
async function fileSize(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new Error(`${path} is not a file`)
    return found.size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function checksum(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
