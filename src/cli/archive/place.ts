import { mkdir, lstat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { ArchiverEvents } from '../../archive/archiver-options.ts'
import type { Destination } from '../../archive/destination.ts'
import { FolderDestination, InPlace } from '../../archive/folder-destination.ts'
import { PartFolder } from '../../archive/part-folder.ts'
import { NsqError } from '../../util/errors.ts'
import { UsageError } from '../errors.ts'
import type { Place } from './settings.ts'

/** Where the files of a run are written, and where they go when they are complete. */
export interface OpenPlace {
  readonly folder: PartFolder
  readonly destination: Destination
}

/** @throws NsqError `E_ARCHIVE_WRITE` when a folder cannot be made or written to; those of `S3Destination.open` */
export async function openPlace(place: Place, events: ArchiverEvents): Promise<OpenPlace> {
  // First: without a way to it there is no need for a folder.
  const outside = await openOutside(place)
  const folder = await PartFolder.open({
    path: place.kind === 's3' ? (place.spoolPath ?? (await temporarySpool(place))) : writtenPath(place),
    openDestination: id => reopen(id, place),
    events,
  })
  return { folder, destination: outside ?? new InPlace(folder.path) }
}

function writtenPath(place: Exclude<Place, { kind: 's3' }>): string {
  return place.kind === 'folder' ? place.workPath : place.path
}

async function openOutside(place: Place): Promise<Destination | undefined> {
  if (place.kind === 'in place') return undefined
  if (place.kind === 'folder') return FolderDestination.open(place.path)
  return openS3({ url: place.url, endpoint: place.endpoint, mayBeAway: place.spoolPath !== undefined })
}

/** For what an earlier run has left for another destination. */
function reopen(id: string, place: Place): Promise<Destination> {
  if (!id.startsWith('s3://')) return FolderDestination.reopen(id)
  return openS3({ url: id, endpoint: place.kind === 's3' ? place.endpoint : undefined, mayBeAway: true })
}

interface S3Place {
  readonly url: string
  readonly endpoint: string | undefined
  /** Whether files have a spool to wait in. */
  readonly mayBeAway: boolean
}

async function openS3({ url, endpoint, mayBeAway }: S3Place): Promise<Destination> {
  const { S3Destination } = await import('../../archive/s3/s3-destination.ts')
  try {
    return await S3Destination.open({ url, mayBeAway, ...(endpoint === undefined ? {} : { endpoint }) })
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

/**
 * Where files lie while they are uploaded, when nothing was said about it: in a folder of this user's own, and one for
 * each output, so that a later run finds what one that died has left.
 */
async function temporarySpool({ url, endpoint = '' }: Extract<Place, { kind: 's3' }>): Promise<string> {
  const { uid } = userInfo()
  const mine = join(tmpdir(), `nsq-ts-spool-${uid}`)
  await mkdir(mine, { recursive: true, mode: 0o700 })
  const stats = await lstat(mine)
  // Anybody may write to /tmp: what lies here is uploaded as ours.
  if (!stats.isDirectory() || (uid >= 0 && (stats.uid !== uid || (stats.mode & 0o077) !== 0))) {
    throw new NsqError('E_ARCHIVE_WRITE', `${mine} is not a folder of this user alone`, {
      remedy: 'Remove it, or name another folder with --spool-dir.',
    })
  }
  return join(mine, createHash('sha256').update(`${url} ${endpoint}`).digest('hex').slice(0, 16))
}
