import type * as Sdk from '@aws-sdk/client-s3'
import { errorText, NsqError } from '../../util/errors.ts'
import { type S3Attempt, NO_S3, s3Error, S3Error } from './error.ts'
import { readAnswersWhole } from './whole-answers.ts'
import { formatS3Url, parseS3Endpoint, parseS3Url, type S3Url } from './url.ts'

export interface S3Options {
  /** `s3://bucket/prefix` */
  readonly url: string
  /** The address of a server that speaks S3, where it is not AWS; or what AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL says. */
  readonly endpoint?: string | undefined
  /** A connection on which nothing moves for so many milliseconds is given up, and the request sent again. 30,000. */
  readonly idleMs?: number
  /** How often a request is sent, at most, with pauses between that grow to 20 s. As AWS_MAX_ATTEMPTS says, or 8. */
  readonly maxAttempts?: number
}

const CONNECT_MS = 5000
const IDLE_MS = 30_000
/** About half a minute of an endpoint that asks to slow down; the SDK's own 3 are over in one second. */
const MAX_ATTEMPTS = 8
/** Whoever waits for a command to start shall not wait that long. */
const FIRST_ATTEMPTS = 3
/** Where only an endpoint is given: the servers that are not AWS's take any, most of them this. */
const ANY_REGION = 'us-east-1'

/** The SDK and a client of it, for one bucket. */
export class S3Connection {
  readonly sdk: typeof Sdk
  readonly client: Sdk.S3Client
  readonly url: S3Url
  readonly #endpoint: string | undefined
  readonly #region: string

  private constructor(
    sdk: typeof Sdk,
    client: Sdk.S3Client,
    url: S3Url,
    endpoint: string | undefined,
    region: string,
  ) {
    this.sdk = sdk
    this.client = client
    this.url = url
    this.#endpoint = endpoint
    this.#region = region
  }

  /**
   * Finds the SDK, a region and credentials; asks nothing of S3.
   *
   * @throws RangeError for a URL or an endpoint that is none; NsqError `E_S3_MODULE`, `E_S3_REGION`, `E_S3_CREDENTIALS`
   */
  static async open(options: S3Options): Promise<S3Connection> {
    const url = parseS3Url(options.url)
    const endpoint = endpointOf(options)
    const sdk = await loadSdk()
    const region = await regionOf(sdk, endpoint)
    const client = new sdk.S3Client(clientConfig(options, endpoint, region))
    readAnswersWhole(client)
    const connection = new S3Connection(sdk, client, url, endpoint, region)
    try {
      // The last place where they are looked for is the metadata service of AWS, for a second.
      await connection.attempt('use', '', () => client.config.credentials())
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  /**
   * Looks whether the bucket is there and takes these credentials. That they may not list it means nothing: they may
   * still write.
   *
   * @throws S3Error
   */
  async check(options: S3Options): Promise<void> {
    const { sdk, url } = this
    const client = new sdk.S3Client({
      ...clientConfig(options, this.#endpoint, this.#region),
      credentials: this.client.config.credentials,
      maxAttempts: Math.min(FIRST_ATTEMPTS, options.maxAttempts ?? FIRST_ATTEMPTS),
    })
    readAnswersWhole(client)
    try {
      await this.attempt('use', '', async () => {
        const command = new sdk.ListObjectsV2Command({ Bucket: url.bucket, Prefix: url.prefix, MaxKeys: 1 })
        const answer = await client.send(command)
        // A page of HTML may be read as if it were an answer without anything in it.
        if (answer.IsTruncated === undefined && answer.Name === undefined) throw new Error(NO_S3)
      })
    } catch (error) {
      if (!(error instanceof S3Error && error.code === 'E_S3_DENIED')) throw error
    } finally {
      client.destroy()
    }
  }

  /**
   * Does something with the object of a name (none: all of them), and makes an S3Error of what goes wrong; or throws the
   * reason of `signal` when that is aborted.
   */
  async attempt<T>(verb: string, name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await task()
    } catch (error) {
      signal?.throwIfAborted()
      throw s3Error(error, this.#attempt(`cannot ${verb} ${formatS3Url(this.url, name)}`))
    }
  }

  key(name: string): string {
    return this.url.prefix + name
  }

  close(): void {
    this.client.destroy()
  }

  #attempt(what: string): S3Attempt {
    return { what, bucket: this.url.bucket, endpoint: this.#endpoint, region: this.#region }
  }
}

/** Only when S3 is used: it is large, and an optional peer dependency. */
async function loadSdk(): Promise<typeof Sdk> {
  // It would write on stderr, at every start, that some later version needs a later Node: cron sends that by mail.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  try {
    return await import('@aws-sdk/client-s3')
  } catch (error) {
    throw missingSdk(error)
  }
}

function missingSdk(cause: unknown): NsqError {
  return new NsqError('E_S3_MODULE', 'S3 needs the package @aws-sdk/client-s3, which cannot be loaded', {
    cause,
    remedy:
      'Install it beside nsq-ts: npm install @aws-sdk/client-s3 (with -g where nsq-ts is installed so); ' +
      'or without installing: npx -p nsq-ts -p @aws-sdk/client-s3 nsq-ts archive …',
  })
}

function endpointOf({ endpoint }: S3Options): string | undefined {
  if (endpoint) return parseS3Endpoint(endpoint)
  for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']) {
    const text = process.env[name]
    if (!text) continue
    try {
      return parseS3Endpoint(text)
    } catch (error) {
      throw new RangeError(`${name}: ${errorText(error)}`, { cause: error })
    }
  }
  return undefined
}

function clientConfig(
  { idleMs = IDLE_MS, maxAttempts }: S3Options,
  endpoint: string | undefined,
  region: string,
): Sdk.S3ClientConfig & { expectContinueHeader: boolean } {
  const attempts = maxAttempts ?? (process.env['AWS_MAX_ATTEMPTS'] ? undefined : MAX_ATTEMPTS)
  return {
    region,
    // Other servers have no host name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(attempts !== undefined && { maxAttempts: attempts }),
    retryMode: 'standard',
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: idleMs },
    // It would take a new connection for each part, and wait 6 s for servers that do not know it.
    expectContinueHeader: false,
    // Checked where it matters; some servers answer with checksums of their own making.
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
}

/** As the SDK finds it, in AWS_REGION and in the profile; or where the AWS CLI does. */
async function regionOf(sdk: typeof Sdk, endpoint: string | undefined): Promise<string> {
  const probe = new sdk.S3Client({})
  try {
    return await probe.config.region()
  } catch (cause) {
    const region = process.env['AWS_DEFAULT_REGION'] || (endpoint !== undefined && ANY_REGION)
    if (region) return region
    throw new S3Error('E_S3_REGION', 'no AWS region is configured', {
      cause,
      remedy: 'Set AWS_REGION to that of the bucket, or region in the profile; or give an --s3-endpoint.',
    })
  } finally {
    probe.destroy()
  }
}
