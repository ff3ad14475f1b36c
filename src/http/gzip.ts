import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Reply } from './reply.ts'

/** Below this a packet carries it anyway. */
const MIN_SIZE = 1024

// 'gzip' or '*' as an element of the list, unless its quality is 0
const GZIP = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i

const compress = promisify(gzip)

/** Whether an Accept-Encoding header allows gzip. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  return typeof header === 'string' && GZIP.test(header)
}

/** The reply with its body compressed, off the event loop; as it is when it is small, a stream, or encoded already. */
export async function compressed(reply: Reply): Promise<Reply> {
  const { body, headers, stream } = reply
  if (stream !== undefined || Buffer.byteLength(body) <= MIN_SIZE) return reply
  if (headers !== undefined && 'Content-Encoding' in headers) return reply
  return {
    ...reply,
    headers: { ...headers, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' },
    body: await compress(body),
  }
}
