import type { TestContext } from 'node:test'
import { Nsqadmin } from '../../src/nsqadmin/daemon.ts'
import { resolveNsqadminOptions } from '../../src/nsqadmin/options.ts'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'

export type Given = Parameters<typeof resolveNsqadminOptions>[0]

/** Stops what it was given when the test ends, the last one first, and before any folder goes. */
class Ending {
  readonly #ends: (() => Promise<unknown>)[] = []

  constructor(t: TestContext) {
    t.after(async () => {
      for (const end of this.#ends.reverse()) await end()
    })
  }

  add(end: () => Promise<unknown>): void {
    this.#ends.push(end)
  }
}

/** An nsqlookupd, nsqds and an nsqadmin in this process. */
export class Rig {
  readonly lookupd: Nsqlookupd
  readonly nsqds: readonly Nsqd[]
  readonly admin: Nsqadmin
  /** What nsqadmin has logged, at debug level. */
  readonly lines: string[]

  constructor(lookupd: Nsqlookupd, nsqds: readonly Nsqd[], admin: Nsqadmin, lines: string[]) {
    this.lookupd = lookupd
    this.nsqds = nsqds
    this.admin = admin
    this.lines = lines
  }

  get nsqd(): Nsqd {
    const [nsqd] = this.nsqds
    if (nsqd === undefined) throw new Error('there is no nsqd')
    return nsqd
  }

  /** Without a slash at the end. */
  get base(): string {
    return `http://${formatAddress(this.admin.httpAddress)}${this.admin.options.basePath}`
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.base + path, { headers, redirect: 'manual' })
  }

  send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return fetch(this.base + path, {
      method,
      headers,
      redirect: 'manual',
      ...(text === undefined ? {} : { body: text }),
    })
  }

  /** The JSON of an answer. */
  async json(path: string): Promise<unknown> {
    return (await this.get(path)).json()
  }

  /** Publishes, and waits until nsqlookupd knows of the topic. */
  async publish(topic: string, ...bodies: readonly string[]): Promise<void> {
    await this.nsqd.publish(
      topic,
      bodies.map(body => Buffer.from(body)),
      0,
    )
    await until(() => this.lookupd.registry.producersOf(topic).length > 0)
  }

  async channel(topic: string, name: string): Promise<void> {
    this.nsqd.topic(topic).channel(name)
    await until(() => this.lookupd.registry.channels(topic).includes(name))
  }
}

export interface RigOptions {
  nsqds?: number
  /** Names the nsqds to nsqadmin, not nsqlookupd. */
  direct?: boolean
  /** Further options of the nsqds. */
  nsqd?: Parameters<typeof resolveNsqdOptions>[0]
  /** Further options of the nsqlookupd. */
  lookupd?: Parameters<typeof resolveNsqlookupdOptions>[0]
}

/** Starts all; it is stopped when the test ends. */
export async function start(
  t: TestContext,
  given: Given = {},
  { nsqds: count = 1, direct = false, nsqd: givenNsqd = {}, lookupd: givenLookupd = {} }: RigOptions = {},
): Promise<Rig> {
  const ending = new Ending(t)
  const quiet = new Logger({ prefix: '', level: LogLevel.error, write: () => {} })
  const listen = { tcpAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0', broadcastAddress: '127.0.0.1' }
  const lookupd = new Nsqlookupd(resolveNsqlookupdOptions({ ...listen, ...givenLookupd }), quiet)
  await lookupd.start()
  ending.add(() => lookupd.close())
  const nsqds: Nsqd[] = []
  for (let i = 0; i < count; i++) {
    const dataPath = temporaryFolder()
    const lookupdTcpAddress = [formatAddress(lookupd.tcpAddress)]
    const nsqd = new Nsqd(
      resolveNsqdOptions({
        ...listen,
        dataPath,
        lookupdTcpAddress,
        nodeId: i + 1,
        shutdownTimeout: 0,
        ...givenNsqd,
      }),
      quiet,
    )
    await nsqd.start()
    ending.add(() => nsqd.close())
    nsqds.push(nsqd)
  }
  await until(() => lookupd.registry.nodes().length === count)
  const lines: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write: line => lines.push(line) })
  const daemons = direct
    ? { nsqdHttpAddress: nsqds.map(nsqd => formatAddress(nsqd.httpAddress)) }
    : { lookupdHttpAddress: [formatAddress(lookupd.httpAddress)] }
  const admin = new Nsqadmin(
    resolveNsqadminOptions({ httpAddress: '127.0.0.1:0', ...daemons, ...given }),
    logger,
  )
  await admin.start()
  ending.add(() => admin.close())
  return new Rig(lookupd, nsqds, admin, lines)
}
