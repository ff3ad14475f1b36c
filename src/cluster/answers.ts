import { errorText, NsqError } from '../util/errors.ts'
import { ReplyShapeError } from './shape.ts'

/** What the daemons that answered say together, and an error for each one that did not. */
export interface Answers<T> {
  value: T
  warnings: NsqError[]
}

/** What one daemon said. */
export interface Answer<T> {
  /** As it was asked: `host:port` of its HTTP API, or a URL. */
  address: string
  value: T
}

/** The daemons that a question is for. */
export interface Asked {
  addresses: readonly string[]
  daemon: 'nsqlookupd' | 'nsqd'
}

const FAILED = {
  nsqlookupd: {
    code: 'E_LOOKUP',
    remedy: 'Check the HTTP addresses of nsqlookupd (port 4161 by default), and that it is running.',
  },
  nsqd: {
    code: 'E_CLUSTER',
    remedy: 'Check the HTTP addresses of nsqd (port 4151 by default), and that it is running.',
  },
}

/**
 * Asks all at once; the answers are in the order of the addresses.
 *
 * @throws NsqError `E_LOOKUP` (nsqlookupd) or `E_CLUSTER` (nsqd) when there are some and none answered, naming each
 */
export async function askAll<T>(
  asked: Asked,
  ask: (address: string) => Promise<T>,
): Promise<Answers<Answer<T>[]>> {
  const answers = await attemptAll(asked, ask)
  if (answers.value.length === 0 && answers.warnings.length > 0)
    throw noAnswer(asked.daemon, answers.warnings)
  return answers
}

/** The same, but that nobody answered is no error. */
export async function attemptAll<T>(
  { addresses, daemon }: Asked,
  ask: (address: string) => Promise<T>,
): Promise<Answers<Answer<T>[]>> {
  const value: Answer<T>[] = []
  const warnings: NsqError[] = []
  const outcomes = await Promise.allSettled(addresses.map(ask))
  outcomes.forEach((outcome, index) => {
    const address = addresses[index] ?? ''
    if (outcome.status === 'fulfilled') value.push({ address, value: outcome.value })
    else warnings.push(toNsqError(outcome.reason, daemon, address))
  })
  return { value, warnings }
}

/** What to throw when no daemon answered. */
export function noAnswer(daemon: Asked['daemon'], errors: readonly NsqError[]): NsqError {
  const { code, remedy } = FAILED[daemon]
  const message = errors.map(error => error.message).join('; ')
  return new NsqError(code, message, { cause: errors[0], remedy })
}

/** What went wrong with one daemon: `E_LOOKUP_REPLY` and `E_NSQD_REPLY` for an answer that is not its own. */
export function toNsqError(error: unknown, daemon: Asked['daemon'], address: string): NsqError {
  if (error instanceof ReplyShapeError) {
    const isLookupd = daemon === 'nsqlookupd'
    return new NsqError(
      isLookupd ? 'E_LOOKUP_REPLY' : 'E_NSQD_REPLY',
      `${error.where ?? address} did not answer like ${daemon}: ${error.message}`,
      { cause: error, remedy: `Check that this is the HTTP address of an ${daemon}.` },
    )
  }
  return error instanceof NsqError
    ? error
    : new NsqError(FAILED[daemon].code, errorText(error), { cause: error })
}
