import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { NsqError } from '../util/errors.ts'
import type { Layer } from './layer.ts'
import { tlsFacts, type TlsFacts } from './tls.ts'
import { SocketWriter } from './writer.ts'

export type { Layer } from './layer.ts'

/** What a transport tells its owner. */
export interface TransportHandler {
  data(chunk: Buffer): void
  /** The writer's backlog is gone; of what is below the topmost layer, this may be told again. */
  drained(): void
  /** The other side writes no more. */
  ended(): void
  /** All is closed: the last call, and the only one of its kind. With what went wrong first, if anything did. */
  closed(error?: Error): void
}

const NO_BYTES = Buffer.alloc(0)

/**
 * A socket and the layers over it, as one connection. Its owner writes to one writer and reads from one handler,
 * whatever lies in between.
 *
 *     writer ─▶ snappy or deflate ─▶ TLS ─▶ socket
 *     data() ◀─ snappy or deflate ◀─ TLS ◀─ socket
 *
 * Nothing is read ahead of its owner: while it is paused every layer stops, and in the end the other side.
 */
export class Transport {
  readonly writer: SocketWriter
  readonly #handler: TransportHandler
  /** From the socket up to the topmost layer. */
  readonly #streams: Duplex[] = []
  #top: Duplex
  #open = 0
  #isPaused = false
  #isUpgrading = false
  #error: Error | undefined
  #tls: TlsFacts | undefined

  /** Switches Nagle's delay off. Whether a half-open socket stays open is up to who made it. */
  constructor(socket: Socket, handler: TransportHandler) {
    this.#handler = handler
    this.#top = socket
    this.writer = new SocketWriter(socket)
    socket.setNoDelay(true)
    this.#watch(socket)
    this.#attach(socket)
  }

  /** What the TLS handshake has led to; undefined without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** `data` is not called until `resume`. */
  pause(): void {
    this.#isPaused = true
    if (!this.#isUpgrading) this.#top.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#isUpgrading) this.#top.resume()
  }

  /**
   * Sends what is written, then the end of every layer (TLS's close_notify, the last deflate block), and closes this
   * side. During an upgrade there is nothing that the other side could read: everything is closed at once.
   */
  end(lastBytes?: Buffer): void {
    if (this.#isUpgrading) this.destroy()
    else this.writer.end(lastBytes)
  }

  /** Closes everything at once; what was not yet sent is dropped. */
  destroy(error?: Error): void {
    this.#error ??= error
    for (const stream of this.#streams.toReversed()) stream.destroy()
  }

  /**
   * Sends what is written, and puts a layer over the connection. `rest` is what was already read but belongs to the
   * layer. Until it is done, no data arrives, and what is written waits for it. When it fails, the connection ends.
   *
   * @throws NsqError what the layer failed with, or E_DISCONNECTED when the connection ended before it was done.
   */
  async upgrade(layer: Layer, rest: Buffer): Promise<void> {
    const below = this.#top
    const wasBehind = below.writableNeedDrain
    this.#isUpgrading = true
    this.#detach(below)
    this.writer.hold()
    try {
      if (below.readableEnded) throw lost()
      if (rest.length > 0) below.unshift(rest)
      await sent(below)
      if (below.readableEnded || below.destroyed) throw lost(this.#error)
      const above = await layer(below)
      if (below.destroyed || above.destroyed) {
        // Not watched: it may have closed already, and so may all below it.
        above.on('error', () => {}).destroy()
        throw lost(this.#error ?? above.errored ?? undefined)
      }
      this.#watch(above)
      this.#top = above
      this.#isUpgrading = false
      this.#attach(above)
      this.writer.moveTo(above, this.#streams.slice(0, -1))
      // It is done with what it has given to the stream below, which may still wait there.
      below.on('drain', this.#onDrain)
      // Nobody was told when the old way had drained.
      if (wasBehind && !above.writableNeedDrain) this.#handler.drained()
    } catch (error) {
      const reason = error instanceof NsqError ? error : lost(error)
      this.destroy(reason)
      // Drops what was held.
      this.writer.flush()
      this.#isUpgrading = false
      this.#tellClosed()
      throw reason
    }
  }

  #watch(stream: Duplex): void {
    this.#streams.push(stream)
    this.#open++
    // After its handshake, TLS emits an error and goes on as if there were none.
    stream.on('error', error => this.destroy(error))
    stream.on('close', () => {
      this.#open--
      this.#tellClosed()
    })
  }

  /** When everything is closed; during an upgrade only once that has failed, as it says why. */
  #tellClosed(): void {
    if (this.#open === 0 && !this.#isUpgrading) this.#handler.closed(this.#error)
  }

  #attach(stream: Duplex): void {
    if (stream instanceof TLSSocket) this.#tls = tlsFacts(stream)
    stream.on('end', this.#onEnd)
    stream.on('drain', this.#onDrain)
    // Before it can begin to flow.
    if (this.#isPaused) stream.pause()
    stream.on('data', this.#onData)
    if (stream.readableEnded) this.#handler.ended()
  }

  #detach(stream: Duplex): void {
    stream.pause()
    stream.off('data', this.#onData)
    stream.off('end', this.#onEnd)
    stream.off('drain', this.#onDrain)
  }

  readonly #onData = (chunk: Buffer): void => this.#handler.data(chunk)
  readonly #onEnd = (): void => this.#handler.ended()
  readonly #onDrain = (): void => {
    if (!this.#top.writableNeedDrain) this.#handler.drained()
  }
}

/** Resolves when the stream has sent all that was written to it. */
async function sent(stream: Duplex): Promise<void> {
  if (stream.writableLength === 0) return
  await new Promise<void>((resolve, reject) => {
    stream.write(NO_BYTES, error => (error ? reject(error) : resolve()))
  })
}

function lost(cause?: unknown): NsqError {
  return new NsqError('E_DISCONNECTED', 'the connection was lost while it was upgraded', { cause })
}
