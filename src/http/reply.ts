import type { ServerResponse } from 'node:http'

/** What a route answers. */
export interface Reply {
  status: number
  /** Left out for replies without a body. */
  contentType?: string
  /** Further headers. */
  headers?: Readonly<Record<string, string>>
  body: string | Buffer
  /** Sends what comes in place of `body`, for as long as it likes; the head has been sent. See `eventStream`. */
  stream?: (response: ServerResponse) => void
}

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'

/** A value as JSON. */
export function json(value: unknown, status = 200): Reply {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value) }
}

/** Plain text, as `/ping` and the text form of `/stats` answer. */
export function text(body: string, status = 200): Reply {
  return { status, contentType: TEXT_TYPE, body }
}

/** Done, with nothing to say: 200, no body and no content type. */
export function empty(): Reply {
  return { status: 200, body: '' }
}
