import type { ArchivedMessage } from '../../src/archive/message.ts'
import type { FramingName } from '../../src/archive/record-format.ts'
import { recordFormat } from '../../src/archive/record-format.ts'
import { Chunks } from '../../src/archive/chunks.ts'

export const FRAMINGS: readonly FramingName[] = ['lines', 'escaped', 'jsonl', 'length']
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

/** These bytes as they come from a file: in pieces of this size. */
export async function* inPieces(bytes: Buffer, size: number = 64 * 1024): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Everything that comes, and the error that it ends with. */
export async function collect<T>(input: AsyncIterable<T>): Promise<{ all: T[]; error: unknown }> {
  const all: T[] = []
  try {
    for await (const each of input) all.push(each)
  } catch (error) {
    return { all, error }
  }
  return { all, error: undefined }
}

export interface PlainMessage extends ArchivedMessage {
  readonly body: Buffer
}

/** A message that nobody answers. */
export function plainMessage(
  body: Buffer | string,
  timestamp: bigint = 1_767_366_245_000_000_007n,
): PlainMessage {
  return {
    topic: 'logs',
    id: '0123456789abcdef',
    nsqd: '127.0.0.1:4150',
    timestamp,
    attempts: 2,
    body: Buffer.from(body),
    finish: () => true,
    requeue: () => true,
  }
}

/** What `archive` writes of messages with these bodies, before compression. */
export function encoded(framing: FramingName, bodies: readonly (Buffer | string)[]): Buffer[] {
  const chunks = new Chunks()
  const format = recordFormat(framing)
  for (const body of bodies) format.append(plainMessage(body), chunks)
  return [...chunks.buffers]
}
