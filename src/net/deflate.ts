import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { codedStream } from './coded-stream.ts'
import type { Layer } from './layer.ts'

const { Z_SYNC_FLUSH } = constants

/** What is handed on at once. Four times zlib's default costs 96 KiB a connection and is a fifth faster. */
const chunkSize = 65_536

/**
 * Raw deflate both ways, flushed at each flush. Anything else that comes is E_DEFLATE.
 *
 * @param level - 1 (fastest) to 9 (smallest), of what is sent
 */
export function deflateLayer(level: number): Layer {
  return below =>
    codedStream(below, {
      name: 'deflate',
      errorCode: 'E_DEFLATE',
      encoder: createDeflateRaw({ level, flush: Z_SYNC_FLUSH, chunkSize }),
      // Official nsqd and others just close: the last block is never marked as such, and that is no error.
      decoder: createInflateRaw({ flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH, chunkSize }),
    })
}
