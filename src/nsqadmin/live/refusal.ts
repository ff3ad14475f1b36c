import { HttpError } from '../../http/error.ts'
import { HttpRequestError } from '../../http/request.ts'
import { NsqError } from '../../util/errors.ts'

const NOT_FOUND: ReadonlyMap<string, string> = new Map([
  ['E_TOPIC_NOT_FOUND', 'TOPIC_NOT_FOUND'],
  ['E_CHANNEL_NOT_FOUND', 'CHANNEL_NOT_FOUND'],
  ['E_NODE_NOT_FOUND', 'NODE_NOT_FOUND'],
])

/** How the page is told what the cluster said: a code, and what happened in words. */
export async function refusing<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof NsqError)) throw error
    const code = NOT_FOUND.get(error.code)
    if (code !== undefined) throw new HttpError(404, `${code}: ${sentence(error)}`)
    if (error instanceof HttpRequestError && error.reply !== undefined && isTheirFault(error.status)) {
      throw new HttpError(error.status, `${error.reply}: nsqd refused it`)
    }
    throw new HttpError(502, `UPSTREAM_ERROR: ${sentence(error)}`)
  }
}

function sentence({ message, remedy }: NsqError): string {
  return remedy === undefined ? message : `${message}. ${remedy}`
}

function isTheirFault(status: number | undefined): status is number {
  return status !== undefined && status >= 400 && status < 500
}
