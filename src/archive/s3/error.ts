import { errorText, NsqError, type NsqErrorOptions } from '../../util/errors.ts'

/** What S3, or the way to it, did not let happen. */
export class S3Error extends NsqError {
  override readonly name = 'S3Error'
  /** Whether the same may go well later: the endpoint was away, or had too much to do. */
  readonly isTransient: boolean

  constructor(code: S3ErrorCode, message: string, options: NsqErrorOptions & { isTransient?: boolean } = {}) {
    super(code, message, options)
    this.isTransient = options.isTransient ?? false
  }
}

export type S3ErrorCode =
  | 'E_S3'
  | 'E_S3_BUCKET'
  | 'E_S3_CLOCK'
  | 'E_S3_CREDENTIALS'
  | 'E_S3_DENIED'
  | 'E_S3_ENDPOINT'
  | 'E_S3_REGION'

/** What was being done, for the message. */
export interface S3Attempt {
  /** `cannot write s3://bucket/key` */
  readonly what: string
  readonly bucket: string
  /** Undefined for AWS itself. */
  readonly endpoint: string | undefined
  readonly region: string
}

/** What is read of an error of the SDK, and of those of Node. Nothing else of it is shown: it may hold what was signed. */
interface Facts {
  /** `NoSuchBucket`, `TimeoutError`. */
  readonly name: string
  /** `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly code: string
  readonly status: number | undefined
  readonly text: string
  /** There was an answer, which is no XML. */
  readonly isUnread: boolean
  /** Where the bucket is, when S3 says so. */
  readonly region: string | undefined
}

type Explain = (facts: Facts, attempt: S3Attempt) => S3Error | undefined

/** Makes of whatever the SDK threw an error with a code, a text for people, and a remedy. */
export function s3Error(cause: unknown, attempt: S3Attempt): S3Error {
  if (cause instanceof S3Error) return cause
  const facts = factsOf(cause)
  for (const explain of [region, bucket, credentials, clock, tls, away, endpoint, denied]) {
    const error = explain(facts, attempt)
    if (error !== undefined) return withCause(error, cause)
  }
  const reason = facts.name === 'Error' ? facts.text : `${facts.text} (${facts.name})`
  return withCause(new S3Error('E_S3', `${attempt.what}: ${reason}`), cause)
}

/** Not the SDK's own error: S3 repeats in it what was signed, a session token among it, and debugging prints causes whole. */
function withCause(error: S3Error, cause: unknown): S3Error {
  const { name, code, status } = factsOf(cause)
  const copy = Object.assign(new Error(errorText(cause)), { name }, code && { code }, status && { status })
  if (cause instanceof Error && cause.stack !== undefined) copy.stack = cause.stack
  error.cause = copy
  return error
}

const region: Explain = ({ name, status, region }, { what, bucket, region: ours }) => {
  const isElsewhere = REDIRECTS.has(name) || status === 301
  if (!isElsewhere && !(name === 'AuthorizationHeaderMalformed' && region !== undefined)) return undefined
  return new S3Error(
    'E_S3_REGION',
    `${what}: the bucket is in ${region ?? 'another region'}, not in ${ours}`,
    {
      remedy:
        region === undefined
          ? `Set AWS_REGION to that of the bucket (aws s3api get-bucket-location --bucket ${bucket}).`
          : `Set AWS_REGION=${region}.`,
    },
  )
}
const REDIRECTS: ReadonlySet<string> = new Set(['PermanentRedirect', 'IllegalLocationConstraintException'])

const bucket: Explain = ({ name }, { what, bucket, endpoint }) => {
  if (name !== 'NoSuchBucket') return undefined
  const where = endpoint === undefined ? '' : ` at ${endpoint}`
  return new S3Error('E_S3_BUCKET', `${what}: there is no bucket ${bucket}${where}`, {
    remedy: 'Create it, or check its name.',
  })
}

const credentials: Explain = ({ name, text }, { what }) => {
  const refused = REFUSED[name]
  if (refused !== undefined) {
    const [reason, remedy] = refused
    return new S3Error('E_S3_CREDENTIALS', `${what}: ${reason}`, { remedy })
  }
  if (!NOT_FOUND.has(name)) return undefined
  const profile = process.env['AWS_PROFILE']
  return new S3Error(
    'E_S3_CREDENTIALS',
    // What the provider says where one is configured: an SSO session that has expired, a profile that is not there.
    text.startsWith('Could not load credentials from any providers')
      ? `${what}: no AWS credentials were found${profile ? ` for AWS_PROFILE=${profile}` : ''}`
      : `${what}: no AWS credentials: ${text}`,
    {
      remedy:
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them.',
    },
  )
}
const NOT_FOUND: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ProviderError',
  'TokenProviderError',
])
const OLD_TOKEN = [
  'the session token has expired or is not valid',
  'Get new credentials: aws sso login, aws sts assume-role, or what gave them to you.',
] as const
const REFUSED: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  InvalidAccessKeyId: [
    'S3 does not know the access key id',
    'Check AWS_ACCESS_KEY_ID or the profile of AWS_PROFILE, and that they belong to this endpoint.',
  ],
  SignatureDoesNotMatch: [
    'the secret access key is wrong: S3 finds another signature',
    'Check AWS_SECRET_ACCESS_KEY or the profile of AWS_PROFILE: the secret must be that of the key id.',
  ],
  AuthorizationHeaderMalformed: [
    'the access key id is not one',
    'Check AWS_ACCESS_KEY_ID or the profile of AWS_PROFILE.',
  ],
  ExpiredToken: OLD_TOKEN,
  ExpiredTokenException: OLD_TOKEN,
  InvalidToken: OLD_TOKEN,
  TokenRefreshRequired: OLD_TOKEN,
}

const clock: Explain = ({ name }, { what }) => {
  if (name !== 'RequestTimeTooSkewed' && name !== 'RequestExpired') return undefined
  return new S3Error(
    'E_S3_CLOCK',
    `${what}: the clocks of this machine and of S3 are more than 15 minutes apart`,
    {
      remedy: 'Set the clock of this machine, best with NTP.',
    },
  )
}

const tls: Explain = ({ code, text }, { what, endpoint = 'S3' }) => {
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) {
    return new S3Error('E_S3_ENDPOINT', `${what}: the certificate of ${endpoint} is not trusted: ${text}`, {
      remedy: 'Name the file of its CA in NODE_EXTRA_CA_CERTS.',
    })
  }
  if (code !== 'EPROTO' && !code.startsWith('ERR_SSL')) return undefined
  return new S3Error('E_S3_ENDPOINT', `${what}: ${endpoint} does not speak TLS`, {
    remedy: 'Write the endpoint with http:// if it has no TLS.',
  })
}

/** What may pass, after the SDK has tried it several times. */
const away: Explain = ({ name, code, status, text }, { what, endpoint = 'S3' }) => {
  const options = { isTransient: true }
  if (status !== undefined && (status >= 500 || status === 429) && status !== 501) {
    const reason = name === 'SlowDown' ? 'S3 asks to slow down' : 'S3 has a fault of its own'
    const kind = name === 'SlowDown' || name === 'Error' || isUnnamed(name) ? status : `${name}, ${status}`
    return new S3Error('E_S3', `${what}: ${reason} (${kind})`, options)
  }
  if (PASSING.has(name)) return new S3Error('E_S3', `${what}: ${text} (${name})`, options)
  if (NO_WAY.has(code)) {
    return new S3Error('E_S3', `${what}: ${endpoint} cannot be reached (${code})`, {
      ...options,
      remedy:
        endpoint === 'S3' ? 'Check the way to AWS, and AWS_REGION.' : 'Check that the endpoint runs there.',
    })
  }
  if (name === 'TimeoutError' && code === '') {
    return new S3Error('E_S3', `${what}: ${endpoint} does not answer`, options)
  }
  if (name !== 'TimeoutError' && !LOST.has(code)) return undefined
  return new S3Error('E_S3', `${what}: the connection to ${endpoint} was lost (${code})`, options)
}
const NO_WAY: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
])
const LOST: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE'])
const PASSING: ReadonlySet<string> = new Set([
  // Bytes were lost or damaged on the way.
  'BadDigest',
  'IncompleteBody',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'RequestTimeout',
  // The upload was aborted by somebody else, such as a lifecycle rule: it can be begun anew.
  'NoSuchUpload',
  'InvalidPart',
  'OperationAborted',
  'ConditionalRequestConflict',
  // A bucket that is so new that DNS does not know it.
  'TemporaryRedirect',
])

const endpoint: Explain = ({ name, status, text, isUnread }, { what, endpoint = 'what answered' }) => {
  const isNameless = isUnnamed(name) && status !== 403 && status !== undefined
  if (!isUnread && !isNameless && text !== NO_S3) return undefined
  const answer = status === undefined || status === 200 ? '' : ` (status ${status})`
  return new S3Error(
    'E_S3_ENDPOINT',
    `${what}: ${endpoint} is no S3: its answer is something else${answer}`,
    {
      remedy: 'Check the address of --s3-endpoint (the API of S3, not the console), and any proxy.',
    },
  )
}
/** What the SDK calls an answer without the name of an error: this, or its status. */
function isUnnamed(name: string): boolean {
  return /^(NotFound|Unknown|UnknownError|\d+)$/.test(name)
}
/** The text of an error thrown for an answer that lacks what S3 always says. */
export const NO_S3 = 'not an answer of S3'

const denied: Explain = ({ name, status, text }, { what }) => {
  if (status !== 403) return undefined
  const said = text === '' || text === 'Access Denied' || isUnnamed(text) ? '' : `: ${text}`
  const kind = name === 'AccessDenied' || isUnnamed(name) ? '' : ` (${name})`
  return new S3Error('E_S3_DENIED', `${what}: access denied${said}${kind}`, {
    remedy:
      'Allow these credentials s3:PutObject and s3:AbortMultipartUpload on the bucket; to verify, ' +
      's3:ListBucket and s3:GetObject.',
  })
}

function factsOf(cause: unknown): Facts {
  const name = read(cause, 'name') ?? 'Error'
  const status = Number(at(at(cause, '$metadata'), 'httpStatusCode') ?? Number.NaN)
  const headers = at(at(cause, '$response'), 'headers')
  return {
    name,
    code: read(cause, 'code') ?? read(at(cause, 'cause'), 'code') ?? '',
    status: Number.isNaN(status) ? undefined : status,
    text: errorText(cause).split('\n')[0] ?? '',
    isUnread: !Number.isNaN(status) && at(cause, '$fault') === undefined,
    region: read(cause, 'Region') ?? read(headers, 'x-amz-bucket-region'),
  }
}

function read(value: unknown, key: string): string | undefined {
  const found = at(value, key)
  return typeof found === 'string' && found !== '' ? found : undefined
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
