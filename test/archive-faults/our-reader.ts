import { createReadStream } from 'node:fs'
import { loadCompression } from '../../src/archive/compression.ts'
import { readRecords } from '../../src/archive/reader.ts'
import type { Framed } from './archived.ts'
import type { Compressed } from './system-tools.ts'

/** How many records our own reader finds in these files. It throws when one is damaged. */
export async function readWithOurs(
  paths: readonly string[],
  framing: Framed,
  compression: Compressed,
): Promise<number> {
  const loaded = await loadCompression(compression)
  let count = 0
  for (const path of paths) {
    for await (const records of readRecords(createReadStream(path), framing, loaded)) count += records.length
  }
  return count
}
