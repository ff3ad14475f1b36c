/** A call of the API that did not do what was asked, in words for the reader of the page. */
export class ApiError extends Error {
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number
  /** The server's, `READ_ONLY`; empty when it gave none. */
  readonly code: string
  /** What to do now. */
  readonly remedy: string

  constructor(status: number, code: string, message: string, remedy: string, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.code = code
    this.remedy = remedy
  }
}

const KNOWN: Record<string, readonly [message: string, remedy: string]> = {
  FORBIDDEN: [
    'You are not an administrator here.',
    'Ask one, or see --admin-user and --acl-http-header of nsqadmin.',
  ],
  READ_ONLY: ['This nsqadmin only shows, it changes nothing.', 'It was started with --read-only.'],
  CROSS_ORIGIN: [
    'nsqadmin took this for a request of another site.',
    'If there is a proxy before it, let it pass the Host header on, or set X-Forwarded-Host.',
  ],
  TOO_MANY_STREAMS: [
    'Too many pages watch this nsqadmin.',
    'Close some of them; this one tries again by itself.',
  ],
  INVALID_TOPIC: [
    'That is no name for a topic.',
    'Names have 1 to 64 characters: letters, digits, “.”, “_” and “-”, and may end in #ephemeral.',
  ],
  INVALID_CHANNEL: [
    'That is no name for a channel.',
    'Names have 1 to 64 characters: letters, digits, “.”, “_” and “-”, and may end in #ephemeral.',
  ],
  TOPIC_NOT_FOUND: [
    'No nsqd has this topic.',
    'It may have been deleted, or nothing has been published to it yet.',
  ],
  CHANNEL_NOT_FOUND: ['No nsqd has this channel.', 'It may have been deleted.'],
  INVALID_DEFER: [
    'nsqd does not keep a message back that long.',
    'It takes what its --max-req-timeout says: an hour unless it was changed.',
  ],
  MSG_TOO_BIG: [
    'A message is larger than nsqd takes.',
    'It takes what its --max-msg-size says: 1 MiB unless it was changed.',
  ],
  BODY_TOO_BIG: [
    'Together the messages are larger than nsqd takes at once.',
    'Publish fewer of them, or see its --max-body-size: 5 MiB unless it was changed.',
  ],
  NODE_NOT_FOUND: ['There is no such nsqd.', 'It may have gone; see Nodes.'],
}

/** The official API passes on what each nsqlookupd has answered. */
const UNKNOWN_TOPIC =
  /^UPSTREAM_ERROR: failed to query any nsqlookupd: (got response 404 Not Found "\{\\"message\\":\\"TOPIC_NOT_FOUND\\"\}"(\n|$))+$/

/** What a reply that is not 2xx says. `body` is the parsed JSON, or undefined. */
export function replyError(status: number, body: unknown): ApiError {
  const text = messageOf(body)
  const code = UNKNOWN_TOPIC.test(text) ? 'TOPIC_NOT_FOUND' : (/^[A-Z][A-Z_]+/.exec(text)?.[0] ?? '')
  const known = KNOWN[code]
  if (known) return new ApiError(status, code, known[0], known[1])
  if (status === 401) {
    return new ApiError(
      status,
      code || 'UNAUTHORIZED',
      'You are not signed in any more.',
      'Reload the page to sign in.',
    )
  }
  const said = text.replace(/^[A-Z][A-Z_]+(: |$)/, '')
  if (code === 'UPSTREAM_ERROR') {
    return new ApiError(
      status,
      code,
      said || 'A daemon did not do it.',
      'See whether all of them run, on Nodes, and try again.',
    )
  }
  const message = said || text || `nsqadmin answered ${status}.`
  return new ApiError(status, code, message, 'Try again; the log of nsqadmin may say more.')
}

/** There was no reply. */
export function connectionError(cause: unknown): ApiError {
  return new ApiError(0, '', 'nsqadmin does not answer.', 'See whether it runs, and try again.', cause)
}

/** There was no reply for so long. */
export function lateError(ms: number): ApiError {
  const message = `nsqadmin has not answered for ${ms / 1000} seconds.`
  return new ApiError(0, '', message, 'What was asked for may still be done: look before you try again.')
}

function messageOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('message' in body)) return ''
  return typeof body.message === 'string' ? body.message : ''
}
