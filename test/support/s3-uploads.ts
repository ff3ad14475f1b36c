import type { IncomingMessage } from 'node:http'
import { crcOf, header } from './s3-signature.ts'
import { escape, S3Fault, xml } from './s3-xml.ts'

/** A request, and what it asks for. */
export class S3Call {
  readonly request: IncomingMessage
  readonly body: Buffer
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams

  constructor(request: IncomingMessage, body: Buffer) {
    this.request = request
    this.body = body
    const [path = '', query = ''] = (request.url ?? '').split('?')
    const [, bucket = '', ...key] = path.split('/').map(decodeURIComponent)
    this.bucket = bucket
    this.key = key.join('/')
    this.query = new URLSearchParams(query)
  }

  get uploadId(): string | undefined {
    return this.query.get('uploadId') ?? undefined
  }

  /** The checksum of the body, as its sender knows it. */
  get sum(): string | undefined {
    return header(this.request, 'x-amz-checksum-crc32') || undefined
  }

  get listsUploads(): boolean {
    return this.request.method === 'GET' && this.query.has('uploads')
  }

  get creates(): boolean {
    return this.request.method === 'POST' && this.query.has('uploads')
  }

  get completes(): boolean {
    return this.request.method === 'POST' && this.uploadId !== undefined
  }
}

interface OpenUpload {
  readonly bucket: string
  readonly key: string
  /** The checksums, by number. */
  readonly parts: Map<number, string | undefined>
}

/** The uploads in parts that were neither completed nor aborted, and the checksums of their parts. */
export class S3Uploads {
  readonly #open = new Map<string, OpenUpload>()

  /** The keys of those that are open. */
  get keys(): string[] {
    return Array.from(this.#open.values(), ({ key }) => key)
  }

  /** Throws what S3 answers when parts are not those that it was sent. */
  check({ uploadId = '', body }: S3Call): void {
    const upload = this.#open.get(uploadId)
    if (upload === undefined) return
    for (const [, part = ''] of body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)) {
      const number = Number(/<PartNumber>(\d+)</.exec(part)?.[1])
      if (/<ChecksumCRC32>([^<]*)</.exec(part)?.[1] !== upload.parts.get(number)) {
        throw new S3Fault(400, 'InvalidPart', `The checksum of part ${number} does not match.`)
      }
    }
  }

  /** Takes note of what went well; returns the answer to it as S3 would give it. */
  done(call: S3Call, answer: Buffer): Buffer {
    const { uploadId, bucket, key, query, sum } = call
    if (call.creates) {
      const id = /<UploadId>([^<]+)</.exec(answer.toString())?.[1] ?? ''
      this.#open.set(id, { bucket, key, parts: new Map() })
    }
    const upload = this.#open.get(uploadId ?? '')
    if (uploadId === undefined || upload === undefined) return answer
    if (query.has('partNumber')) {
      upload.parts.set(Number(query.get('partNumber')), sum)
      return answer
    }
    this.#open.delete(uploadId)
    const whole = call.completes ? sumOfParts(upload) : undefined
    if (whole === undefined) return answer
    return Buffer.from(answer.toString().replace('</ETag>', `</ETag><ChecksumCRC32>${whole}</ChecksumCRC32>`))
  }

  /** The answer to ListMultipartUploads. */
  list({ bucket, query }: S3Call): string {
    const prefix = query.get('prefix') ?? ''
    const uploads = [...this.#open].filter(([, its]) => its.bucket === bucket && its.key.startsWith(prefix))
    const elements = uploads.map(
      ([id, { key }]) => `<Upload><Key>${escape(key)}</Key><UploadId>${id}</UploadId></Upload>`,
    )
    return xml(`<ListMultipartUploadsResult>${elements.join('')}</ListMultipartUploadsResult>`)
  }
}

function sumOfParts({ parts }: OpenUpload): string | undefined {
  const sums: Buffer[] = []
  for (const [, sum] of [...parts].sort(([a], [b]) => a - b)) {
    if (sum === undefined) return undefined
    sums.push(Buffer.from(sum, 'base64'))
  }
  return `${crcOf(Buffer.concat(sums))}-${sums.length}`
}
