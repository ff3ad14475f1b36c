import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { type Address, formatAddress, parseAddress } from '../util/address.ts'
import { formatDuration } from '../util/duration.ts'
import { errorText } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import type { NsqdOptions } from './options.ts'
import { collectStats, type StatsSource } from './stats.ts'
import { StatsdMetrics, statsdPrefix } from './statsd-metrics.ts'

/** The daemon, as pushing to statsd needs it. */
export interface StatsdSource extends StatsSource {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly httpPort: number
}

/** Packets are not sent closer together than this, in ms: several at once then. */
const SHORTEST_PAUSE = 10
/** How many packets are made at once. */
const PACKETS_A_TURN = 200
/** This long before the next push, in ms, all has been sent. */
const REST = 1000

/** Pushes statistics to the statsd of --statsd-address from now on; undefined when there is none. */
export function startStatsd(nsqd: StatsdSource): StatsdPusher | undefined {
  const { options, logger, httpPort } = nsqd
  if (!options.statsdAddress) return undefined
  const node = `${options.broadcastAddress}:${options.broadcastHttpPort ?? httpPort}`
  const prefix = statsdPrefix(options.statsdPrefix, node)
  const metrics = new StatsdMetrics(prefix, options.statsdExcludeEphemeral)
  const wanted = { topic: '', channel: '', includeClients: false, includeMemory: options.statsdMemStats }
  return new StatsdPusher({
    address: parseAddress(options.statsdAddress),
    interval: options.statsdInterval,
    packetSize: options.statsdUdpPacketSize,
    logger,
    lines: () => metrics.lines(collectStats(nsqd, wanted)),
  })
}

export interface StatsdPusherOptions {
  readonly address: Address
  /** Time between two pushes, ms. */
  readonly interval: number
  /** Most bytes of a packet; a line that is longer has one of its own. */
  readonly packetSize: number
  readonly logger: Logger
  /** What is to be told now. Only called when it can be sent: what it returns counts as told. */
  lines(): Iterable<string>
}

/** Sends lines to a statsd every so often. Nothing that fails here is felt elsewhere: it is logged, once. */
export class StatsdPusher {
  readonly #options: StatsdPusherOptions
  readonly #name: string
  readonly #timer: NodeJS.Timeout
  readonly #closing = new AbortController()
  #pushing: Promise<void> | undefined
  #isSending = false
  #isFailing = false

  constructor(options: StatsdPusherOptions) {
    const { address, interval, logger } = options
    this.#options = options
    this.#name = `statsd at ${formatAddress(address)}`
    this.#timer = setInterval(() => this.#pushUnlessBusy(), interval)
    logger.info(`${this.#name}: pushing every ${formatDuration(interval)}`)
  }

  /** Ends it; what was to be sent until the next push is sent at once. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    // Not while a name is resolved, which may take long.
    if (this.#isSending) await this.#pushing
  }

  #pushUnlessBusy(): void {
    this.#pushing ??= this.#push().then(
      () => this.#went(undefined),
      (error: unknown) => this.#went(error),
    )
  }

  #went(error: unknown): void {
    this.#pushing = undefined
    const { interval, logger } = this.#options
    if (error === undefined && this.#isFailing) logger.info(`${this.#name}: it can be pushed to again`)
    if (error !== undefined && !this.#isFailing) {
      const again = `trying again every ${formatDuration(interval)}`
      logger.error(`${this.#name}: cannot be pushed to, ${again}: ${errorText(error)}`)
    }
    this.#isFailing = error !== undefined
  }

  async #push(): Promise<void> {
    const { address, interval, packetSize } = this.#options
    // Each time: a name may come to mean another machine.
    const target = await lookup(address.host === '' ? 'localhost' : address.host)
    if (this.#closing.signal.aborted) return
    this.#isSending = true
    const socket = createSocket(target.family === 6 ? 'udp6' : 'udp4')
    try {
      socket.bind()
      await once(socket, 'listening')
      socket.on('error', () => undefined)
      const packets = await pack(this.#options.lines(), packetSize)
      // Spread over the time until the next push: statsd loses what its socket does not hold.
      const time = Math.max(interval - REST, interval / 2)
      const atOnce = Math.max(1, Math.ceil((packets.length * SHORTEST_PAUSE) / time))
      for (const [i, packet] of packets.entries()) {
        if (i > 0 && i % atOnce === 0) await this.#pause((time * atOnce) / packets.length)
        await send(socket, packet, address.port, target.address)
      }
    } finally {
      this.#isSending = false
      socket.close()
    }
  }

  /** No pause at all once this is closing. */
  async #pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }
}

function send(socket: Socket, packet: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, port, address, error => (error === null ? resolve() : reject(error)))
  })
}

/** Lines as packets of at most `size` bytes; a line that is longer is one by itself. */
async function pack(lines: Iterable<string>, size: number): Promise<string[]> {
  const packets: string[] = []
  let packet = ''
  let length = 0
  for (const line of lines) {
    const bytes = Buffer.byteLength(line)
    if (packet !== '' && length + bytes > size) {
      packets.push(packet)
      packet = ''
      length = 0
      // Of thousands of channels there is much to tell: others have their turn.
      if (packets.length % PACKETS_A_TURN === 0) await nextTurn()
    }
    packet += line
    length += bytes
  }
  if (packet !== '') packets.push(packet)
  return packets
}
