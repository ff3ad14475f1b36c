import { HttpError } from '../http/error.ts'
import { type Reply, text } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import { isValidTopicName } from '../protocol/names.ts'
import { writeWord } from '../protocol/words.ts'
import type { Logger } from '../util/logger.ts'
import type { NsqdOptions } from './options.ts'

const LINE_FEED = 0x0a

/** The parts of a daemon that publishing over HTTP needs. */
export interface PublishTarget {
  readonly options: Pick<NsqdOptions, 'maxBodySize' | 'maxMsgSize' | 'maxReqTimeout'>
  readonly logger: Logger
  /** Gets or creates the topic. Throws Refusal when no more topics are made. */
  topic(name: string): unknown
  /**
   * Resolves when the messages are committed. Rejects with Refusal when they are not taken in; with anything else when it is
   * the server's fault, which is logged and answered as 500 INTERNAL_ERROR.
   */
  publish(topic: string, bodies: Buffer[], deferMs: number): Promise<void>
  /** The same of `count` messages that lie in bytes[start..end), each behind its size. */
  publishSized(topic: string, bytes: Buffer, start: number, end: number, count: number): Promise<void>
}

/** Messages one behind the other, each behind its size (u32 BE): no object for each, as there may be millions. */
interface Sized {
  readonly bytes: Buffer
  readonly start: number
  readonly count: number
}

/** `POST /pub` and `/mpub`. The reply is sent when the messages are as safe as `--durability` asks. */
export function publishRoutes(nsqd: PublishTarget): Route[] {
  return [
    { method: 'POST', path: '/pub', handle: request => pub(nsqd, request) },
    { method: 'POST', path: '/mpub', handle: request => mpub(nsqd, request) },
  ]
}

async function pub(nsqd: PublishTarget, request: HttpRequest): Promise<Reply> {
  const body = await request.readBody(nsqd.options.maxMsgSize, 'MSG_TOO_BIG')
  if (body.length === 0) throw new HttpError(400, 'MSG_EMPTY')
  const topic = topicArgument(request)
  await nsqd.publish(topic, [body], deferArgument(request, nsqd.options.maxReqTimeout))
  return text('OK')
}

async function mpub(nsqd: PublishTarget, request: HttpRequest): Promise<Reply> {
  const { maxBodySize, maxMsgSize } = nsqd.options
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBodySize) await request.readBody(maxBodySize)
  const topic = topicArgument(request)
  // As in the official nsqd the topic exists from here on, whatever the body is.
  nsqd.topic(topic)
  const isBinary = boolArgument(request, 'binary')
  const body = await request.readBody(maxBodySize)
  const { bytes, start, count } = isBinary
    ? checkSized(body, maxMsgSize, maxBodySize)
    : sizedLines(body, maxMsgSize)
  if (count > 0) await nsqd.publishSized(topic, bytes, start, bytes.length, count)
  return text('OK')
}

function topicArgument(request: HttpRequest): string {
  const topic = request.query.get('topic')
  if (topic === null) throw new HttpError(400, 'MISSING_ARG_TOPIC')
  if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_TOPIC')
  return topic
}

function deferArgument(request: HttpRequest, maxMs: number): number {
  const given = request.query.get('defer')
  if (given === null) return 0
  const ms = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN
  if (!(ms >= 0 && ms <= maxMs)) throw new HttpError(400, 'INVALID_DEFER')
  return ms
}

/** Present is true, unless it says otherwise. */
function boolArgument(request: HttpRequest, name: string): boolean {
  const given = request.query.get(name)
  return given !== null && given !== 'false' && given !== '0'
}

/** One message a line; empty lines are left out, as in the official nsqd. */
function sizedLines(body: Buffer, maxMsgSize: number): Sized {
  let count = 0
  let size = 0
  for (let start = 0; start < body.length;) {
    const end = endOfLine(body, start)
    if (end - start > maxMsgSize) throw new HttpError(413, 'MSG_TOO_BIG')
    if (end > start) {
      count++
      size += 4 + end - start
    }
    start = end + 1
  }
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (let start = 0; start < body.length;) {
    const end = endOfLine(body, start)
    if (end > start) {
      writeWord(bytes, at, end - start)
      at += 4 + body.copy(bytes, at + 4, start, end)
    }
    start = end + 1
  }
  return { bytes, start: 0, count }
}

function endOfLine(body: Buffer, start: number): number {
  const lineFeed = body.indexOf(LINE_FEED, start)
  return lineFeed === -1 ? body.length : lineFeed
}

/**
 * The body of MPUB:
 *
 *     | count u32 BE | size u32 BE | message | size | message | …
 *
 * What is behind the last message is ignored, as in the official nsqd.
 */
function checkSized(body: Buffer, maxMsgSize: number, maxBodySize: number): Sized {
  if (body.length < 4) throw new HttpError(413, 'BAD_BODY')
  const count = body.readInt32BE(0)
  // A message takes five bytes at least.
  if (count <= 0 || count > (maxBodySize - 4) / 5) throw new HttpError(413, 'BAD_BODY')
  let at = 4
  for (let i = 0; i < count; i++) {
    const size = at + 4 <= body.length ? body.readInt32BE(at) : 0
    const end = at + 4 + size
    if (size <= 0 || size > maxMsgSize || end > body.length) throw new HttpError(413, 'BAD_MESSAGE')
    at = end
  }
  return { bytes: body.subarray(0, at), start: 4, count }
}
