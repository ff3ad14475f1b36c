import { isUtf8 } from 'node:buffer'

/** A body, or its beginning, as it is sent to the page. */
export interface ShownBody {
  body: string
  encoding: 'utf8' | 'base64'
}

/** The first `limit` bytes of a body, as few less as end it at a character when the whole of it is text. */
export function cutBody(body: Buffer, limit: number): { bytes: Buffer; encoding: ShownBody['encoding'] } {
  if (!isUtf8(body)) return { bytes: body.subarray(0, limit), encoding: 'base64' }
  if (body.length <= limit) return { bytes: body, encoding: 'utf8' }
  let end = limit
  while (end > 0 && isContinuation(body[end])) end--
  return { bytes: body.subarray(0, end), encoding: 'utf8' }
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
