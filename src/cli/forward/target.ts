import { validateHeaderName, validateHeaderValue } from 'node:http'
import { errorText } from '../../util/errors.ts'
import { UsageError } from '../errors.ts'
import { escapeQuery } from './query.ts'

/** The address of an endpoint, and what each request to it has. */
export interface Target {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  /** As it is spoken of: without what may be secret. */
  readonly name: string
  readonly headers: Readonly<Record<string, string | string[]>>
  /** Of a GET: its path, with these bytes in it. */
  pathWith(bytes: Buffer): string
}

/** With another value the other side would take a part of the body for the whole, and the rest for another request. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** Stands for the place of the body: the parser of addresses leaves it as it is. */
const PLACE = 'nsq-ts-body-goes-here'

/** @throws UsageError for an address that cannot be one */
export function postTarget(text: string, headers: Target['headers']): Target {
  const url = readUrl('--post', text)
  return { method: 'POST', ...spokenOf(url, headers), pathWith: () => url.pathname + url.search }
}

/**
 * As the official tool has it, the address is a format of printf: `%s` is the body, and `%%` a percent sign.
 *
 * @throws UsageError for an address that cannot be one, or has not one `%s`
 */
export function getTarget(text: string, headers: Target['headers']): Target {
  let places = 0
  const filled = text.replaceAll(/%[%s]/g, found => {
    if (found === '%%') return '%'
    places++
    return PLACE
  })
  if (places !== 1) {
    throw new UsageError(
      `--get: "${withoutSecrets(text)}" has ${places === 0 ? 'no place' : 'several places'} for the body`,
      "Write %s once, where the body is to go: 'http://HOST/PATH?q=%s'.",
    )
  }
  const url = readUrl('--get', filled)
  const [before, after] = (url.pathname + url.search).split(PLACE)
  if (before === undefined || after === undefined) {
    throw new UsageError(
      `--get: %s must be in the path or behind the question mark of "${withoutSecrets(text)}"`,
    )
  }
  const { name, ...rest } = spokenOf(url, headers)
  return {
    method: 'GET',
    ...rest,
    name: name.replace(PLACE, '%s'),
    pathWith: bytes => before + escapeQuery(bytes) + after,
  }
}

/** @throws UsageError for one that is no header, whose value is not shown */
export function readHeaders(flags: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (const flag of flags) {
    const [, name = '', value = ''] = /^([^:]*):([^]*)$/.exec(flag) ?? []
    const [key, text] = [name.trim(), value.trim()]
    if (key === '' || text === '') {
      throw new UsageError('--header must be "NAME: VALUE"', "Write it like --header 'X-Source: nsq'.")
    }
    try {
      validateHeaderName(key)
      validateHeaderValue(key, text)
    } catch (error) {
      throw new UsageError(`--header ${JSON.stringify(key)}: ${errorText(error)}`)
    }
    if (FRAMING.has(key.toLowerCase())) {
      throw new UsageError(
        `--header ${JSON.stringify(key)}: each request has its own, by the length of its body`,
        'Leave it out.',
      )
    }
    headers.set(key.toLowerCase(), text)
  }
  return headers
}

function readUrl(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `${flag}: "${withoutSecrets(text)}" is not an http or https URL`,
      'Write it like http://127.0.0.1:8080/path.',
    )
  }
  return url
}

function spokenOf(url: URL, headers: Target['headers']): Pick<Target, 'url' | 'name' | 'headers'> {
  const { username, password } = url
  const isAnonymous = username === '' && password === ''
  const credentials = `${unescaped(username)}:${unescaped(password)}`
  return {
    url,
    name: `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?...'}`,
    headers:
      isAnonymous || 'authorization' in headers
        ? headers
        : { ...headers, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  }
}

/** As it is, where it is no escape of UTF-8. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Of a text that need not be an address at all. */
function withoutSecrets(text: string): string {
  // Where the password ends, and where the query begins, nobody can say then.
  if (/[?#][^]*@/.test(text)) return text.replace(/\/\/[^]*/, '//...')
  return text.replace(/\/\/[^]*@/, '//...@').replace(/\?[^]*/, '?...')
}
