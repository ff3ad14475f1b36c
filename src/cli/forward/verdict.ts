import type { Outcome } from './exchange.ts'

/** What an outcome means for the messages of a request, and for the endpoint. */
export type Verdict =
  | { readonly kind: 'done' }
  /** The endpoint will not have them. `isAboutMessages`: it may have others. */
  | { readonly kind: 'refused'; readonly isAboutMessages: boolean }
  /** Later, or elsewhere. `restMs`: so long the endpoint wants to be left alone. */
  | { readonly kind: 'failed'; readonly restMs: number | undefined }

/** An endpoint that asks for more is asked again after this. */
const LONGEST_REST_MS = 3_600_000
/** Request Timeout, Too Early, Too Many Requests: the same request may be answered otherwise later. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])
/** Bad Request, Content Too Large, URI Too Long, Unsupported Media Type, Unprocessable Content. */
const ABOUT_MESSAGES: ReadonlySet<number> = new Set([400, 413, 414, 415, 422])
const FAILED: Verdict = { kind: 'failed', restMs: undefined }
const DONE: Verdict = { kind: 'done' }

/** @param now - since 1970, for a Retry-After with a date */
export function judge(outcome: Outcome, now: number): Verdict {
  if (outcome.kind !== 'answer') return FAILED
  const { status, retryAfter } = outcome
  if (status >= 200 && status <= 299) return DONE
  if (status >= 400 && status <= 499 && !PASSING.has(status)) {
    return { kind: 'refused', isAboutMessages: ABOUT_MESSAGES.has(status) }
  }
  if (status !== 429 && status !== 503) return FAILED
  return { kind: 'failed', restMs: restOf(retryAfter, now) }
}

/** Retry-After: seconds, or a date. Undefined when it says nothing, or nothing that can be read. */
function restOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return ms > 0 ? Math.min(ms, LONGEST_REST_MS) : undefined
}

/** What an outcome is counted as. */
export function nameOf(outcome: Outcome): string {
  return outcome.kind === 'answer' ? String(outcome.status) : outcome.kind
}

/** What an outcome is told as. */
export function describe(outcome: Outcome): string {
  if (outcome.kind !== 'answer') return outcome.text
  const { status, location, text } = outcome
  if (status >= 300 && status <= 399 && location !== undefined) {
    return `answered ${status}, to ${location}: redirects are not followed, so give that address if it is right`
  }
  const [line = ''] = text.trim().split('\n')
  return `answered ${status}${line === '' ? '' : ` ${JSON.stringify(line)}`}`
}
