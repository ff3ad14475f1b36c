import { createRequire } from 'node:module'
import { Duplex, Transform, type TransformCallback } from 'node:stream'
import type * as snappy from 'snappy'
import {
  MAX_SNAPPY_BLOCK,
  SNAPPY_IDENTIFIER,
  SnappyFrameReader,
  snappyChunk,
} from '../protocol/snappy-frames.ts'
import { NsqError, errorText } from '../util/errors.ts'
import { codedStream } from './coded-stream.ts'
import type { Layer } from './layer.ts'

/** Of single blocks. Both throw. Their promises would be no use: a block is too small to be worth a thread. */
interface Blocks {
  readonly compress: (bytes: Buffer) => Buffer
  readonly uncompress: (block: Buffer) => Buffer
}

// A buffer of the library's own costs more than a copy of 64 KiB: twice as fast.
const COPY = { copyOutputData: true }

type WriteDone = (error?: Error | null) => void

let blocks: Blocks | Error | undefined

/** Whether there is a native snappy library for this platform; loads it when first asked. */
export function isSnappyAvailable(): boolean {
  return !(load() instanceof Error)
}

/**
 * Framed snappy both ways. Anything else that comes is E_SNAPPY.
 *
 * @throws NsqError E_SNAPPY when there is no native library for this platform.
 */
export async function snappyLayer(): Promise<Layer> {
  const blocks = load()
  if (blocks instanceof Error) {
    throw new NsqError('E_SNAPPY', `snappy cannot be loaded: ${blocks.message}`, {
      cause: blocks,
      remedy: 'Install nsq-ts with its optional packages, or use deflate.',
    })
  }
  return below =>
    codedStream(below, {
      name: 'snappy',
      errorCode: 'E_SNAPPY',
      encoder: new SnappyEncoder(blocks),
      decoder: new SnappyDecoder(blocks),
    })
}

function load(): Blocks | Error {
  if (blocks !== undefined) return blocks
  try {
    const { compressSync, uncompressSync }: typeof snappy = createRequire(import.meta.url)('snappy')
    blocks = {
      compress: bytes => compressSync(bytes, COPY),
      uncompress: block => {
        const bytes = uncompressSync(block, COPY)
        // Text only if it were asked for.
        return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
      },
    }
  } catch (error) {
    blocks = error instanceof Error ? error : new Error(errorText(error))
  }
  return blocks
}

class SnappyEncoder extends Transform {
  readonly #blocks: Blocks
  #begun = false

  constructor(blocks: Blocks) {
    super()
    this.#blocks = blocks
  }

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#begun) this.push(SNAPPY_IDENTIFIER)
    this.#begun = true
    for (let at = 0; at < bytes.length; at += MAX_SNAPPY_BLOCK) {
      this.push(snappyChunk(bytes.subarray(at, at + MAX_SNAPPY_BLOCK), this.#blocks.compress))
    }
    done()
  }
}

/** No Transform: that one takes it amiss when a read brings nothing but room for the next write. */
class SnappyDecoder extends Duplex {
  readonly #reader: SnappyFrameReader
  /** Of the write that is not read to its end, because nobody takes what came of it. */
  #done: WriteDone | undefined

  constructor(blocks: Blocks) {
    super()
    this.#reader = new SnappyFrameReader(blocks.uncompress, bytes => {
      if (!this.push(bytes)) this.#reader.paused = true
    })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: WriteDone): void {
    this.#run(() => this.#reader.push(chunk), done)
  }

  override _read(): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.#run(() => this.#reader.resume(), done)
  }

  override _final(done: WriteDone): void {
    this.push(null)
    done()
  }

  #run(read: () => void, done: WriteDone): void {
    try {
      read()
    } catch (error) {
      done(error instanceof Error ? error : new Error(errorText(error)))
      return
    }
    if (this.#reader.paused) this.#done = done
    else done()
  }
}
