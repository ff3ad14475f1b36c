import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Nsqd } from '../../nsqd/daemon.ts'
import { nsqdOptions, resolveNsqdOptions } from '../../nsqd/options.ts'
import { Nsqlookupd } from '../../nsqlookupd/daemon.ts'
import { resolveNsqlookupdOptions } from '../../nsqlookupd/options.ts'
import { type Address, formatAddress } from '../../util/address.ts'
import { NsqError } from '../../util/errors.ts'
import type { Logger } from '../../util/logger.ts'
import type { TopicSpec } from './topic-spec.ts'

export interface ClusterOptions {
  nsqds: number
  lookupds: number
  /** Kept; a temporary folder unless given. */
  dataPath: string | undefined
  topics: readonly TopicSpec[]
  logger: (name: string) => Logger
  /** The ports to try first; those of official daemons unless given. 0 takes any free one. */
  ports?: { nsqd: number; lookupd: number }
}

/** A daemon as others reach it. */
export interface Endpoint {
  name: string
  tcp: string
  http: string
}

/** A daemon that does not have the port it usually has. */
export interface Move {
  name: string
  wanted: number
  got: number
}

const LOOPBACK = '127.0.0.1'
const OFFICIAL_PORTS = { nsqd: 4150, lookupd: 4160 }
/** HTTP is on the next port; the second nsqd is on 4250, and so on: neither meets nsqlookupd's ports. */
const PORT_STEP = 100
const MAX_PORT_STEPS = 20

interface Daemon {
  readonly tcpAddress: Address
  readonly httpAddress: Address
  start(): Promise<void>
  close(): Promise<void>
}

/** nsqlookupds and nsqds on loopback, in this process, that know each other. */
export class Cluster {
  readonly lookupds: Endpoint[] = []
  readonly nsqds: Endpoint[] = []
  readonly moves: Move[] = []
  /** The names of those that were asked for. */
  readonly topics: readonly string[]
  readonly dataPath: string
  readonly isTemporary: boolean
  readonly #options: ClusterOptions
  readonly #daemons: Daemon[] = []

  /** Starts every daemon; when one cannot start, none is left running. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { dataPath } = options
    const cluster = new Cluster(options, dataPath ?? (await mkdtemp(join(tmpdir(), 'nsq-ts-dev-'))))
    try {
      await cluster.#start()
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  private constructor(options: ClusterOptions, dataPath: string) {
    this.#options = options
    this.topics = options.topics.map(({ topic }) => topic)
    this.dataPath = resolve(dataPath)
    this.isTemporary = options.dataPath === undefined
  }

  /** Closes the daemons, the nsqds first. A temporary folder stays: removing it is for the caller. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.reverse()) await daemon.close()
    this.#daemons.length = 0
  }

  async #start(): Promise<void> {
    const { nsqds, lookupds, ports = OFFICIAL_PORTS } = this.#options
    for (let i = 0; i < lookupds; i++) {
      const name = `nsqlookupd${numbered(i, lookupds)}`
      const wanted = portOf(ports.lookupd, i)
      const daemon = await this.#startOn(name, wanted, addresses => this.#newLookupd(name, addresses))
      this.lookupds.push(endpoint(name, daemon))
    }
    for (let i = 0; i < nsqds; i++) {
      const name = `nsqd${numbered(i, nsqds)}`
      const dataPath = join(this.dataPath, `nsqd-${i + 1}`)
      const wanted = portOf(ports.nsqd, i)
      const daemon = await this.#startOn(name, wanted, addresses =>
        this.#newNsqd(name, i, dataPath, addresses),
      )
      for (const { topic, channels } of this.#options.topics) {
        const created = daemon.topic(topic)
        for (const channel of channels) created.channel(channel)
      }
      this.nsqds.push(endpoint(name, daemon))
    }
  }

  #newLookupd(name: string, addresses: Addresses): Nsqlookupd {
    const options = { ...addresses, broadcastAddress: LOOPBACK }
    return new Nsqlookupd(resolveNsqlookupdOptions(options), this.#options.logger(name))
  }

  #newNsqd(name: string, index: number, dataPath: string, addresses: Addresses): Nsqd {
    const options = resolveNsqdOptions({
      ...addresses,
      dataPath,
      broadcastAddress: LOOPBACK,
      lookupdTcpAddress: this.lookupds.map(({ tcp }) => tcp),
      // Several nsqds of one machine would otherwise have the same node id, and message ids with it.
      nodeId: (nsqdOptions['node-id'].default + index) % 1024,
    })
    return new Nsqd(options, this.#options.logger(name))
  }

  /** On the wanted port and the next one for HTTP, or on the first pair after them that is free, or on any. */
  async #startOn<T extends Daemon>(
    name: string,
    wanted: number,
    create: (addresses: Addresses) => T,
  ): Promise<T> {
    for (let step = 0; ; step++) {
      const port = step < MAX_PORT_STEPS && wanted > 0 ? wanted + step * PORT_STEP : 0
      const http = port === 0 ? 0 : port + 1
      const daemon = create({ tcpAddress: `${LOOPBACK}:${port}`, httpAddress: `${LOOPBACK}:${http}` })
      try {
        await daemon.start()
      } catch (error) {
        await daemon.close()
        if (error instanceof NsqError && error.code === 'E_LISTEN_IN_USE' && port > 0) continue
        throw error
      }
      this.#daemons.push(daemon)
      const got = daemon.tcpAddress.port
      if (wanted > 0 && got !== wanted) this.moves.push({ name, wanted, got })
      return daemon
    }
  }
}

interface Addresses {
  tcpAddress: string
  httpAddress: string
}

function portOf(first: number, index: number): number {
  return first === 0 ? 0 : first + index * PORT_STEP
}

function numbered(index: number, count: number): string {
  return count === 1 ? '' : `-${index + 1}`
}

function endpoint(name: string, daemon: Daemon): Endpoint {
  return { name, tcp: formatAddress(daemon.tcpAddress), http: formatAddress(daemon.httpAddress) }
}
