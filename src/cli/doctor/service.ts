import { errorText, NsqError } from '../../util/errors.ts'
import type { Service } from './facts.ts'

/** What a daemon answers on its TCP port to what is not its protocol. */
const BAD_PROTOCOL = 'E_BAD_PROTOCOL'

/**
 * Whose first bytes these are.
 *
 *     nsqd        | size | type 1 | E_BAD_PROTOCOL …
 *     nsqlookupd  | size | E_BAD_PROTOCOL …
 *     HTTP        HTTP/1.1 400 …
 *     TLS         | 21 (alert) | 3 | …
 */
export function serviceOf(bytes: Buffer): Service {
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') return 'http'
  if (bytes[0] === 21 && bytes[1] === 3) return 'tls'
  if (bytes.indexOf(BAD_PROTOCOL) === 8) return 'nsqd-tcp'
  if (bytes.indexOf(BAD_PROTOCOL) === 4) return 'nsqlookupd-tcp'
  return 'unknown'
}

/** What to say of a conversation that failed: of the beginning of an answer that may be right, nothing. */
export function serviceSeen(head: Buffer, error: unknown): { service?: Service } {
  const service = serviceOf(head)
  const isCut = error instanceof NsqError && CUT.has(error.code)
  return head.length === 0 || (isCut && service === 'unknown') ? {} : { service }
}

const CUT: ReadonlySet<string> = new Set(['E_READ_TIMEOUT', 'E_DISCONNECTED'])

/** The same of a server that did not answer a request in HTTP; undefined when no bytes are known. */
export function serviceOfError(error: unknown): Service | undefined {
  let at = error
  for (let depth = 0; at instanceof Error && depth < 10; depth++) {
    // Node's parser keeps what it could not read.
    if ('rawPacket' in at && Buffer.isBuffer(at.rawPacket)) return serviceOf(at.rawPacket)
    if (/wrong version number|packet length too long/i.test(errorText(at))) return 'unknown'
    at = at.cause
  }
  return undefined
}
