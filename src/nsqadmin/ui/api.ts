/** Calls of nsqadmin's HTTP API, the official part and ours, with paths below <base>. */
import type { History, PageConfig } from '../live-types.ts'
import { connectionError, lateError, replyError } from './api-error.ts'
import { EventStream, type StreamOptions } from './event-stream.ts'
import type { Problem } from './live-state.ts'

/** A network may go without a word; nsqadmin itself does not wait for daemons that long. */
const PATIENCE_MS = 60_000

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** What the official calls answer: what went wrong at some of the daemons, or nothing. */
export interface Done {
  message: string
}

/** Throws ApiError. `path` is below the base path: `api/config`. */
export async function call<Reply>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Reply> {
  let response: Response
  let text: string
  const late = AbortSignal.timeout(PATIENCE_MS)
  try {
    const init: RequestInit = { method, headers: { Accept: 'application/json' } }
    init.signal = signal ? AbortSignal.any([signal, late]) : late
    if (body !== undefined) init.body = JSON.stringify(body)
    response = await fetch(new URL(path, document.baseURI), init)
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    throw late.aborted ? lateError(PATIENCE_MS) : connectionError(error)
  }
  const reply = parse(text)
  if (!response.ok) throw replyError(response.status, reply)
  // It is from the server that this page is from, of the same version: live-types.ts says what is in it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return reply as Reply
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A stream of server-sent events; not opened yet. */
export function streamOf(
  path: string,
  options: Omit<StreamOptions, 'connect' | 'why' | 'unanswered'>,
): EventStream {
  const url = new URL(path, document.baseURI)
  return new EventStream({
    connect: () => new EventSource(url),
    why: signal => refusalOf(url, signal),
    unanswered: connectionError(undefined),
    ...options,
  })
}

/** Why a GET is not answered with what it asks for; of what is, nothing is read. */
async function refusalOf(url: URL, signal: AbortSignal): Promise<Problem | undefined> {
  try {
    const response = await fetch(url, { signal })
    return response.ok ? undefined : replyError(response.status, parse(await response.text()))
  } catch (error) {
    return connectionError(error)
  }
}

/** Of an event: the server's own JSON, and live-types.ts says what each has. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows which event it is
export function parsed<Data>(text: string): Data {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as Data
}

/** `api/history?topic=a&channel=b`: without what is undefined. */
export function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value))
  const text = params.toString()
  return text === '' ? path : `${path}?${text}`
}

export function fetchConfig(signal?: AbortSignal): Promise<PageConfig> {
  return call('GET', 'api/config', undefined, signal)
}

export function fetchHistory(
  topic: string,
  channel: string | undefined,
  signal?: AbortSignal,
): Promise<History> {
  return call('GET', withQuery('api/history', { topic, channel }), undefined, signal)
}

export type Action = 'pause' | 'unpause' | 'empty'

const topicPath = (topic: string, channel?: string): string =>
  `api/topics/${encodeURIComponent(topic)}${channel === undefined ? '' : `/${encodeURIComponent(channel)}`}`

/** Pauses, unpauses or empties a topic, or a channel of it. */
export function act(action: Action, topic: string, channel?: string): Promise<Done> {
  return call('POST', topicPath(topic, channel), { action })
}

/** Deletes a topic with all its channels, or one channel of it. */
export function remove(topic: string, channel?: string): Promise<Done> {
  return call('DELETE', topicPath(topic, channel))
}

/** Creates a topic, and a channel of it. */
export function create(topic: string, channel?: string): Promise<Done> {
  return call('POST', 'api/topics', channel ? { topic, channel } : { topic })
}

/** Hides a topic's messages at one nsqd from consumers who look it up. `node` is `host:port`. */
export function tombstone(node: string, topic: string): Promise<Done> {
  return call('DELETE', `api/nodes/${encodeURIComponent(node)}`, { topic })
}
