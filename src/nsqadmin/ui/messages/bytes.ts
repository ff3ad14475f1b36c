/** Message bodies between what JSON can carry, bytes and text. */
import type { ShownMessage } from '../../live-types.ts'

const encoder = new TextEncoder()
// fatal: a body that is not UTF-8 is shown as bytes. ignoreBOM: a mark at its start is part of the message.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws when the text is not base64. */
export function bytesOfBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

export function bytesOfText(text: string): Uint8Array {
  return encoder.encode(text)
}

/** What came of a body, as bytes. */
export function bodyBytes({ body, encoding }: Pick<ShownMessage, 'body' | 'encoding'>): Uint8Array {
  return encoding === 'base64' ? bytesOfBase64(body) : bytesOfText(body)
}

/**
 * What came of a body, as text; undefined when it is not UTF-8. A body that was cut inside a character, and is sent as
 * base64 for that, is text too, without the half character.
 */
export function bodyText({
  body,
  encoding,
  size,
}: Pick<ShownMessage, 'body' | 'encoding' | 'size'>): string | undefined {
  if (encoding === 'utf8') return body
  const bytes = bytesOfBase64(body)
  const whole = bytes.length < size ? bytes.subarray(0, endOfCharacters(bytes)) : bytes
  try {
    return decoder.decode(whole)
  } catch {
    return undefined
  }
}

/** Where the last whole character ends, if the bytes are UTF-8. */
function endOfCharacters(bytes: Uint8Array): number {
  let start = bytes.length - 1
  while (start > 0 && bytes.length - start < 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--
  const first = bytes[start] ?? 0
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return start >= 0 && start + length > bytes.length ? start : bytes.length
}
