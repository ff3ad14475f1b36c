import type { Account } from './account.ts'

/** Who publishes to a topic, and takes from its channels. */
export interface Load {
  readonly account: Account
  /** What must not have been, apart from what the account says. */
  readonly problems: readonly string[]
  /** Answers that came after the message's timeout, on a machine that is too busy: the message came again. */
  readonly late: number
  start(): Promise<void>
  /** Publishes so many messages, and waits for nothing. */
  publish(count: number): void
  /** Resolves when every publish is acknowledged or has failed. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** What loads share. */
export interface LoadContext {
  /** The HTTP address of the nsqlookupd. */
  readonly lookupd: string
  /** The TCP address of the nsqd that is never restarted. */
  readonly steady: string
  /** Times from publish to delivery, in ms, of what comes from there; whoever reads them empties it. */
  readonly latencies: number[]
}
