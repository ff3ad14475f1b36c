import { NsqError } from '../util/errors.ts'

/** An archived file that cannot be read to its end. */
export function damaged(what: string, cause?: unknown): NsqError {
  return new NsqError('E_ARCHIVE_DAMAGED', what, {
    cause,
    remedy: 'What comes before it can be read. Look for an earlier copy of the file, and check the disk.',
  })
}
