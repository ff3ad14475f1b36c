import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { resolveNsqadminOptions } from '../../nsqadmin/options.ts'
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
  /** Whether there is to be an nsqadmin; not unless given. */
  admin?: boolean
  /** Kept; a temporary folder unless given. */
  dataPath: string | undefined
  topics: readonly TopicSpec[]
  logger: (name: string) => Logger
  /** The ports to try first; those of official daemons unless given. 0 takes any free one. */
  ports?: { nsqd: number; lookupd: number; admin?: number }
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
const OFFICIAL_PORTS = { nsqd: 4150, lookupd: 4160, admin: 4171 }
/** A page of somebody else's could otherwise, by a name of its own that leads to this machine, act as ours. */
const LOOPBACK_NAMES = ['localhost', LOOPBACK, '[::1]']
/** The second nsqd is on 4250, and so on: neither meets nsqlookupd's ports, nor nsqadmin's. */
const PORT_STEP = 100
const MAX_PORT_STEPS = 20
/** How long consumers have for what they have in hand when it ends, in ms: it is somebody at a keyboard who waits. */
const SHUTDOWN_TIMEOUT = 1000

interface Daemon {
  readonly httpAddress: Address
  start(): Promise<void>
  close(): Promise<void>
}

type TcpDaemon = Daemon & { readonly tcpAddress: Address }

/** nsqlookupds, nsqds and an nsqadmin on loopback, in this process, that know each other. */
export class Cluster {
  readonly lookupds: Endpoint[] = []
  readonly nsqds: Endpoint[] = []
  /** The HTTP address of the nsqadmin, when there is one. */
  adminHttp: string | undefined
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
    // At once: each nsqd waits for its own consumers.
    const endings = await Promise.allSettled(this.#daemons.reverse().map(daemon => daemon.close()))
    this.#daemons.length = 0
    for (const ending of endings) if (ending.status === 'rejected') throw ending.reason
  }

  async #start(): Promise<void> {
    const { nsqds, lookupds, admin = false, ports = OFFICIAL_PORTS } = this.#options
    // Loaded while the others open their files.
    const adminModule = admin ? import('../../nsqadmin/daemon.ts') : undefined
    for (let i = 0; i < lookupds; i++) {
      const name = `nsqlookupd${numbered(i, lookupds)}`
      const wanted = portOf(ports.lookupd, i)
      const daemon = await this.#startOn(name, wanted, port => this.#newLookupd(name, pair(port)))
      this.lookupds.push(endpoint(name, daemon))
    }
    for (let i = 0; i < nsqds; i++) {
      const name = `nsqd${numbered(i, nsqds)}`
      const dataPath = join(this.dataPath, `nsqd-${i + 1}`)
      const wanted = portOf(ports.nsqd, i)
      const daemon = await this.#startOn(name, wanted, port => this.#newNsqd(name, i, dataPath, pair(port)))
      for (const { topic, channels } of this.#options.topics) {
        const created = daemon.topic(topic)
        for (const channel of channels) created.channel(channel)
      }
      this.nsqds.push(endpoint(name, daemon))
    }
    if (adminModule === undefined) return
    const { Nsqadmin } = await adminModule
    const daemon = await this.#startOn('nsqadmin', ports.admin ?? 0, port => {
      const options = resolveNsqadminOptions({
        httpAddress: `${LOOPBACK}:${port}`,
        allowedHost: LOOPBACK_NAMES,
        ...(lookupds > 0
          ? { lookupdHttpAddress: this.lookupds.map(({ http }) => http) }
          : { nsqdHttpAddress: this.nsqds.map(({ http }) => http) }),
      })
      return new Nsqadmin(options, this.#options.logger('nsqadmin'))
    })
    this.adminHttp = formatAddress(daemon.httpAddress)
  }

  #newLookupd(name: string, addresses: Addresses): Nsqlookupd {
    const options = { ...addresses, broadcastAddress: LOOPBACK }
    return new Nsqlookupd(resolveNsqlookupdOptions(options), this.#options.logger(name))
  }

  #newNsqd(name: string, index: number, dataPath: string, addresses: Addresses): Nsqd {
    const options = resolveNsqdOptions({
      ...addresses,
      dataPath,
      shutdownTimeout: SHUTDOWN_TIMEOUT,
      broadcastAddress: LOOPBACK,
      lookupdTcpAddress: this.lookupds.map(({ tcp }) => tcp),
      // Several nsqds of one machine would otherwise have the same node id, and message ids with it.
      nodeId: (nsqdOptions['node-id'].default + index) % 1024,
    })
    return new Nsqd(options, this.#options.logger(name))
  }

  /** On the wanted port, or on the first of some after it that is free, or on any. */
  async #startOn<T extends Daemon>(name: string, wanted: number, create: (port: number) => T): Promise<T> {
    for (let step = 0; ; step++) {
      const port = step < MAX_PORT_STEPS && wanted > 0 ? wanted + step * PORT_STEP : 0
      const daemon = create(port)
      try {
        await daemon.start()
      } catch (error) {
        await daemon.close()
        if (error instanceof NsqError && error.code === 'E_LISTEN_IN_USE' && port > 0) continue
        throw error
      }
      this.#daemons.push(daemon)
      if (wanted > 0 && port !== wanted) this.moves.push({ name, wanted, got: firstPort(daemon) })
      return daemon
    }
  }
}

/** The one that it was asked to have; HTTP comes after TCP. */
function firstPort(daemon: Daemon | TcpDaemon): number {
  return ('tcpAddress' in daemon ? daemon.tcpAddress : daemon.httpAddress).port
}

interface Addresses {
  tcpAddress: string
  httpAddress: string
}

/** HTTP is on the next port. */
function pair(port: number): Addresses {
  const http = port === 0 ? 0 : port + 1
  return { tcpAddress: `${LOOPBACK}:${port}`, httpAddress: `${LOOPBACK}:${http}` }
}

function portOf(first: number, index: number): number {
  return first === 0 ? 0 : first + index * PORT_STEP
}

function numbered(index: number, count: number): string {
  return count === 1 ? '' : `-${index + 1}`
}

function endpoint(name: string, daemon: TcpDaemon): Endpoint {
  return { name, tcp: formatAddress(daemon.tcpAddress), http: formatAddress(daemon.httpAddress) }
}
