import type { Socket } from 'node:net'
import { LOOK_EVERY, Patience } from '../net/patience.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { LookupCommandReader, lookupReply, type LookupCommandHandler } from '../protocol/lookup.ts'
import { formatAddress } from '../util/address.ts'
import { errorText } from '../util/errors.ts'
import type { Complaints } from '../util/complaints.ts'
import type { Logger } from '../util/logger.ts'
import { parseIdentity } from './identity.ts'
import type { Producer, Registry } from './registry.ts'

/** What sessions share. */
export interface SessionContext {
  registry: Registry
  logger: Logger
  complaints: Complaints
  /** The JSON that answers IDENTIFY: where and what this nsqlookupd is. */
  identifyReply(): string
}

const OK = lookupReply('OK')
/** So that a host that died without a word is noticed even when it never pings. */
const KEEP_ALIVE_MS = 60_000
/** How long a refused client may take to read why, before its connection is cut. */
const FAREWELL_MS = 1000

/** One nsqd's connection. */
export class LookupSession implements LookupCommandHandler {
  readonly #socket: Socket
  readonly #context: SessionContext
  readonly #reader: LookupCommandReader
  readonly #id: string
  /** With a command that was begun, and with replies that are to be read. */
  readonly #forCommand = new Patience()
  readonly #forReading = new Patience()
  readonly #look: NodeJS.Timeout
  #producer: Producer | undefined

  constructor(socket: Socket, context: SessionContext) {
    this.#socket = socket
    this.#context = context
    this.#reader = new LookupCommandReader(this)
    this.#id = remoteAddress(socket)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('close', () => this.#leave())
    this.#look = setInterval(() => this.#checkProgress(), LOOK_EVERY)
    socket.on('error', error => context.logger.debug(() => `client(${this.#id}): ${error.message}`))
    context.logger.info(() => `TCP: new client(${this.#id})`)
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    if (this.#producer !== undefined) throw new ProtocolError('E_INVALID', 'cannot IDENTIFY again')
    this.#producer = { id: this.#id, ...parseIdentity(bytes, start, end), lastUpdate: 0 }
    this.#context.registry.seen(this.#producer)
    this.#log('REGISTER', 'client')
    this.#socket.write(lookupReply(this.#context.identifyReply()))
  }

  /** Allowed before IDENTIFY, when it means nothing. */
  PING(): void {
    if (this.#producer !== undefined) this.#context.registry.seen(this.#producer)
    this.#socket.write(OK)
  }

  REGISTER(topic: string, channel: string): void {
    this.#context.registry.register(this.#identified(), topic, channel)
    this.#log('REGISTER', channel === '' ? 'topic' : 'channel', topic, channel)
    this.#socket.write(OK)
  }

  UNREGISTER(topic: string, channel: string): void {
    const { registry } = this.#context
    if (channel === '') registry.unregisterTopic(this.#identified(), topic)
    else registry.unregisterChannel(this.#identified(), topic, channel)
    this.#log('UNREGISTER', channel === '' ? 'topic' : 'channel', topic, channel)
    this.#socket.write(OK)
  }

  #identified(): Producer {
    if (this.#producer === undefined) throw new ProtocolError('E_INVALID', 'client must IDENTIFY')
    return this.#producer
  }

  #receive(chunk: Buffer): void {
    this.#socket.cork()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#socket.uncork()
    }
    // A client that does not read its replies is not read either.
    if (this.#socket.writableNeedDrain) this.#socket.pause()
  }

  /** Ends a connection whose command, or whose reading of replies, does not come to its end. An idle one may stay. */
  #checkProgress(): void {
    const socket = this.#socket
    const { isAmid, progress, bodySize } = this.#reader
    const unread = socket.writableLength
    if (unread > 0) {
      this.#forCommand.rest()
      if (!this.#forReading.isOver(socket.bytesWritten - unread, unread, LOOK_EVERY)) return
      const what = 'does not read its replies'
      this.#context.complaints.error(what, `client(${this.#id}): ${what}, closing`)
      socket.destroy()
      return
    }
    this.#forReading.rest()
    if (!isAmid) this.#forCommand.rest()
    else if (this.#forCommand.isOver(progress, bodySize, LOOK_EVERY)) {
      this.#refuse(new ProtocolError('E_INVALID', 'the command took too long to arrive'))
    }
  }

  /** Says what was wrong, and closes. */
  #refuse(error: unknown): void {
    const [kind, text] =
      error instanceof ProtocolError ? [error.code, error.frameText] : ['faults', errorText(error)]
    this.#context.complaints.error(kind, `client(${this.#id}): ${text}`)
    const socket = this.#socket
    // What still comes is thrown away unread: closing with it in the buffer would reset the connection, and the reply
    // might be lost.
    socket.removeAllListeners('data')
    socket.resume()
    socket.end(lookupReply(error instanceof ProtocolError ? error.frameText : 'E_INVALID internal error'))
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref()
  }

  #leave(): void {
    clearInterval(this.#look)
    if (this.#producer === undefined) return
    this.#context.registry.leave(this.#producer)
    this.#log('UNREGISTER', 'client')
    this.#producer = undefined
  }

  #log(action: string, category: string, topic = '', channel = ''): void {
    this.#context.logger.info(
      () => `DB: client(${this.#id}) ${action} category:${category} key:${topic} subkey:${channel}`,
    )
  }
}

/** `ip:port`, with an IPv4 address as such also where the socket speaks IPv6. */
function remoteAddress({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return formatAddress({ host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort })
}
