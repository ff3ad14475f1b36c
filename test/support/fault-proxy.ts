import { createServer, connect, type Server, type Socket } from 'node:net'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import type { Address } from '../../src/util/address.ts'
import type { Random } from '../storage/random.ts'
import { pause } from './wait.ts'

/**
 * What befalls a connection, in one direction, after a random number of bytes:
 *
 * - `cut`: both sides get a reset, or an end, at once
 * - `halfClose`: the receiver gets an end; what is sent after it is lost; the other direction goes on
 * - `stall`: nothing moves for a while, then it goes on
 * - `hang`: nothing moves any more, and nobody is told
 */
export type Fault = 'cut' | 'halfClose' | 'stall' | 'hang'

/** How often each of them is chosen, in relation to the others. */
const WEIGHTS: readonly (readonly [Fault, number])[] = [
  ['cut', 10],
  ['halfClose', 4],
  ['stall', 6],
  ['hang', 1],
]
const ALL_WEIGHTS = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0)
/** Of so many connections, one comes to grief in its first bytes: amid the greeting and the upgrades. */
const EARLY_SHARE = 0.2
const EARLY_BYTES = 3000
const LONGEST_STALL_MS = 150
const LONGEST_DELAY_MS = 8

export interface FaultProxyOptions {
  random: Random
  /** Bytes that go through a connection before something happens, on average. */
  meanBytes: number
  /** How many hangs there are at most: each takes as long as the slowest time-out. */
  hangs: number
}

/** Stands before a server, and splits, delays and breaks what goes through it. */
export class FaultProxy {
  /** Where clients find it; once `start` has resolved. */
  address: Address = { host: '', port: 0 }
  readonly counts: Record<Fault, number> = { cut: 0, halfClose: 0, stall: 0, hang: 0 }
  #target: Address
  readonly #options: FaultProxyOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #fates = new Set<Fate>()
  #isCalm = false

  constructor(target: Address, options: FaultProxyOptions) {
    this.#target = target
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket))
  }

  async start(): Promise<this> {
    this.address = await listenTcp(this.#server, { host: '127.0.0.1', port: 0 })
    return this
  }

  /** Does nothing bad from now on; but what hangs still does. */
  calm(): void {
    this.#isCalm = true
    for (const fate of this.#fates) fate.calm()
  }

  /** Cuts every connection that there is, those that hang, too. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets every connection that there is hang. */
  hang(): void {
    for (const fate of this.#fates) fate.isHung = true
  }

  /** Connections from now on go to another server: one that was started again, and listens elsewhere. */
  redirect(target: Address): void {
    this.#target = target
  }

  async close(): Promise<void> {
    await closeServer(this.#server, this.#sockets)
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const sockets = [client, server]
    for (const socket of sockets) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => sockets.forEach(reset))
    }
    const fate = new Fate(this.#options, this.counts)
    this.#fates.add(fate)
    client.on('close', () => this.#fates.delete(fate))
    if (this.#isCalm) fate.calm()
    void new Direction(fate, client, server).run()
    void new Direction(fate, server, client).run()
  }
}

/** What will happen next on a connection, and after how many bytes in both directions together. */
class Fate {
  readonly random: Random
  isCalm = false
  /** Nothing moves any more in either direction. */
  isHung = false
  /** Bytes until it happens. */
  left = 0
  readonly #options: FaultProxyOptions
  readonly #counts: Record<Fault, number>
  #fault: Fault = 'stall'
  /** Which direction it happens in: 0 or 1. */
  #victim = 0
  #directions = 0

  constructor(options: FaultProxyOptions, counts: Record<Fault, number>) {
    this.random = options.random
    this.#options = options
    this.#counts = counts
    this.#choose()
  }

  /** A number for a direction. */
  enter(): number {
    return this.#directions++
  }

  calm(): void {
    this.isCalm = true
    this.left = Infinity
  }

  /** What happens now in this direction, if anything does. */
  strike(direction: number): Fault | undefined {
    if (this.isHung) return 'hang'
    if (this.left > 0 || this.#victim !== direction) return undefined
    const fault = this.#fault === 'hang' && this.#counts.hang >= this.#options.hangs ? 'stall' : this.#fault
    this.#counts[fault]++
    this.#choose()
    return fault
  }

  #choose(): void {
    const { random, meanBytes } = this.#options
    this.left = random.chance(EARLY_SHARE)
      ? random.int(0, EARLY_BYTES)
      : Math.round(-Math.log(1 - random.fraction()) * meanBytes)
    this.#victim = random.int(0, 1)
    let at = random.fraction() * ALL_WEIGHTS
    this.#fault = WEIGHTS.find(([, weight]) => (at -= weight) < 0)?.[0] ?? 'cut'
  }
}

/** What goes from one side of a connection to the other. */
class Direction {
  readonly #fate: Fate
  readonly #number: number
  readonly #from: Socket
  readonly #to: Socket
  /** What still comes is read, so that the sender does not notice, and dropped. */
  #isLost = false

  constructor(fate: Fate, from: Socket, to: Socket) {
    this.#fate = fate
    this.#number = fate.enter()
    this.#from = from
    this.#to = to
  }

  async run(): Promise<void> {
    try {
      for await (const chunk of this.#from) {
        for (let rest: Buffer = chunk; rest.length > 0 && !this.#isLost;) {
          const fault = this.#fate.strike(this.#number)
          if (fault === undefined) rest = await this.#forward(rest)
          else await this.#suffer(fault)
        }
      }
      this.#to.end()
    } catch {
      // The sockets' own error handlers have seen to it.
    }
  }

  async #suffer(fault: Fault): Promise<void> {
    const { random } = this.#fate
    switch (fault) {
      case 'cut': {
        const end = random.chance(0.5) ? reset : (socket: Socket) => socket.destroy()
        for (const socket of [this.#from, this.#to]) end(socket)
        this.#isLost = true
        return
      }
      case 'halfClose':
        this.#to.end()
        this.#isLost = true
        return
      case 'stall':
        return pause(random.int(1, LONGEST_STALL_MS))
      case 'hang':
        return new Promise(() => {})
    }
  }

  /** Sends a piece, often all of it, often a few bytes, and returns the rest. */
  async #forward(bytes: Buffer): Promise<Buffer> {
    const [to, fate] = [this.#to, this.#fate]
    const piece = bytes.subarray(0, this.#pieceOf(bytes.length))
    fate.left -= piece.length
    if (!to.write(piece)) {
      await new Promise<void>(resolve => to.once('drain', resolve).once('close', resolve))
    }
    if (!fate.isCalm) {
      if (fate.random.chance(0.1)) await pause(fate.random.int(1, LONGEST_DELAY_MS))
      // A write of its own for each piece, so that it is read by itself.
      else await new Promise(resolve => setImmediate(resolve))
    }
    return bytes.subarray(piece.length)
  }

  #pieceOf(length: number): number {
    const { random, isCalm, left } = this.#fate
    let piece = length
    if (!isCalm && random.chance(0.5)) {
      piece = random.chance(0.3) ? random.int(1, Math.min(length, 20)) : random.int(1, length)
    }
    return left > 0 ? Math.min(piece, left) : piece
  }
}

/** Ends with a reset where that is possible: after `end`, Node would never close the socket. */
function reset(socket: Socket): void {
  if (socket.writable) socket.resetAndDestroy()
  else socket.destroy()
}
