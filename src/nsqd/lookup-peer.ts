import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { dial } from '../net/dial.ts'
import {
  identify,
  LookupReplyReader,
  type LookupIdentity,
  MAGIC_V1,
  ping,
  register,
} from '../protocol/lookup.ts'
import { type Address, formatAddress, parseAddress } from '../util/address.ts'
import { errorText } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'

/** What an nsqlookupd is told. */
export interface LookupSource {
  /** Asked at every connect: ports are known only once the daemon listens. */
  identity(): LookupIdentity
  readonly topics: ReadonlyMap<string, { readonly channels: ReadonlyMap<string, unknown> }>
  readonly logger: Logger
}

/** Milliseconds. */
export interface LookupTiming {
  ping: number
  /** The time that connecting may take. */
  connect: number
  /** The time that an answer may take. */
  answer: number
  firstRetry: number
  lastRetry: number
}

export const LOOKUP_TIMING: LookupTiming = {
  ping: 15_000,
  connect: 1000,
  answer: 5000,
  firstRetry: 100,
  lastRetry: 15_000,
}

/**
 * The registration with one nsqlookupd, kept up until `close`: a lost connection is made again, after a wait that grows
 * and is not the same for every nsqd, and everything is registered afresh. nsqlookupd forgets by itself what was
 * registered over a connection that has gone, so nothing needs to be remembered in between.
 */
export class LookupPeer {
  /** As the user wrote it. */
  readonly name: string
  readonly #address: Address
  readonly #source: LookupSource
  readonly #timing: LookupTiming
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #isOutageLogged = false

  constructor(name: string, source: LookupSource, timing: LookupTiming = LOOKUP_TIMING) {
    this.name = name
    this.#address = parseAddress(name)
    this.#source = source
    this.#timing = timing
    void this.#run()
  }

  /** Where its HTTP API is, as it says itself; undefined while it is not connected. */
  get httpAddress(): string | undefined {
    return this.#connection?.httpAddress
  }

  /** Sends a command, if connected. */
  send(command: Buffer): void {
    this.#connection?.send(command)
  }

  close(): void {
    this.#closing.abort()
    this.#connection?.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted) {
      try {
        const socket = await dial(this.#address, { timeoutMs: this.#timing.connect, signal })
        this.#connection = new Connection(socket, this.#source, this.#timing, () => {
          failures = 0
          this.#logRegistered()
        })
        await this.#connection.ended
      } catch (error) {
        if (!signal.aborted) this.#logOutage(error)
      }
      this.#connection = undefined
      const wait = Math.min(this.#timing.lastRetry, this.#timing.firstRetry * 2 ** failures++)
      // A rejection only says that the wait was cut short by `close`.
      await delay(wait * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
    }
  }

  #logRegistered(): void {
    this.#isOutageLogged = false
    this.#source.logger.info(`LOOKUPD(${this.name}): registered`)
  }

  /** Once an outage, however often connecting fails again. */
  #logOutage(error: unknown): void {
    if (this.#isOutageLogged) return
    this.#isOutageLogged = true
    this.#source.logger.warn(`LOOKUPD(${this.name}): ${errorText(error)}; trying again until it answers`)
  }
}

/** One connection: the first answer is that to IDENTIFY, and everything is registered then. */
class Connection {
  /** Rejects with the reason why the connection is no more. */
  readonly ended: Promise<never>
  httpAddress: string | undefined
  readonly #socket: Socket
  readonly #source: LookupSource
  readonly #timing: LookupTiming
  readonly #onRegistered: () => void
  #isIdentified = false
  /** It has taken everything that there was when the connection was made. */
  #isRegistered = false
  /** Commands sent and not yet answered. */
  #unanswered = 0
  #deadline: NodeJS.Timeout | undefined

  constructor(socket: Socket, source: LookupSource, timing: LookupTiming, onRegistered: () => void) {
    this.#socket = socket
    this.#source = source
    this.#timing = timing
    this.#onRegistered = onRegistered
    const reader = new LookupReplyReader({
      reply: (bytes, start, end) => this.#reply(bytes.toString('utf8', start, end)),
    })
    const pinging = setInterval(() => this.send(ping()), timing.ping)
    this.ended = new Promise((_, reject) => {
      socket.on('data', chunk => {
        try {
          reader.push(chunk)
        } catch (error) {
          socket.destroy(error instanceof Error ? error : new Error(errorText(error)))
        }
      })
      socket.on('error', reject)
      socket.on('close', () => {
        clearInterval(pinging)
        clearTimeout(this.#deadline)
        reject(new Error('it closed the connection'))
      })
    })
    this.#write(Buffer.concat([MAGIC_V1, identify(source.identity())]), 1)
  }

  /** Before the answer to IDENTIFY there is nothing to send: what is registered then includes it. */
  send(command: Buffer): void {
    if (this.#isIdentified) this.#write(command, 1)
  }

  close(): void {
    this.#socket.destroySoon()
  }

  #write(bytes: Buffer, commands: number): void {
    this.#socket.write(bytes)
    if (this.#unanswered === 0) this.#expectAnswer()
    this.#unanswered += commands
  }

  #expectAnswer(): void {
    this.#deadline = setTimeout(() => {
      this.#socket.destroy(new Error(`no answer within ${this.#timing.answer} ms`))
    }, this.#timing.answer)
  }

  #reply(text: string): void {
    clearTimeout(this.#deadline)
    if (--this.#unanswered > 0) this.#expectAnswer()
    if (!this.#isIdentified) this.#identified(text)
    else if (text !== 'OK') throw new Error(`it answered ${text}`)
    if (this.#unanswered === 0 && !this.#isRegistered) {
      this.#isRegistered = true
      this.#onRegistered()
    }
  }

  #identified(text: string): void {
    this.httpAddress = readHttpAddress(text)
    this.#isIdentified = true
    const commands: Buffer[] = []
    for (const [topic, { channels }] of this.#source.topics) {
      // A channel's registration is one of its topic too.
      if (channels.size === 0) commands.push(register(topic))
      for (const channel of channels.keys()) commands.push(register(topic, channel))
    }
    if (commands.length > 0) this.#write(Buffer.concat(commands), commands.length)
  }
}

function readHttpAddress(text: string): string {
  const reply = parseJson(text)
  if (
    typeof reply !== 'object' ||
    reply === null ||
    !('broadcast_address' in reply) ||
    !('http_port' in reply) ||
    typeof reply.broadcast_address !== 'string' ||
    typeof reply.http_port !== 'number'
  ) {
    throw new Error(`it answered IDENTIFY with ${text.slice(0, 200)}`)
  }
  return formatAddress({ host: reply.broadcast_address, port: reply.http_port })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
