import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { readBody } from './body.ts'
import { HttpError } from './error.ts'
import type { Reply } from './reply.ts'

/** One endpoint. A segment of the path that begins with a colon takes any text: `/config/:name`. */
export interface Route {
  method: string
  path: string
  handle(request: HttpRequest): Reply | Promise<Reply>
}

/** What a query string must not hold, as Go reads one: a stray `%`, or a semicolon. */
const BAD_QUERY = /;|%(?![0-9a-f]{2})/i

/** A request as a route sees it. */
export class HttpRequest {
  readonly raw: IncomingMessage
  readonly method: string
  /** The path as it was sent, without the query. */
  readonly path: string
  /** The path's named segments, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly #queryText: string
  #query: URLSearchParams | undefined

  constructor(raw: IncomingMessage, target: Target, params: Readonly<Record<string, string>>) {
    this.raw = raw
    this.method = raw.method ?? 'GET'
    this.path = target.path
    this.params = params
    this.#queryText = target.query
  }

  get headers(): IncomingHttpHeaders {
    return this.raw.headers
  }

  /** The query's arguments. Throws HttpError 400 INVALID_REQUEST when the query is malformed. */
  get query(): URLSearchParams {
    if (BAD_QUERY.test(this.#queryText)) throw new HttpError(400, 'INVALID_REQUEST')
    this.#query ??= new URLSearchParams(this.#queryText)
    return this.#query
  }

  /** The whole body; HttpError 413 with the message `tooBig` when it has more than `limit` bytes. */
  readBody(limit: number, tooBig = 'BODY_TOO_BIG'): Promise<Buffer> {
    return readBody(this.raw, limit, tooBig)
  }
}

/** A request target cut at its question mark. */
export interface Target {
  path: string
  query: string
}

export function parseTarget(url: string): Target {
  const cut = url.indexOf('?')
  return cut < 0 ? { path: url, query: '' } : { path: url.slice(0, cut), query: url.slice(cut + 1) }
}

/** A route that a request leads to, and the named segments of its path. */
export interface Match {
  route: Route
  params: Record<string, string>
}

/** Finds the route of a request. */
export class Router {
  readonly #routes: { route: Route; segments: string[] }[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(route => ({ route, segments: route.path.split('/') }))
  }

  /** Throws HttpError 404 NOT_FOUND, or 405 METHOD_NOT_ALLOWED when only the method is wrong. */
  match(method: string, path: string): Match {
    const parts = path.split('/')
    let pathExists = false
    for (const { route, segments } of this.#routes) {
      const params = matchSegments(segments, parts)
      if (params === undefined) continue
      if (route.method === method) return { route, params }
      pathExists = true
    }
    throw pathExists ? new HttpError(405, 'METHOD_NOT_ALLOWED') : new HttpError(404, 'NOT_FOUND')
  }
}

function matchSegments(
  segments: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (segments.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, segment] of segments.entries()) {
    const part = parts[i] ?? ''
    if (!segment.startsWith(':')) {
      if (segment !== part) return undefined
      continue
    }
    const value = decodeSegment(part)
    if (value === undefined || value === '') return undefined
    params[segment.slice(1)] = value
  }
  return params
}

function decodeSegment(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
