import { HttpError } from '../../http/error.ts'
import { json, type Reply } from '../../http/reply.ts'
import type { HttpRequest } from '../../http/router.ts'
import { isValidTopicName, NAME_RULE } from '../../protocol/names.ts'
import { senderOf } from '../access.ts'
import type { Admin } from '../admin.ts'
import type { Publish, Published } from '../live-types.ts'
import { refusing } from './refusal.ts'

/** Of the request: a body of 1 MiB takes up to 6 MiB in JSON, as control characters are six letters each. */
const MAX_REQUEST = 16 * 1024 * 1024
const MAX_LINES = 10_000
/** With a delay each message is a request of its own. */
const MAX_DEFERRED = 100
const MAX_DEFER_MS = 2 ** 31 - 1

/**
 * `POST /api/publish`.
 *
 * @throws HttpError 400 naming what is wrong with the request, 413; NsqError of the cluster
 */
export async function publish(request: HttpRequest, { cluster, logger, options }: Admin): Promise<Reply> {
  const { topic, body, encoding, lines, deferMs, node } = read(await request.readBody(MAX_REQUEST))
  const bodies = lines ? splitLines(body) : [decode(body, encoding)]
  if (bodies.length === 0 || bodies.some(({ length }) => length === 0))
    throw new HttpError(400, 'MSG_EMPTY: nsqd takes no empty message')
  const most = deferMs > 0 ? MAX_DEFERRED : MAX_LINES
  if (bodies.length > most)
    throw new HttpError(
      400,
      `TOO_MANY_LINES: at most ${most} messages at once${deferMs > 0 ? ' when they are deferred' : ''}`,
    )
  const to = { ...(deferMs > 0 ? { deferMs } : {}), ...(node === undefined ? {} : { node }) }
  const published = await refusing(cluster.publish(topic, bodies, to))
  const by = senderOf(request.raw, options)
  logger.info(`published ${bodies.length} to ${topic} at ${published.node}, by ${by}`)
  return json({ message: '', node: published.node, count: bodies.length } satisfies Published)
}

type Given = Required<Omit<Publish, 'node'>> & Pick<Publish, 'node'>

function read(bytes: Buffer): Given {
  const { topic, body, encoding, lines = false, deferMs = 0, node } = parse(bytes)
  if (typeof topic !== 'string' || !isValidTopicName(topic))
    throw new HttpError(400, `INVALID_TOPIC: ${NAME_RULE}`)
  if (typeof body !== 'string') throw new HttpError(400, 'INVALID_ARG_BODY')
  if (encoding !== 'utf8' && encoding !== 'base64') throw new HttpError(400, 'INVALID_ARG_ENCODING')
  // Bytes have no lines.
  if (typeof lines !== 'boolean' || (lines && encoding !== 'utf8'))
    throw new HttpError(400, 'INVALID_ARG_LINES: only text has lines')
  const isDelay = typeof deferMs === 'number' && Number.isInteger(deferMs)
  if (!isDelay || deferMs < 0 || deferMs > MAX_DEFER_MS)
    throw new HttpError(400, 'INVALID_ARG_DEFER: a delay is 0 to 2147483647 ms')
  if (node !== undefined && typeof node !== 'string') throw new HttpError(400, 'INVALID_ARG_NODE')
  return { topic, body, encoding, lines, deferMs, ...(node === undefined ? {} : { node }) }
}

function parse(bytes: Buffer): { [K in keyof Publish]?: unknown } {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    value = undefined
  }
  if (typeof value !== 'object' || value === null) throw new HttpError(400, 'INVALID_BODY')
  return value
}

/** Without empty ones: nsqd takes no empty message. */
function splitLines(text: string): Buffer[] {
  return text
    .split(/\r?\n/)
    .filter(line => line !== '')
    .map(line => Buffer.from(line))
}

function decode(body: string, encoding: Publish['encoding']): Buffer {
  if (encoding === 'utf8') return Buffer.from(body)
  const text = body.replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 === 1)
    throw new HttpError(400, 'INVALID_BASE64: the body is not base64')
  return Buffer.from(text, 'base64')
}
