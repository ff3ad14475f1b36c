import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { SealedPart } from '../../../src/archive/destination.ts'
import { S3Destination, type S3DestinationOptions } from '../../../src/archive/s3/s3-destination.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import type { S3Server } from '../../support/s3-server.ts'

export const BUCKET = 'archive'
export const MIB = 1024 * 1024
/** What `openDestination` uploads in parts: S3 takes no smaller ones, and each byte is hashed three times on its way. */
export const PART_BYTES: number = 5 * MIB
/** Of a file that is uploaded in two parts by it, and of one in three. */
export const TWO_PARTS: number = PART_BYTES + 12_345
export const THREE_PARTS: number = 2 * PART_BYTES + 12_345
export const NEVER: AbortSignal = new AbortController().signal

/** A part that lies on disk, complete. */
export function partOf(name: string, bytes: Buffer, more: Partial<SealedPart> = {}): SealedPart {
  const path = join(temporaryFolder(), 'part')
  writeFileSync(path, bytes)
  return {
    path,
    name,
    template: name,
    topic: 'logs',
    channel: 'nsq_to_file',
    framing: 'lines',
    compression: 'none',
    records: 1,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    from: 1n,
    to: 2_000_000_003n,
    recovered: false,
    ...more,
  }
}

/** Bytes that differ everywhere, so that no piece can be taken for another. */
export function distinctBytes(length: number): Buffer {
  const numbers = new Uint32Array(Math.ceil(length / 4))
  for (let i = 0; i < numbers.length; i++) numbers[i] = i * 4
  return Buffer.from(numbers.buffer, 0, length)
}

/** Lets this process in, by its environment, until the test ends; `change` sets variables, or takes them away. */
export function useEnv(
  t: TestContext,
  server: Pick<S3Server, 'env'>,
  change: Record<string, string | undefined> = {},
): void {
  const names = Object.keys(process.env).filter(name => name.startsWith('AWS_'))
  const before = Object.fromEntries(names.map(name => [name, process.env[name]]))
  clearEnv()
  for (const [name, value] of Object.entries({ ...server.env, ...change })) {
    if (value !== undefined) process.env[name] = value
  }
  t.after(() => {
    clearEnv()
    Object.assign(process.env, before)
  })
}

function clearEnv(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
}

/** It is closed when the test ends. */
export async function openDestination(
  t: TestContext,
  endpoint: string,
  options: Partial<S3DestinationOptions> = {},
): Promise<S3Destination> {
  const url = `s3://${BUCKET}/logs`
  const destination = await S3Destination.open({ url, endpoint, partBytes: PART_BYTES, ...options })
  t.after(() => destination.close())
  return destination
}
