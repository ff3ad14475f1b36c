import type { CommandHandler } from '../protocol/command-reader.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { responseFrame } from '../protocol/frame.ts'
import type { AuthQuery, AuthServers } from './auth.ts'
import type { Authorizations } from './authorizations.ts'

/** The client behind the gate: its commands, and the checks that come before those of the gate. */
export interface Guarded extends CommandHandler {
  authorizations: Authorizations | undefined
  mustBeNew(command: string): void
  mustBeSubscribable(): void
  mustBeDeferrable(delayMs: number): void
}

/** The client's connection. */
export interface GuardedWire {
  readonly remoteIp: string
  readonly tls: { readonly commonName: string } | undefined
  reply(frame: Buffer): void
  /** Takes no commands until the promise is settled; then does what it resolves to. */
  holdFor(work: Promise<() => void>): void
}

/**
 * Stands before a client's commands where there are authorization servers. AUTH asks them what the client may do; SUB and
 * publishes are let through when they allow it. When the answer has expired they are asked again, and the command waits.
 */
export class AuthGate implements CommandHandler {
  readonly #behind: Guarded
  readonly #wire: GuardedWire
  readonly #servers: AuthServers
  #secret = ''

  constructor(behind: Guarded, wire: GuardedWire, servers: AuthServers) {
    this.#behind = behind
    this.#wire = wire
    this.#servers = servers
  }

  AUTH(bytes: Buffer, start: number, end: number): void {
    this.#behind.mustBeNew('AUTH')
    if (this.#authorizations !== undefined) throw new ProtocolError('E_INVALID', 'AUTH already set')
    this.#secret = bytes.toString('utf8', start, end)
    this.#wire.holdFor(this.#authenticate())
  }

  PUB(topic: string, bytes: Buffer, start: number, end: number): void {
    if (this.#mayPublish('PUB', topic)) this.#behind.PUB(topic, bytes, start, end)
    else this.#renew('PUB', topic, '', () => this.PUB(topic, bytes, start, end))
  }

  DPUB(topic: string, delayMs: number, bytes: Buffer, start: number, end: number): void {
    this.#behind.mustBeDeferrable(delayMs)
    if (this.#mayPublish('DPUB', topic)) this.#behind.DPUB(topic, delayMs, bytes, start, end)
    else this.#renew('DPUB', topic, '', () => this.DPUB(topic, delayMs, bytes, start, end))
  }

  /** As in the official nsqd an MPUB is checked before its body is read. */
  topicNamed(topic: string): void {
    if (this.#mayPublish('MPUB', topic)) this.#behind.topicNamed(topic)
    else this.#renew('MPUB', topic, '', () => this.topicNamed(topic))
  }

  MPUB(topic: string, bytes: Buffer, start: number, end: number, count: number): void {
    this.#behind.MPUB(topic, bytes, start, end, count)
  }

  SUB(topic: string, channel: string): void {
    this.#behind.mustBeSubscribable()
    const current = this.#current('SUB')
    if (current === undefined) this.#renew('SUB', topic, channel, () => this.SUB(topic, channel))
    else if (current.maySubscribe(topic, channel)) this.#behind.SUB(topic, channel)
    else throw forbidden('SUB', topic, channel)
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    this.#behind.IDENTIFY(bytes, start, end)
  }

  RDY(count: number): void {
    this.#behind.RDY(count)
  }

  FIN(bytes: Buffer, at: number): void {
    this.#behind.FIN(bytes, at)
  }

  REQ(bytes: Buffer, at: number, delayMs: number): void {
    this.#behind.REQ(bytes, at, delayMs)
  }

  TOUCH(bytes: Buffer, at: number): void {
    this.#behind.TOUCH(bytes, at)
  }

  CLS(): void {
    this.#behind.CLS()
  }

  NOP(): void {
    this.#behind.NOP()
  }

  /** What an AUTH has brought; an answer without any rules is none. */
  get #authorizations(): Authorizations | undefined {
    const { authorizations } = this.#behind
    return authorizations !== undefined && authorizations.count > 0 ? authorizations : undefined
  }

  async #authenticate(): Promise<() => void> {
    const { identity, identityUrl, count } = await this.#ask()
    return () => {
      if (count === 0) throw new ProtocolError('E_UNAUTHORIZED', 'AUTH no authorizations found')
      const reply = { identity, identity_url: identityUrl, permission_count: count }
      this.#wire.reply(responseFrame(JSON.stringify(reply)))
    }
  }

  /** Throws when it may not; false when that is no longer known. */
  #mayPublish(command: string, topic: string): boolean {
    const current = this.#current(command)
    if (current === undefined) return false
    if (!current.mayPublish(topic)) throw forbidden(command, topic, '')
    return true
  }

  /** What the client may do; undefined when that has expired. Throws when there was no AUTH. */
  #current(command: string): Authorizations | undefined {
    const authorizations = this.#authorizations
    if (authorizations === undefined) {
      throw new ProtocolError('E_AUTH_FIRST', `AUTH required before ${command}`)
    }
    return authorizations.isExpired ? undefined : authorizations
  }

  /** Asks again what the client may do, then does the command. */
  #renew(command: string, topic: string, channel: string, act: () => void): void {
    const renewed = async (): Promise<() => void> => {
      const { count } = await this.#ask()
      return () => {
        if (count === 0) throw forbidden(command, topic, channel)
        act()
      }
    }
    this.#wire.holdFor(renewed())
  }

  /** The client learns no more than that it failed: the reason is for the log. */
  async #ask(): Promise<Authorizations> {
    const { remoteIp, tls } = this.#wire
    const query: AuthQuery = {
      remoteIp,
      tls: tls !== undefined,
      commonName: tls?.commonName ?? '',
      secret: this.#secret,
    }
    try {
      const authorizations = await this.#servers.ask(query)
      this.#behind.authorizations = authorizations
      return authorizations
    } catch (cause) {
      throw new ProtocolError('E_AUTH_FAILED', 'AUTH failed', { cause })
    }
  }
}

function forbidden(command: string, topic: string, channel: string): ProtocolError {
  return new ProtocolError(
    'E_UNAUTHORIZED',
    `AUTH failed for ${command} on ${JSON.stringify(topic)} ${JSON.stringify(channel)}`,
  )
}
