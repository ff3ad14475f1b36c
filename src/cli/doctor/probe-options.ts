import type { ResolvedTlsOptions } from '../../client/tls-options.ts'

/** How daemons are asked. */
export interface ProbeOptions {
  /** The time that each step may take: a name, a connection, an answer. */
  readonly timeoutMs: number
  /** Gives everything up when it is aborted. */
  readonly signal: AbortSignal
  /** Whom to trust, and who asks. */
  readonly tls: ResolvedTlsOptions
  /** Whether nsqd's TCP port is spoken to with TLS. */
  readonly wantsTls: boolean
  readonly secret: string | undefined
}
