import type { FileHandle } from 'node:fs/promises'
import { ByteSource } from './byte-source.ts'
import type { Compression } from './compression.ts'
import type { FramingName } from './record-format.ts'
import { recordScanner } from './record-scanner.ts'

const READ_BYTES = 256 * 1024

/** How much of a file can be read. */
export interface WholePart {
  /** Where the last whole record (compressed: the last member that ends with one) ends; what follows is torn. */
  readonly bytes: number
  /** Records up to there, from where the search began. For `lines`, newlines. */
  readonly records: number
}

/**
 * Finds out how much of a file that `archive` was writing is whole, in memory that does not grow with the file: a kill
 * may have torn the last records or member; a power cut may have left zeros or garbage there as well. Each member is
 * decompressed and its checksum compared; without compression only what cannot be a record is noticed.
 *
 * @param from - where to begin: what is before was whole, or is somebody else's
 * @throws what reading the file throws
 */
export async function wholePart(
  file: FileHandle,
  framing: FramingName,
  compression: Compression,
  from: number = 0,
): Promise<WholePart> {
  const scanner = recordScanner(framing)
  const source = new ByteSource(chunksOf(file, from))
  let whole = { bytes: from, records: 0 }
  for await (const end of compression.members(source, bytes => scanner.push(bytes))) {
    if (compression.name === 'none') whole = { bytes: from + scanner.wholeBytes, records: scanner.records }
    else if (scanner.isBetween && !scanner.isBroken) whole = { bytes: from + end, records: scanner.records }
    if (scanner.isBroken) break
  }
  return whole
}

async function* chunksOf(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let at = from; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
