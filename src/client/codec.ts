import { errorText, NsqError } from '../util/errors.ts'

/** Makes the bytes of a message of a value. What it throws fails the publish with `E_ENCODE`. */
export interface Encoder<T> {
  /** A string goes as UTF-8. Bytes must not change until the publish is acknowledged. */
  encode(value: T): Buffer | Uint8Array | string
}

/** Makes a value of the bytes of a message. What it throws is `E_DECODE`. */
export interface Decoder<T> {
  /** `bytes` is a view of what was received: copy it to keep it for long. */
  decode(bytes: Buffer): T
}

export interface Codec<T> extends Encoder<T>, Decoder<T> {}

// A byte order mark stays: what was published is what is received.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes as they are; a string may be published too, and goes as UTF-8. What is used unless a codec is given. */
export const raw: Encoder<Buffer | Uint8Array | string> & Decoder<Buffer> = {
  encode: value => value,
  decode: bytes => bytes,
}

/** Strings, as UTF-8. Bytes that are not UTF-8 do not decode; a lone surrogate is published as U+FFFD. */
export const text: Codec<string> = {
  encode(value) {
    // A program without types could pass anything, and bytes would be text that was never checked.
    if (typeof value !== 'string') throw new TypeError(`text is a string, not ${describe(value)}`)
    return value
  },
  decode: bytes => utf8.decode(bytes),
}

/** JSON, as UTF-8. What has no JSON of its own (undefined, a function, a bigint, a cycle) does not encode. */
export const json: Codec<unknown> = {
  encode(value) {
    const encoded: string | undefined = JSON.stringify(value)
    if (encoded === undefined) throw new TypeError(`${describe(value)} has no JSON`)
    return encoded
  },
  decode(bytes) {
    const decoded = utf8.decode(bytes)
    try {
      return JSON.parse(decoded)
    } catch (error) {
      // The parser's own words quote the message, which may be secret, and is whole when it is short.
      throw new SyntaxError(`it is not JSON${placeOf(error)}`)
    }
  },
}

/** What an error names, asked for only when there is one. */
export interface Named {
  toString(): string
}

/**
 * Decodes a message; `what` names it in the error.
 *
 * @throws NsqError `E_DECODE`, its `cause` is what the decoder threw
 */
export function decodeWith<T>(decoder: Decoder<T>, bytes: Buffer, what: Named): T {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    throw new NsqError('E_DECODE', `${what.toString()} does not decode: ${errorText(error)}`, {
      cause: error,
    })
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** V8 says where it stopped, when it is not the end. */
function placeOf(error: unknown): string {
  const place = / at position \d+/.exec(errorText(error))
  return place === null ? '' : place[0]
}
