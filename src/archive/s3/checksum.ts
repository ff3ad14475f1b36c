import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { S3Connection } from './client.ts'

/** What S3 is sent to compare the bytes with that it got; or an answer of S3 with the same. */
export interface Checksum {
  ChecksumCRC32?: string | undefined
  ContentMD5?: string | undefined
}

/**
 * CRC-32, which S3 keeps with the object; or, where AWS_REQUEST_CHECKSUM_CALCULATION=when_required says that the server is
 * one that does not know it, MD5, which all have always known.
 */
export async function checksumOf(bytes: Buffer, { client }: S3Connection): Promise<Checksum> {
  if ((await client.config.requestChecksumCalculation()) === 'WHEN_REQUIRED') {
    return { ContentMD5: createHash('md5').update(bytes).digest('base64') }
  }
  return { ChecksumCRC32: base64Of(crc32(bytes)) }
}

/** The checksum that S3 gives to an object of several parts: that of theirs, and their number. */
export function checksumOfParts(parts: readonly Checksum[]): string | undefined {
  const sums: Buffer[] = []
  for (const { ChecksumCRC32: sum } of parts) {
    if (sum === undefined) return undefined
    sums.push(Buffer.from(sum, 'base64'))
  }
  return `${base64Of(crc32(Buffer.concat(sums)))}-${parts.length}`
}

function base64Of(sum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  return bytes.toString('base64')
}
