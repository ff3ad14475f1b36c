import type { NsqError } from '../util/errors.ts'
import { now } from './clock.ts'
import type { Intake } from './intake.ts'

/** A topic, as one publishes to it who is no client of the protocol. */
interface PublishTopic {
  readonly intake: Intake
  /** Throws Refusal. */
  admit(messages: number, bytes: number): void
}

/** Resolves when the messages are as safe as --durability says. Rejects with NsqError E_PUB_FAILED, or Refusal. */
export async function publish(
  topic: PublishTopic,
  bodies: readonly Buffer[],
  deferMs: number,
): Promise<void> {
  topic.admit(
    bodies.length,
    bodies.reduce((sum, body) => sum + body.length, 0),
  )
  for (const body of bodies) {
    if (deferMs > 0) topic.intake.putDeferred(body, 0, body.length, now() + deferMs)
    else topic.intake.put(body, 0, body.length)
  }
  await committed(topic)
}

/** The same of `count` messages that lie in bytes[start..end) one behind the other, each behind its size (u32 BE). */
export async function publishSized(
  topic: PublishTopic,
  bytes: Buffer,
  start: number,
  end: number,
  count: number,
): Promise<void> {
  topic.admit(count, end - start - 4 * count)
  topic.intake.putSized(bytes, start, end, count)
  await committed(topic)
}

function committed({ intake }: PublishTopic): Promise<void> {
  return new Promise((resolve, reject) =>
    intake.awaitCommit({ acknowledge: () => resolve(), refuse: (error: NsqError) => reject(error) }),
  )
}
