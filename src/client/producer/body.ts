import { errorText, NsqError } from '../../util/errors.ts'

/** A message on its way out: a short string stays one until it is written where it is sent from. */
export type Body = Buffer | string

/** An encoder of which it is not known that it keeps to its type: programs may have none. */
export interface LooseEncoder<T> {
  encode(value: T): unknown
}

/** A UTF-16 unit has at most three bytes in UTF-8. */
const MOST_UTF8 = 3
/** A longer string is encoded at once: it is sent from there. */
const SHORT = 1024

/**
 * Encodes a value.
 *
 * @throws NsqError `E_ENCODE`, its `cause` is what the encoder threw
 */
export function encodeWith<T>(encoder: LooseEncoder<T>, value: T, topic: string): Body {
  let encoded: unknown
  try {
    encoded = encoder.encode(value)
  } catch (error) {
    throw new NsqError('E_ENCODE', `a message for ${topic} does not encode: ${errorText(error)}`, {
      cause: error,
    })
  }
  if (typeof encoded === 'string') return encoded.length <= SHORT ? encoded : Buffer.from(encoded)
  if (Buffer.isBuffer(encoded)) return encoded
  if (encoded instanceof Uint8Array) return toBuffer(encoded)
  const what = encoded === null ? 'null' : typeof encoded
  throw new NsqError('E_ENCODE', `a message for ${topic} is not bytes or a string, but ${what}`, {
    remedy: 'Give the producer a codec that makes bytes or strings of your values, such as json.',
  })
}

/** The same bytes. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Bytes of a body when they could be more than `limit`; when they surely are not, a bound on them that is cheap. */
export function lengthUpTo(body: Body, limit: number): number {
  if (typeof body !== 'string') return body.length
  const most = MOST_UTF8 * body.length
  return most <= limit ? most : Buffer.byteLength(body)
}
