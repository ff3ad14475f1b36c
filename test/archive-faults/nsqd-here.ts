import { Nsqd } from '../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import type { Address } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'

/** An nsqd in this process: to start one in another takes more time than most of these tests have for it. */
export class NsqdHere {
  readonly #nsqd: Nsqd

  constructor(dataPath: string) {
    const options = resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      dataPath,
      // Nobody waits for consumers that a test has forgotten.
      shutdownTimeout: 0,
    })
    this.#nsqd = new Nsqd(options, new Logger({ prefix: '', level: LogLevel.error, write: () => {} }))
  }

  /** Where it listens; once `start` has resolved. */
  get tcp(): Address {
    return this.#nsqd.tcpAddress
  }

  get http(): Address {
    return this.#nsqd.httpAddress
  }

  async start(): Promise<void> {
    await this.#nsqd.start()
  }

  async kill(): Promise<void> {
    await this.#nsqd.close()
  }
}
