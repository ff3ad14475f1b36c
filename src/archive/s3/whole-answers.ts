import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'

/**
 * Reads each answer to its end before the SDK sees it. When a connection is lost in the middle of an answer, the SDK waits
 * for ever, or, in some versions, only when it is lost before it looks; and for what it hands on as a stream it never tries
 * again. This way it is an error as any other, and the request is sent again. No answer of ours is larger than 8 MiB.
 */
export function readAnswersWhole(client: S3Client): void {
  client.middlewareStack.add(
    next => async args => {
      const result = await next(args)
      const { response } = result
      if (typeof response === 'object' && response !== null && 'body' in response) {
        if (response.body instanceof Readable) response.body = Readable.from(await readToEnd(response.body))
      }
      return result
    },
    // Next to the connection, before whatever looks at the answer.
    { step: 'deserialize', priority: 'low', name: 'readAnswersWhole' },
  )
}

async function readToEnd(stream: Readable): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk)
  } catch (cause) {
    // Names and codes by which the SDK knows what to try again.
    if (cause instanceof Error && cause.name === 'TimeoutError') throw cause
    throw Object.assign(new Error('the answer was cut', { cause }), {
      name: 'TimeoutError',
      code: 'ECONNRESET',
    })
  }
  return chunks
}
