import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { Daemons, http, tcp } from '../../client/daemons.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const HOUR = 3_600_000

/** An nsqd that can be started again where it was. */
export class Restartable {
  readonly #all = new Daemons()
  readonly #dataPath = temporaryFolder()
  #nsqd: Nsqd | undefined

  static async start(t: TestContext): Promise<Restartable> {
    const restartable = new Restartable()
    t.after(() => restartable.#all.close())
    await restartable.#start({})
    return restartable
  }

  get nsqd(): Nsqd {
    return this.#nsqd ?? assert.fail()
  }

  async restart(): Promise<void> {
    const addresses = { tcpAddress: tcp(this.nsqd), httpAddress: http(this.nsqd) }
    await this.nsqd.close()
    await this.#start(addresses)
  }

  async #start(addresses: { tcpAddress?: string; httpAddress?: string }): Promise<void> {
    this.#nsqd = await this.#all.nsqd({ dataPath: this.#dataPath, retainTime: HOUR, ...addresses })
  }

  /** What waits in a topic; the first of each body. */
  async waiting(topic: string): Promise<string[]> {
    const reply = await fetch(`http://${http(this.nsqd)}/peek?topic=${topic}&n=1000`)
    const { messages = [] }: { messages?: { body: string }[] } = JSON.parse(await reply.text())
    return [...new Set(messages.map(({ body }) => body))]
  }
}

/** To be replayed. */
export const LINES = Array.from({ length: 300 }, (_, i) => `line ${i}`)
