import { Connection, type ConnectionHandler } from '../../../client/connection/connection.ts'
import { resolveConnectionOptions } from '../../../client/options.ts'
import { rdy, sub } from '../../../protocol/command.ts'
import { decodeMessage, MESSAGE_ID_AT } from '../../../protocol/message.ts'
import { NsqError } from '../../../util/errors.ts'
import type { ReceivedMessage } from './buffer.ts'

export interface TapOwner {
  readonly topic: string
  readonly channel: string
  /** A message came, and is finished already. Its body is a view that changes. */
  received(message: ReceivedMessage): void
  /** The connection is gone, other than by `close`. */
  lost(tap: Tap, error: NsqError): void
}

/**
 * A subscription of the watch at one nsqd. It is a bare connection, not a Consumer: one that is lost must not be made
 * again by itself, as SUB creates the topic that somebody has just deleted; and it says itself how much may come.
 */
export class Tap implements ConnectionHandler {
  readonly node: string
  readonly #owner: TapOwner
  #connection: Connection | undefined
  #ready = 0

  private constructor(node: string, owner: TapOwner) {
    this.node = node
    this.#owner = owner
  }

  /**
   * Connects and subscribes; nothing comes before `setReady`.
   *
   * @throws NsqError of the connection, or nsqd's own; where nsqd wants TLS or a secret, with what can be done
   */
  static async open(
    node: string,
    tcpAddress: string,
    owner: TapOwner,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Tap> {
    const tap = new Tap(node, owner)
    const options = resolveConnectionOptions({ clientId: 'nsqadmin', connectTimeoutMs: timeoutMs })
    try {
      const connection = await Connection.open(tcpAddress, options, tap, {}, signal)
      try {
        await connection.request(sub(owner.topic, owner.channel), signal)
      } catch (error) {
        connection.destroy()
        throw error
      }
      tap.#connection = connection
      if (connection.error !== undefined) throw connection.error
      return tap
    } catch (error) {
      throw explained(error, owner.topic)
    }
  }

  /** How many messages nsqd may send before they are finished; 0 for none. */
  setReady(count: number): void {
    const connection = this.#connection
    if (connection === undefined) return
    const ready = Math.min(count, connection.identity.max_rdy_count)
    if (ready === this.#ready) return
    this.#ready = ready
    connection.send(rdy(ready))
  }

  /** The channel goes with its last subscription. */
  close(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.destroy()
  }

  message(bytes: Buffer, start: number, end: number): void {
    this.#connection?.finish(bytes, start + MESSAGE_ID_AT)
    this.#owner.received({ ...decodeMessage(bytes, start, end), node: this.node })
  }

  /** A message was finished too late: the channel was emptied meanwhile. */
  refused(): void {}

  closed(error: NsqError): void {
    if (this.#connection === undefined) return
    this.#connection = undefined
    this.#owner.lost(this, error)
  }
}

/** nsqadmin has neither TLS nor a secret for nsqd's own port, so that the client's advice would be of no use. */
function explained(error: unknown, topic: string): unknown {
  if (!(error instanceof NsqError)) return error
  const wantsTls = /TLS required/.test(error.message)
  if (!wantsTls && !error.code.startsWith('E_AUTH')) return error
  const flag = wantsTls ? '--tls' : '--auth-secret'
  return new NsqError(error.code, error.message, {
    cause: error,
    remedy: `nsqadmin connects without ${wantsTls ? 'TLS' : 'a secret'}. Watch with: nsq-ts tail --topic ${topic} ${flag}`,
  })
}
