import { checksumOf } from './checksum.ts'
import type { S3Connection } from './client.ts'
import { NO_S3 } from './error.ts'

/** Writes a small object, whole or not at all, over what was there. Rejects with an S3Error, or as `signal` says. */
export async function putObject(
  connection: S3Connection,
  name: string,
  body: Buffer,
  contentType: string,
  signal?: AbortSignal,
): Promise<void> {
  const { sdk, client, url } = connection
  const checksum = await checksumOf(body, connection)
  const command = new sdk.PutObjectCommand({
    Bucket: url.bucket,
    Key: connection.key(name),
    Body: body,
    ContentLength: body.length,
    ContentType: contentType,
    ...checksum,
  })
  const send = async (): Promise<void> => {
    const answer = await client.send(command, abortOptions(signal))
    // Not an error for the SDK: whatever says 200, be it a proxy's page, has taken the object.
    if (answer.ETag === undefined) throw new Error(NO_S3)
    compare(checksum.ChecksumCRC32, answer.ChecksumCRC32)
  }
  await connection.attempt('write', name, send, signal)
}

export function abortOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** What S3 has must be what it was sent. Some servers say nothing about it. */
export function compare(sent: string | undefined, got: string | undefined): void {
  if (sent === undefined || got === undefined || sent === got) return
  const text = `S3 has other bytes than it was sent: their checksum is ${got}, not ${sent}`
  throw Object.assign(new Error(text), { name: 'BadDigest' })
}
