import { errorText, NsqError, type NsqErrorOptions } from '../util/errors.ts'

/** Codes of the system for what may pass: somebody makes room, closes files. */
const TRANSIENT = new Set(['EDQUOT', 'EMFILE', 'ENFILE', 'ENOSPC'])

/** Nothing more can be added to a file, which says nothing of the next one. */
export class PartLost extends Error {
  override readonly name: string = 'PartLost'
}

/** The error of a file or folder of the archive that could not be written: `E_ARCHIVE_WRITE`. */
export function writeFailed(path: string, cause: unknown): NsqError {
  // What has a code and a remedy already says more.
  if (cause instanceof NsqError) return cause
  const options: NsqErrorOptions = { cause }
  const remedy = remedyOf(systemCode(cause))
  if (remedy !== undefined) options.remedy = remedy
  return new NsqError('E_ARCHIVE_WRITE', `cannot write ${path}: ${errorText(cause)}`, options)
}

/** The error of a file that is there already, when a part can have no other name: `E_ARCHIVE_NAME`. */
export function nameTaken(path: string): NsqError {
  return new NsqError('E_ARCHIVE_NAME', `${path} exists, and is not written over`, {
    remedy: 'Put <REV> into --filename-format, so that files can be counted, or move that file away.',
  })
}

/** Whether the same may go well later: a full disk, too many open files. */
export function isTransientWrite(error: unknown): boolean {
  const code = systemCode(error)
  if ((code !== undefined && TRANSIENT.has(code)) || error instanceof PartLost) return true
  return error instanceof NsqError && error.cause !== undefined && isTransientWrite(error.cause)
}

/** The code of an error of the system, as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function remedyOf(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room there; nsqd still has the messages.'
    case 'EMFILE':
    case 'ENFILE':
      return 'Raise the limit of open files (ulimit -n).'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'Let the user of this process write there, or choose another folder.'
    case 'ENOTDIR':
      return 'There is a file where a folder is to be: move it away, or name another folder.'
    case 'EISDIR':
      return 'There is a folder where a file is to be: move it away, or change --filename-format.'
    case 'ENAMETOOLONG':
      return 'Names have 255 bytes at most here, and paths 4096: choose a shorter one.'
    default:
      return undefined
  }
}
