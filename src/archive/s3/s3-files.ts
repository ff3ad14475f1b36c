import { type ArchiveFiles, MissingFile } from '../archive-files.ts'
import { S3Connection, type S3Options } from './client.ts'
import { S3Error } from './error.ts'
import { formatS3Url } from './url.ts'

/** What is asked for at once, and kept in memory. */
const CHUNK_BYTES = 8 * 1024 * 1024

/** A piece of an object. */
interface Piece {
  readonly bytes: Buffer
  /** Of the whole object. */
  readonly length: number
  /** Another one when the object was written anew. */
  readonly etag: string | undefined
}

/** The files of an archive in S3. */
export class S3Files implements ArchiveFiles {
  readonly location: string
  readonly #connection: S3Connection

  private constructor(connection: S3Connection) {
    this.#connection = connection
    this.location = formatS3Url(connection.url)
  }

  /** @throws as S3Connection.open */
  static async open(options: S3Options): Promise<S3Files> {
    return new S3Files(await S3Connection.open(options))
  }

  async *list(): AsyncGenerator<string> {
    const { sdk, client, url } = this.#connection
    for (let token: string | undefined; ;) {
      const page = await this.#connection.attempt('list', '', () => {
        const next = token === undefined ? {} : { ContinuationToken: token }
        return client.send(new sdk.ListObjectsV2Command({ Bucket: url.bucket, Prefix: url.prefix, ...next }))
      })
      for (const { Key: key = '' } of page.Contents ?? []) {
        const name = key.slice(url.prefix.length)
        // What consoles make to show a folder.
        if (name !== '' && !name.endsWith('/')) yield name
      }
      token = page.NextContinuationToken
      if (token === undefined) return
    }
  }

  /** In pieces, so that one that got lost can be asked for again. */
  async *read(name: string, most: number = CHUNK_BYTES): AsyncGenerator<Buffer> {
    let at = 0
    let etag: string | undefined
    for (;;) {
      const piece = await this.#piece(name, { from: at, bytes: Math.min(most, CHUNK_BYTES) }, etag)
      if (piece === undefined) return
      etag = piece.etag
      at += piece.bytes.length
      yield piece.bytes
      if (at >= piece.length || piece.bytes.length === 0) return
    }
  }

  close(): void {
    this.#connection.close()
  }

  /** Undefined: there is nothing from there on, as in an empty object. */
  async #piece(
    name: string,
    { from, bytes: most }: { from: number; bytes: number },
    etag: string | undefined,
  ): Promise<Piece | undefined> {
    const { sdk, client, url } = this.#connection
    const command = new sdk.GetObjectCommand({
      Bucket: url.bucket,
      Key: this.#connection.key(name),
      Range: `bytes=${from}-${from + most - 1}`,
      ...(etag !== undefined && { IfMatch: etag }),
    })
    try {
      return await this.#connection.attempt('read', name, async () => {
        const { Body, ContentRange, ContentLength = 0, ETag } = await client.send(command)
        const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
        return { bytes, length: Number(ContentRange?.split('/')[1] ?? ContentLength), etag: ETag }
      })
    } catch (error) {
      if (isNamed('InvalidRange', error)) return undefined
      if (isNamed('NoSuchKey', error)) throw new MissingFile(name)
      throw error
    }
  }
}

/** Whether this is what S3 calls so. */
function isNamed(name: string, error: unknown): boolean {
  return error instanceof S3Error && error.cause instanceof Error && error.cause.name === name
}
