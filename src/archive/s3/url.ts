/** A bucket and the beginning of the names in it. */
export interface S3Url {
  readonly bucket: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
}

const SCHEME = 's3://'
/** S3's limit is 1024 bytes for a whole key, of which the name of a file needs some, too. */
const MOST_PREFIX_BYTES = 700

/** Whether this names a place in S3 rather than a folder. */
export function isS3Url(text: string): boolean {
  return /^s3:\/\//i.test(text)
}

/**
 * `s3://bucket`, `s3://bucket/a prefix/`. Nothing is decoded: a `%20` is three characters of the key, as for the AWS CLI.
 *
 * @throws RangeError that says what is wrong
 */
export function parseS3Url(text: string): S3Url {
  if (!isS3Url(text)) throw new RangeError(`${quote(text)} is not like s3://bucket/prefix`)
  const [bucket = '', ...rest] = text.slice(SCHEME.length).split('/')
  checkBucket(bucket)
  while (rest.at(-1) === '') rest.pop()
  for (const segment of rest) checkSegment(segment, text)
  const prefix = rest.length === 0 ? '' : `${rest.join('/')}/`
  if (Buffer.byteLength(prefix) > MOST_PREFIX_BYTES) {
    throw new RangeError(`the prefix is longer than ${MOST_PREFIX_BYTES} bytes`)
  }
  return { bucket, prefix }
}

/** `s3://bucket/prefix`, without a slash at the end; or of a key in it. */
export function formatS3Url({ bucket, prefix }: S3Url, name = ''): string {
  return `${SCHEME}${bucket}/${prefix}${name}`.replace(/\/$/, '')
}

/**
 * The address of a server that speaks S3.
 *
 * @throws RangeError that says what is wrong
 */
export function parseS3Endpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new RangeError(`${quote(text)} is not like http://127.0.0.1:9000 or https://s3.example.com`)
  }
  if (url.username !== '' || url.password !== '') {
    // Not quoted: it has a password in it.
    throw new RangeError(
      'the address may not hold credentials: they come from AWS_ACCESS_KEY_ID and the like',
    )
  }
  if (url.search !== '' || url.hash !== '') throw new RangeError(`${quote(text)} may not have a ? or a #`)
  return url.href.replace(/\/$/, '')
}

/** The rules are S3's (Amazon S3 User Guide, "Bucket naming rules"). */
function checkBucket(bucket: string): void {
  if (bucket === '') throw new RangeError('there is no bucket: it is like s3://bucket/prefix')
  const isValid =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) &&
    !bucket.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(bucket)
  if (isValid) return
  const near = bucket.toLowerCase()
  const hint = /[A-Z]/.test(bucket) ? ` (is it ${quote(near)}?)` : ''
  throw new RangeError(
    `${quote(bucket)} cannot be a bucket: 3 to 63 small letters, digits, dashes and dots${hint}`,
  )
}

function checkSegment(segment: string, text: string): void {
  if (segment === '') throw new RangeError(`the prefix of ${quote(text)} has two slashes in a row`)
  // Clients and consoles take such keys for paths, and never find them again.
  if (segment === '.' || segment === '..') throw new RangeError(`the prefix may not have "${segment}" in it`)
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(segment)) throw new RangeError('the prefix has a control character in it')
}

function quote(text: string): string {
  return JSON.stringify(text)
}
