import type { Account } from './account.ts'

/** Who publishes to a topic, and takes from its channels. */
export interface Load {
  readonly account: Account
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
  /** Something has happened that must not. */
  wrong(what: string): void
  /** A FIN was refused: the handler took longer than its timeout on a busy machine. It will come again. */
  late(what: string): void
}
