import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { type NsqdOptions, resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { type NsqlookupdOptions, resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'

const ANY_PORT = '127.0.0.1:0'
const logger = new Logger({ prefix: '', level: LogLevel.fatal })

/** Our own daemons on ports of their own, in this process. */
export class Daemons {
  readonly #closers: (() => Promise<void>)[] = []

  async nsqd(given: Partial<NsqdOptions> = {}): Promise<Nsqd> {
    const dataPath = given.dataPath ?? (await this.directory())
    const anyPort = { tcpAddress: ANY_PORT, httpAddress: ANY_PORT, httpsAddress: ANY_PORT }
    // Nobody waits for consumers that a test has forgotten.
    const options = { ...anyPort, shutdownTimeout: 0, ...given, dataPath }
    const nsqd = new Nsqd(resolveNsqdOptions(options), logger)
    await nsqd.start()
    this.#closers.push(() => nsqd.close())
    return nsqd
  }

  async nsqlookupd(given: Partial<NsqlookupdOptions> = {}): Promise<Nsqlookupd> {
    const options = resolveNsqlookupdOptions({ tcpAddress: ANY_PORT, httpAddress: ANY_PORT, ...given })
    const nsqlookupd = new Nsqlookupd(options, logger)
    await nsqlookupd.start()
    this.#closers.push(() => nsqlookupd.close())
    return nsqlookupd
  }

  /** A folder that goes with the daemons. */
  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'nsq-ts-'))
    this.#closers.push(() => rm(path, { recursive: true, force: true }))
    return path
  }

  /** A file with this text, such as a certificate, which goes with the daemons. */
  async file(text: string): Promise<string> {
    const path = join(await this.directory(), 'file')
    await writeFile(path, text)
    return path
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
  }
}

export function tcp(daemon: Nsqd | Nsqlookupd): string {
  return formatAddress(daemon.tcpAddress)
}

export function http(daemon: Nsqd | Nsqlookupd): string {
  return formatAddress(daemon.httpAddress)
}
