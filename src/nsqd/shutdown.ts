import { setTimeout as delay } from 'node:timers/promises'
import { formatDuration } from '../util/duration.ts'
import type { Logger } from '../util/logger.ts'

/** What ending a client's connection needs of its session. */
export interface EndingSession {
  /** Messages that it has in hand. */
  readonly inFlightCount: number
  /** Ends the connection behind the replies that are due; may be called again. */
  end(): void
}

/** How often is looked who has answered everything, in ms: so that an answer costs nothing for being waited for. */
const LOOK = 10
/** How long clients may take to end their side at the deadline, in ms; a little longer than a connection gives them. */
const GOODBYE = 1100

/**
 * Ends the connections of clients: at once of those who have nothing in hand, of the others when they have answered it, or
 * when `timeoutMs` have passed. Resolves when all have ended or have had their time, to how many messages were still in hand at
 * the deadline. To be called when nothing is delivered any more.
 *
 * @param sessions - in which those that have ended are no more
 */
export async function endSessions(sessions: ReadonlySet<EndingSession>, timeoutMs: number): Promise<number> {
  const deadline = performance.now() + timeoutMs
  let left: number | undefined
  for (;;) {
    const at = performance.now()
    if (at >= deadline) left ??= inHand(sessions)
    for (const session of sessions) if (session.inFlightCount === 0 || left !== undefined) session.end()
    if (sessions.size === 0 || at >= deadline + GOODBYE) return left ?? 0
    await delay(LOOK)
  }
}

/** The same, with the log told of it. With a time of 0 nothing is done: who cuts the connections does not wait for anybody. */
export async function endUnhurried(
  sessions: ReadonlySet<EndingSession>,
  timeoutMs: number,
  logger: Logger,
): Promise<void> {
  if (timeoutMs === 0 || sessions.size === 0) return
  const time = formatDuration(timeoutMs)
  logger.info(`shutting down: consumers have ${time} to answer what they have in hand`)
  const left = await endSessions(sessions, timeoutMs)
  if (left === 0) return
  const messages = left === 1 ? '1 message was' : `${left} messages were`
  logger.warn(`${messages} still in hand after ${time}, and will come again`)
}

function inHand(sessions: Iterable<EndingSession>): number {
  let messages = 0
  for (const { inFlightCount } of sessions) messages += inFlightCount
  return messages
}
