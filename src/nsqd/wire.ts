import type { Socket } from 'node:net'
import type { TlsFacts } from '../net/tls.ts'
import { Patience } from '../net/patience.ts'
import { type Layer, Transport, type TransportHandler } from '../net/transport.ts'
import type { SocketWriter } from '../net/writer.ts'
import { type CommandHandler, type CommandLimits, CommandReader } from '../protocol/command-reader.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME } from '../protocol/frame.ts'
import type { Complaints } from '../util/complaints.ts'
import { errorText, NsqError } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Publisher } from './intake.ts'
import { Replies } from './replies.ts'
import type { Flushing, Turn } from './turn.ts'
import { LEAST, type Unsent } from './unsent.ts'

/** How long a client may take to read the error that ends its connection, in ms. */
const LAST_WORDS = 1000
/** How long all upgrades of a connection may take, in ms. */
const UPGRADE_TIMEOUT = 10_000

export interface WireHost {
  readonly logger: Logger
  readonly complaints: Complaints
  readonly turn: Turn
  readonly unsent: Unsent
}

/** Whose connection it is. */
export interface WireOwner extends CommandHandler {
  /** There is room for messages again. */
  drained(): void
  /** No command will come any more; what was published is still answered. */
  ended(): void
  closed(): void
}

/** A layer to put over the connection, and its name for the log. */
export interface Upgrade {
  readonly name: string
  readonly layer: Layer | Promise<Layer>
}

/**
 * The connection of one client: reads its commands, sends replies in their order, and heartbeats; puts TLS and compression
 * over it; and ends it, behind the replies that are due.
 */
export class Wire implements TransportHandler, Publisher, Flushing {
  /** `ip:port`, and `@` for a client of a Unix socket, as in the official nsqd. */
  readonly remoteAddress: string
  /** Empty for a client of a Unix socket. */
  readonly remoteIp: string
  /** Owned by Turn. */
  inTurn = false
  readonly #host: WireHost
  readonly #owner: WireOwner
  readonly #transport: Transport
  readonly #writer: SocketWriter
  readonly #reader: CommandReader
  readonly #replies: Replies
  readonly #heartbeat: Heartbeat
  /** With a command that was begun, and with what is to be read. */
  readonly #forCommand = new Patience()
  readonly #forReading = new Patience()
  /** Commands wait for something that the last one has begun. */
  #isHeld = false
  #isUpgrading = false
  /** The client has said all that it had, and some of that is held. */
  #endsWhenReleased = false
  #isEnding = false
  /** This side has ended, or is about to, and the client may still have something to say. */
  #isHearingOnly = false
  #isClosed = false
  /** The layer that is just being put over the connection. */
  #upgradingTo: string | undefined
  /** Waits until every publish is answered. */
  #whenSettled: (() => void) | undefined

  constructor(host: WireHost, socket: Socket, owner: WireOwner, limits: CommandLimits) {
    this.#host = host
    this.#owner = owner
    // An IPv4 client of a socket that listens for both shows as ::ffff:1.2.3.4.
    this.remoteIp = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
    this.remoteAddress = addressText(this.remoteIp, socket.remotePort)
    this.#transport = new Transport(socket, this)
    this.#writer = this.#transport.writer
    this.#replies = new Replies(this.#writer)
    this.#reader = new CommandReader(owner, limits)
    this.#heartbeat = new Heartbeat({
      beat: () => this.#beat(),
      giveUp: () => this.#giveUp(),
      look: passedMs => this.#look(passedMs),
    })
  }

  /** What the TLS handshake has led to; undefined without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#transport.tls
  }

  /** Whether the client is far behind with reading. */
  get isBacklogged(): boolean {
    return this.#writer.pending > this.#host.unsent.share
  }

  /** Heartbeats at this interval from now on, in ms; 0 for none. */
  beatEvery(interval: number): void {
    this.#heartbeat.every(interval)
  }

  /** Gives the commands to another handler from the next one on. */
  handCommandsTo(handler: CommandHandler): void {
    this.#reader.handler = handler
  }

  /** Queues message frames; their bytes may not change any more. */
  deliver(frames: Buffer): void {
    // The frames of a client that does not read are a part of a block, and would keep the whole of it in memory.
    const { unsent, turn } = this.#host
    this.#writer.write(unsent.isMuch ? Buffer.from(frames) : frames)
    // Before it is flushed: part of a block is lent now.
    this.#countUnsent()
    turn.flush(this)
  }

  /** Replies to anything but a publish. */
  reply(frame: Buffer): void {
    this.#replies.reply(frame)
    this.#host.turn.flush(this)
  }

  /** A publish was taken in: `acknowledge`, by the same source, or `refuse` is called for it. */
  published(source: object): void {
    this.#replies.published(source)
  }

  acknowledge(source: object): void {
    this.#replies.ok(source)
    this.#committed()
  }

  refuse(error: NsqError): void {
    // As in the official nsqd a failed publish is fatal: the client cannot tell which of its publishes it was.
    this.fail(new ProtocolError('E_PUB_FAILED', error.message, { cause: error.cause }))
    this.#replies.failed()
    this.#committed()
  }

  /** Called by Turn. */
  flush(): void {
    // Or may have been, when it was asked: the share changes with what waits for others.
    const wasBacklogged = this.#writer.pending > LEAST
    this.#writer.flush()
    this.#countUnsent()
    // What the system takes at once is never said to have drained.
    if (wasBacklogged && !this.isBacklogged) this.drained()
  }

  /** Reads no further until something is committed or sent. */
  pause(): void {
    this.#forCommand.rest()
    this.#transport.pause()
  }

  destroy(): void {
    this.#transport.destroy()
  }

  /**
   * Takes no commands until the promise is settled; then does what it resolves to, or fails with what it rejects with.
   * Called by a command.
   */
  holdFor(work: Promise<() => void>): void {
    this.#hold()
    void this.#holdFor(work)
  }

  /**
   * Puts layers over the connection, one over the other, behind the replies that are due. An OK goes through each of them
   * when it is there. Called by IDENTIFY.
   */
  upgrade(upgrades: readonly Upgrade[], done: () => void): void {
    this.#hold()
    this.#isUpgrading = true
    // A client in its handshake could make nothing of a heartbeat.
    this.#heartbeat.stop()
    const begin = (): void => void this.#upgrade(upgrades, done)
    this.#whenAnswered(begin)
  }

  /** Takes no more commands, and ends behind the replies that are due. */
  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#owner.ended()
    this.#whenAnswered(() => this.#end())
  }

  /** Ends its own side behind the replies that are due, and takes commands until the client has ended the other one. */
  endHearing(): void {
    if (this.#isEnding || this.#isHearingOnly) return
    this.#isHearingOnly = true
    this.#whenAnswered(() => this.#end())
  }

  /** Ends the connection with an error, behind the replies that are still due. */
  fail(error: unknown): void {
    if (this.#isEnding) return
    const { complaints, logger } = this.#host
    if (error instanceof ProtocolError) {
      const reason = error.cause === undefined ? '' : `: ${errorText(error.cause)}`
      this.#complain(error.code, error.frameText + reason)
      this.reply(errorFrame(error.frameText))
    } else {
      complaints.error('faults', `client ${this.remoteAddress}: ${errorText(error)}`)
      logger.debug(() => (error instanceof Error && error.stack !== undefined ? error.stack : ''))
    }
    this.end()
  }

  data(chunk: Buffer): void {
    this.#heartbeat.heard()
    if (this.#isEnding) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.fail(error)
    }
    if (this.isBacklogged || this.#replies.isLong) this.pause()
  }

  drained(): void {
    this.#countUnsent()
    this.#resume()
    this.#owner.drained()
  }

  ended(): void {
    if (this.#isHeld && !this.#isUpgrading) this.#endsWhenReleased = true
    else this.end()
  }

  closed(error?: Error): void {
    this.#logEnd(error)
    this.#heartbeat.stop()
    this.#isEnding = true
    this.#isClosed = true
    this.#host.unsent.remove(this.#writer)
    this.#owner.closed()
  }

  #countUnsent(): void {
    if (!this.#isClosed) this.#host.unsent.update(this.#writer)
  }

  #whenAnswered(next: () => void): void {
    if (this.#replies.isSettled) next()
    else this.#whenSettled = next
  }

  #committed(): void {
    if (this.#whenSettled !== undefined && this.#replies.isSettled) {
      const next = this.#whenSettled
      this.#whenSettled = undefined
      next()
    } else {
      this.#resume()
    }
    this.#host.turn.flush(this)
  }

  #hold(): void {
    this.#isHeld = true
    this.#reader.paused = true
    this.pause()
  }

  /** Goes on with the commands that came meanwhile, and reads on. */
  #release(): void {
    this.#isHeld = false
    this.#heartbeat.heard()
    if (this.#isEnding) return
    try {
      this.#reader.resume()
    } catch (error) {
      this.fail(error)
    }
    this.#resume()
    if (this.#endsWhenReleased && !this.#isHeld) this.end()
  }

  /** Reads on, unless commands are held, or replies or the disk are behind. */
  #resume(): void {
    if (!this.#transport.isPaused || this.#isHeld || this.isBacklogged || this.#replies.isLong) return
    this.#transport.resume()
  }

  async #holdFor(work: Promise<() => void>): Promise<void> {
    try {
      const next = await work
      if (!this.#isEnding) next()
    } catch (error) {
      this.fail(error)
    }
    this.#release()
  }

  async #upgrade(upgrades: readonly Upgrade[], done: () => void): Promise<void> {
    // IDENTIFY is still being read: what came behind it is the reader's only after that.
    await Promise.resolve()
    const tooLong = new Error(`it took more than ${UPGRADE_TIMEOUT} ms`)
    const timer = setTimeout(() => this.#transport.destroy(tooLong), UPGRADE_TIMEOUT)
    try {
      for (const { name, layer } of upgrades) {
        this.#upgradingTo = name
        await this.#transport.upgrade(await layer, this.#reader.takeRest())
        this.#writer.write(OK_FRAME)
        this.#writer.flush()
      }
    } catch (error) {
      // `closed` says why.
      this.#transport.destroy(error instanceof Error ? error : undefined)
      return
    } finally {
      clearTimeout(timer)
    }
    this.#upgradingTo = undefined
    this.#isUpgrading = false
    if (this.#isEnding) return
    done()
    this.#release()
  }

  /** That a connection is lost is no news; what a client did wrong is. */
  #logEnd(error: Error | undefined): void {
    if (this.#upgradingTo !== undefined) {
      const reason = error?.message ?? 'the connection was lost'
      this.#complain('upgrades', `no upgrade to ${this.#upgradingTo}: ${reason}`)
    } else if (error instanceof NsqError) {
      this.#complain(error.code, error.message)
    } else if (error !== undefined) {
      this.#host.logger.debug(() => `client ${this.remoteAddress}: ${error.message}`)
    }
  }

  #beat(): void {
    this.#writer.write(HEARTBEAT_FRAME)
    this.#host.turn.flush(this)
  }

  #giveUp(): void {
    // Nothing is read from a client whose commands are held, or whose publishes wait for the disk.
    if (this.#isHeld || (this.#transport.isPaused && !this.isBacklogged)) {
      this.#beat()
      return
    }
    this.#complain('heartbeats', 'heartbeat not answered, closing')
    this.#transport.destroy()
  }

  #complain(kind: string, text: string): void {
    this.#host.complaints.warn(kind, `client ${this.remoteAddress}: ${text}`)
  }

  /** Ends a connection that is in the middle of something and does not go on; says whether it stays. */
  #look(passedMs: number): boolean {
    const { pending, sent } = this.#writer
    if (pending === 0) {
      this.#forReading.rest()
    } else if (this.#forReading.isOver(sent, pending, passedMs)) {
      this.#complain('slow readers', 'does not read what it is sent, closing')
      this.#transport.destroy()
      return false
    }
    const { isAmid, progress, bodySize } = this.#reader
    if (!isAmid || this.#transport.isPaused) {
      this.#forCommand.rest()
    } else if (this.#forCommand.isOver(progress, bodySize, passedMs)) {
      this.fail(new ProtocolError('E_INVALID', 'the command took too long to arrive'))
      return false
    }
    return true
  }

  #end(): void {
    this.#transport.end()
    // What still comes is dropped, not left unread: the connection would be reset, and the last reply lost with it.
    this.#transport.resume()
    setTimeout(() => this.#transport.destroy(), LAST_WORDS).unref()
  }
}

function addressText(ip: string, port: number | undefined): string {
  if (ip === '') return '@'
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port ?? 0}`
}
