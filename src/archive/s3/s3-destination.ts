import { open } from 'node:fs/promises'
import type { Delivered, Destination, SealedPart } from '../destination.ts'
import { isTransientWrite } from '../errors.ts'
import { Slots } from '../../util/slots.ts'
import { S3Connection, type S3Options } from './client.ts'
import { S3Error } from './error.ts'
import { MultipartUpload, PART_BYTES, readExactly } from './multipart.ts'
import { putObject } from './put.ts'
import { formatS3Url } from './url.ts'

export interface S3DestinationOptions extends S3Options {
  /** That S3 is away for the moment is no error yet: files have a spool to wait in. */
  readonly mayBeAway?: boolean
  /** Files of more bytes are uploaded in parts of so many, of which S3 wants 5 MiB at least. 8 MiB. */
  readonly partBytes?: number
}

/** Requests with a file, or 8 MiB of one, that are under way: they bound the memory, at about 32 MiB. */
const AT_ONCE = 4

/** Files are uploaded to S3 when they are complete. An object is there whole, or not at all. */
export class S3Destination implements Destination {
  readonly kind = 's3'
  readonly id: string
  readonly #connection: S3Connection
  readonly #partBytes: number
  readonly #slots = new Slots(AT_ONCE)
  /** Names of files whose upload in several parts has failed: while S3 is away, what it has of them cannot be removed either. */
  readonly #failed = new Set<string>()

  private constructor(connection: S3Connection, { partBytes = PART_BYTES }: S3DestinationOptions) {
    this.#connection = connection
    this.#partBytes = partBytes
    this.id = formatS3Url(connection.url)
  }

  /**
   * Looks first whether the bucket is there and takes the credentials, so that it is known before any message is taken.
   *
   * @throws RangeError for a URL or an endpoint that is none; NsqError `E_S3_MODULE`; S3Error
   */
  static async open(options: S3DestinationOptions): Promise<S3Destination> {
    const connection = await S3Connection.open(options)
    try {
      await connection.check(options)
    } catch (error) {
      if (!(options.mayBeAway === true && error instanceof S3Error && error.isTransient)) {
        connection.close()
        throw error
      }
    }
    return new S3Destination(connection, options)
  }

  /** The same key for the same part, so that it is never there twice. Rejects with an S3Error, or the signal's reason. */
  async deliver(part: SealedPart, signal: AbortSignal): Promise<Delivered> {
    const { name } = part
    await this.#connection.attempt('upload', name, () => this.#upload(part, signal), signal)
    return { name, location: formatS3Url(this.#connection.url, name) }
  }

  /** Writes a small object beside the parts, over what was there. Rejects with an S3Error. */
  async put(name: string, body: Buffer, contentType: string): Promise<void> {
    await this.#slots.use(() => putObject(this.#connection, name, body, contentType))
  }

  isTransient(error: unknown): boolean {
    return (error instanceof S3Error && error.isTransient) || isTransientWrite(error)
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  async #upload(part: SealedPart, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { name, bytes, recovered } = part
    const contentType = contentTypeOf(part)
    const file = await open(part.path, 'r')
    try {
      const partBytes = this.#partBytes
      if (bytes > partBytes) {
        const wasBegun = recovered || this.#failed.has(name)
        this.#failed.add(name)
        const upload = { name, file, bytes, contentType, partBytes, wasBegun }
        await new MultipartUpload(this.#connection, upload, this.#slots, signal).run()
        this.#failed.delete(name)
      } else {
        await this.#slots.use(async () => {
          signal.throwIfAborted()
          const body = await readExactly(file, 0, bytes)
          await putObject(this.#connection, name, body, contentType, signal)
        })
      }
    } finally {
      await file.close()
    }
  }
}

/** Compressed files are what they are: with a Content-Encoding, programs would get them decompressed and misnamed. */
function contentTypeOf({ compression, framing }: SealedPart): string {
  if (compression === 'gzip') return 'application/gzip'
  if (compression === 'zstd') return 'application/zstd'
  if (framing === 'jsonl') return 'application/x-ndjson'
  return framing === 'length' ? 'application/octet-stream' : 'text/plain'
}
