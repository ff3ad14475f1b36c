/**
 * Uploads a large file in parts, of which S3 makes an object when it has all:
 *
 *     CreateMultipartUpload -> id; UploadPart 1 … n, a few at once; CompleteMultipartUpload
 *
 * Until then nothing is under the key; and what is given up is aborted, as its parts would be paid for, unseen, for ever.
 */
import type { FileHandle } from 'node:fs/promises'
import type { CompletedPart } from '@aws-sdk/client-s3'
import type { Slots } from '../../util/slots.ts'
import { checksumOf, checksumOfParts } from './checksum.ts'
import type { S3Connection } from './client.ts'
import { NO_S3 } from './error.ts'
import { abortOptions, compare } from './put.ts'

const MIB = 1024 * 1024
/** What is larger than this goes in parts of at least this size. S3 wants 5 MiB at least. */
export const PART_BYTES = 8 * MIB
/** S3's limit. */
const MOST_PARTS = 10_000
/** Parts of one file that are under way; larger ones go one by one, so that memory stays bounded. */
const AT_ONCE = 4
/** For what is done after a failure, when S3 may be away: not as long as the upload itself. */
const CLEANUP_MS = 20_000

export interface FileToUpload {
  readonly name: string
  readonly file: FileHandle
  readonly bytes: number
  readonly contentType: string
  /** The size of its parts, at least. */
  readonly partBytes: number
  /** An upload of it may have been left, by a run that died or by an attempt before this one. */
  readonly wasBegun: boolean
}

export class MultipartUpload {
  readonly #connection: S3Connection
  readonly #upload: FileToUpload
  /** Shared with other uploads: each has a part in memory. */
  readonly #slots: Slots
  readonly #signal: AbortSignal
  readonly #partBytes: number
  readonly #parts: CompletedPart[] = []
  #id: string | undefined
  /** Whether S3 may have begun an upload that we do not know: its answer got lost. */
  #mayHaveOthers: boolean

  constructor(connection: S3Connection, upload: FileToUpload, slots: Slots, signal: AbortSignal) {
    this.#connection = connection
    this.#upload = upload
    this.#slots = slots
    this.#signal = signal
    this.#partBytes = partBytes(upload.bytes, upload.partBytes)
    this.#mayHaveOthers = upload.wasBegun
  }

  /** Rejects with an S3Error, or with the signal's reason. */
  async run(): Promise<void> {
    try {
      this.#id = await this.#create()
      await this.#uploadParts()
      await this.#complete()
    } catch (error) {
      await this.#abort()
      throw error
    }
    if (this.#mayHaveOthers) await this.#abortOthers()
  }

  get #target(): { Bucket: string; Key: string } {
    return { Bucket: this.#connection.url.bucket, Key: this.#connection.key(this.#upload.name) }
  }

  async #create(): Promise<string> {
    const { sdk, client } = this.#connection
    const { contentType } = this.#upload
    const sample = await checksumOf(Buffer.alloc(0), this.#connection)
    return this.#attempt(async () => {
      const command = new sdk.CreateMultipartUploadCommand({
        ...this.#target,
        ContentType: contentType,
        ...(sample.ChecksumCRC32 !== undefined && { ChecksumAlgorithm: 'CRC32' }),
      })
      const { UploadId, $metadata } = await client.send(command, abortOptions(this.#signal))
      if (UploadId === undefined) throw new Error(NO_S3)
      if (($metadata.attempts ?? 1) > 1) this.#mayHaveOthers = true
      return UploadId
    })
  }

  /** Each worker takes the next part; when one fails, all end. */
  async #uploadParts(): Promise<void> {
    const count = Math.ceil(this.#upload.bytes / this.#partBytes)
    const failed = new AbortController()
    const signal = AbortSignal.any([this.#signal, failed.signal])
    let next = 0
    const work = async (): Promise<void> => {
      while (next < count && !signal.aborted) {
        const index = next++
        await this.#slots.use(() => this.#uploadPart(index, signal))
      }
    }
    const workers = Array.from({ length: this.#partBytes > PART_BYTES ? 1 : AT_ONCE }, async () => {
      try {
        await work()
      } catch (error) {
        failed.abort(error)
        throw error
      }
    })
    // All of them, as a part that arrives after the abort would stay.
    await Promise.allSettled(workers)
    signal.throwIfAborted()
  }

  async #uploadPart(index: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { sdk, client } = this.#connection
    const from = index * this.#partBytes
    const body = await readExactly(
      this.#upload.file,
      from,
      Math.min(this.#partBytes, this.#upload.bytes - from),
    )
    const checksum = await checksumOf(body, this.#connection)
    await this.#attempt(async () => {
      const command = new sdk.UploadPartCommand({
        ...this.#target,
        UploadId: this.#id,
        PartNumber: index + 1,
        Body: body,
        ContentLength: body.length,
        ...checksum,
      })
      const { ETag, ChecksumCRC32 } = await client.send(command, abortOptions(signal))
      if (ETag === undefined) throw new Error(NO_S3)
      compare(checksum.ChecksumCRC32, ChecksumCRC32)
      const { ChecksumCRC32: sum } = checksum
      this.#parts[index] = { PartNumber: index + 1, ETag, ...(sum !== undefined && { ChecksumCRC32: sum }) }
    }, signal)
  }

  async #complete(): Promise<void> {
    const { sdk, client } = this.#connection
    const checksum = checksumOfParts(this.#parts)
    await this.#attempt(async () => {
      const command = new sdk.CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: this.#id,
        MultipartUpload: { Parts: this.#parts },
      })
      try {
        const answer = await client.send(command, abortOptions(this.#signal))
        if (answer.ETag === undefined) throw new Error(NO_S3)
        // Other servers say the checksum of the whole object, which has no number of parts.
        const isOfParts = answer.ChecksumCRC32?.includes('-') === true
        compare(isOfParts ? checksum : undefined, answer.ChecksumCRC32)
      } catch (error) {
        if (!isNoSuchUpload(error) || !(await this.#isThere(checksum))) throw error
      }
    })
  }

  /**
   * Whether the object is complete, though S3 says that it knows no such upload: it is what a second request to complete
   * it is told, when the answer to the first one got lost. Nothing else is ever written to this key.
   */
  async #isThere(checksum: string | undefined): Promise<boolean> {
    const { sdk, client } = this.#connection
    const command = new sdk.HeadObjectCommand({ ...this.#target, ChecksumMode: 'ENABLED' })
    try {
      const { ContentLength, ChecksumCRC32 } = await client.send(command, abortOptions(this.#signal))
      if (ContentLength !== this.#upload.bytes) return false
      return checksum === undefined || !ChecksumCRC32?.includes('-') || ChecksumCRC32 === checksum
    } catch {
      // These credentials may write and not read, or it is not there: it is uploaded again.
      return false
    }
  }

  /** What cannot be aborted now is left to the next upload of this part, or to a lifecycle rule of the bucket. */
  async #abort(): Promise<void> {
    if (this.#id !== undefined) await this.#abortUpload(this.#id)
    if (this.#mayHaveOthers) await this.#abortOthers()
  }

  async #abortUpload(id: string): Promise<void> {
    const { sdk, client } = this.#connection
    const command = new sdk.AbortMultipartUploadCommand({ ...this.#target, UploadId: id })
    await client.send(command, { abortSignal: AbortSignal.timeout(CLEANUP_MS) }).catch(() => {})
  }

  /** Aborts the uploads of this key that are not this one: no other run has this part. */
  async #abortOthers(): Promise<void> {
    const { sdk, client } = this.#connection
    const { Bucket, Key } = this.#target
    try {
      const command = new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key })
      const { Uploads = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(CLEANUP_MS) })
      const ids = Uploads.filter(({ Key: key, UploadId }) => key === Key && UploadId !== this.#id)
      for (const { UploadId: id } of ids) if (id !== undefined) await this.#abortUpload(id)
    } catch {
      // These credentials may not list, or the server cannot.
    }
  }

  #attempt<T>(task: () => Promise<T>, signal = this.#signal): Promise<T> {
    return this.#connection.attempt('write', this.#upload.name, task, signal)
  }
}

/** Parts of 8 MiB, or of `least` bytes, or of as many MiB as it takes to do with 10,000 of them. */
export function partBytes(bytes: number, least: number = PART_BYTES): number {
  return Math.max(least, Math.ceil(bytes / MOST_PARTS / MIB) * MIB)
}

/** Bytes of a file that has them: one that ends before was cut by somebody else. */
export async function readExactly(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, from + at)
    if (bytesRead === 0) throw new Error('the file is shorter than it was when it was complete')
    at += bytesRead
  }
  return bytes
}

function isNoSuchUpload(error: unknown): boolean {
  return error instanceof Error && error.name === 'NoSuchUpload'
}
