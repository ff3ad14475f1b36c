import { setImmediate as turn } from 'node:timers/promises'
import * as zlib from 'node:zlib'
import type * as Wasm from '@foxglove/wasm-zstd'
import { NsqError } from '../util/errors.ts'
import { xxh64 } from './xxh64.ts'
import { CHECKSUM_FLAG, DESCRIPTOR_AT } from './zstd-frame.ts'

/** zstd, whoever it is that does it. */
export interface ZstdLibrary {
  /** Pieces of one frame, which says how large its content is and ends with a checksum. */
  compress(bytes: Buffer, level: number): Promise<Buffer[]>
  /** The content of one frame. Fails when it is damaged. */
  decompress(frame: Buffer, contentBytes: number): Promise<Buffer>
}

const PACKAGE = '@foxglove/wasm-zstd'

/**
 * That of Node, which works in threads of its own, or else the package, which works in ours.
 *
 * @throws NsqError `E_ZSTD` when there is neither
 */
export async function zstdLibrary(): Promise<ZstdLibrary> {
  return nativeLibrary() ?? packageLibrary()
}

type Callback = (error: Error | null, result: Buffer) => void

/** What Node has from 22.15 and 23.8 on. The types that we use are of Node 20. */
interface ZstdOfNode {
  readonly zstdCompress: (bytes: Buffer, options: object, callback: Callback) => void
  readonly zstdDecompress: (bytes: Buffer, options: object, callback: Callback) => void
  readonly constants: Readonly<Record<'ZSTD_c_compressionLevel' | 'ZSTD_c_checksumFlag', number>>
}

function hasZstd(module: object): module is ZstdOfNode {
  return 'zstdCompress' in module && 'zstdDecompress' in module
}

/** Smaller pieces would cost more turns of the threads. */
const OUTPUT_BYTES = 64 * 1024

/** Undefined where Node has no zstd. */
export function nativeLibrary(): ZstdLibrary | undefined {
  if (!hasZstd(zlib)) return undefined
  const { zstdCompress, zstdDecompress, constants } = zlib
  return {
    async compress(bytes, level) {
      const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
      const options = { params, pledgedSrcSize: bytes.length, chunkSize: OUTPUT_BYTES }
      return [await called(callback => zstdCompress(bytes, options, callback))]
    },
    decompress(frame, contentBytes) {
      const options = { maxOutputLength: Math.max(contentBytes, 1), chunkSize: OUTPUT_BYTES }
      return called(callback => zstdDecompress(frame, options, callback))
    },
  }
}

function called(run: (callback: Callback) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    run((error, result) => (error === null ? resolve(result) : reject(error)))
  })
}

/** @throws NsqError `E_ZSTD` */
export async function packageLibrary(): Promise<ZstdLibrary> {
  const { compress, decompress } = await importPackage()
  let last: Promise<unknown> = Promise.resolve()
  // It works in this thread: everything else has its turn between two frames.
  const inTurn = <T>(work: () => T): Promise<T> => {
    const done = last.then(() => turn()).then(work)
    last = done.catch(() => {})
    return done
  }
  return {
    compress: (bytes, level) =>
      inTurn(() => {
        const frame = compress(bytes, level)
        // It makes no checksum.
        frame.writeUInt8(frame.readUInt8(DESCRIPTOR_AT) | CHECKSUM_FLAG, DESCRIPTOR_AT)
        const checksum = Buffer.alloc(4)
        checksum.writeUInt32LE(Number(xxh64(bytes) & 0xffffffffn))
        return [frame, checksum]
      }),
    decompress: (frame, contentBytes) => inTurn(() => decompress(frame, contentBytes)),
  }
}

async function importPackage(): Promise<typeof Wasm> {
  try {
    const library = await import('@foxglove/wasm-zstd')
    await library.isLoaded
    return library
  } catch (error) {
    throw new NsqError('E_ZSTD', `zstd: Node ${process.version} has none, and ${PACKAGE} cannot be loaded`, {
      cause: error,
      remedy: `Run "npm install ${PACKAGE}", or use Node 22.15 or later, or --gzip.`,
    })
  }
}
