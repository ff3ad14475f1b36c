/** How the official nsqadmin says what its daemons answered. */
import type { Answers } from '../../cluster/answers.ts'
import { HttpError } from '../../http/error.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import type { Admin } from '../admin.ts'

const STATUS_404: ReadonlyMap<string, string> = new Map([
  ['E_NODE_NOT_FOUND', 'NODE_NOT_FOUND'],
  ['E_CHANNEL_NOT_FOUND', 'CHANNEL_NOT_FOUND'],
])

/** What daemons answered. The log hears of those that failed, and `message` is for the reply. */
export async function ask<T>(
  admin: Admin,
  what: string,
  answers: Promise<Answers<T>>,
): Promise<{ value: T; message: string }> {
  try {
    const { value, warnings } = await answers
    for (const warning of warnings) admin.logger.warn(`${what}: ${warning.message}`)
    const message = warnings.length === 0 ? '' : `WARNING: ${warnings.map(errorText).join('; ')}`
    return { value, message }
  } catch (error) {
    throw refusal(admin, what, error)
  }
}

function refusal(admin: Admin, what: string, error: unknown): unknown {
  if (!(error instanceof NsqError)) return error
  const { code, message } = error
  const notFound = STATUS_404.get(code)
  if (notFound !== undefined) return new HttpError(404, notFound)
  if (code === 'E_TOPIC_NOT_FOUND') return topicNotFound(admin)
  if (code === 'E_NO_LOOKUPD') return new HttpError(400, 'NO_NSQLOOKUPD')
  admin.logger.error(`${what}: ${message}`)
  const asked = code === 'E_LOOKUP' ? 'nsqlookupd' : 'nsqd'
  return new HttpError(502, `UPSTREAM_ERROR: failed to query any ${asked}: ${message}`)
}

/** The official one passes on what each nsqlookupd says. Without nsqlookupd it says nothing that would be of use. */
export function topicNotFound({ cluster }: Admin): HttpError {
  if (cluster.lookupds.length === 0) return new HttpError(404, 'TOPIC_NOT_FOUND')
  const said = String.raw`got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}"`
  const all = cluster.lookupds.map(() => said).join('\n')
  return new HttpError(502, `UPSTREAM_ERROR: failed to query any nsqlookupd: ${all}`)
}
