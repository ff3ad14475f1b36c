import { NsqError } from '../util/errors.ts'
import type { Compression } from './compression.ts'

export async function loadZstd(_level?: number): Promise<Compression> {
  throw new NsqError('E_ZSTD', 'not yet')
}
