import type { IncomingMessage } from 'node:http'
import { HttpError } from './error.ts'

/** How much of a body that is too large is read and thrown away, so that its sender lives to see the reply. */
const DISCARD_LIMIT = 16 * 1024 * 1024

/**
 * Reads a whole request body.
 *
 * @throws HttpError 413 with `tooBig` as its message when there are more than `limit` bytes; nothing above the limit is kept.
 */
export async function readBody(raw: IncomingMessage, limit: number, tooBig: string): Promise<Buffer> {
  const announced = Number(raw.headers['content-length'] ?? 0)
  if (announced > limit + DISCARD_LIMIT) throw new HttpError(413, tooBig)
  let chunks: Buffer[] = []
  let length = 0
  for await (const chunk of raw.iterator({ destroyOnReturn: false })) {
    // Without an encoding, which nobody sets, an IncomingMessage yields buffers.
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    length += bytes.length
    if (length > limit + DISCARD_LIMIT) break
    if (length > limit) chunks = []
    else chunks.push(bytes)
  }
  if (length > limit) throw new HttpError(413, tooBig)
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, length)
}
