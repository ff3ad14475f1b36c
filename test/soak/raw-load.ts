import { fin, identify, mpub, rdy, req, sub, touch } from '../../src/protocol/command.ts'
import { type Address, parseAddress } from '../../src/util/address.ts'
import { RawClient, type RawMessage } from '../nsqd/raw-client.ts'
import type { Random } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import type { Account } from './account.ts'
import type { Load } from './load.ts'
import type { Member } from './soak-cluster.ts'

const READY = 50
const MESSAGE_TIMEOUT_MS = 1000
const TOUCHED_MS = 600
const TURN_MS = 20

/**
 * Publishes over HTTP, and takes messages as clients do that are worse than ours: some time out, some are requeued, and
 * connections end with messages in hand.
 */
export class RawLoad implements Load {
  readonly account: Account
  readonly problems: readonly string[] = []
  /** These are late on purpose. */
  readonly late = 0
  readonly #channels: readonly string[]
  readonly #nsqds: readonly Member[]
  readonly #random: Random
  readonly #publishing = new Set<Promise<void>>()
  readonly #running: Promise<void>[] = []
  #isClosed = false

  constructor(account: Account, channels: readonly string[], nsqds: readonly Member[], random: Random) {
    this.account = account
    this.#channels = channels
    this.#nsqds = nsqds
    this.#random = random
  }

  async start(): Promise<void> {
    for (const channel of this.#channels) {
      for (const nsqd of this.#nsqds) this.#running.push(this.#consume(channel, nsqd))
    }
  }

  publish(count: number): void {
    const random = this.#random
    const nsqd = random.pick(this.#nsqds)
    if (random.chance(0.5)) {
      const messages = Array.from({ length: count }, () => this.account.next(random))
      // The body of the command is that of the request.
      const command = mpub(
        this.account.topic,
        messages.map(({ body }) => body),
      )
      const body = command.subarray(command.indexOf('\n') + 1 + 4)
      this.#post(nsqd, `/mpub?binary=true&topic=${this.account.topic}`, body, messages)
      return
    }
    for (let i = 0; i < count; i++) {
      const defer = random.chance(0.1) ? random.int(1, 2000) : 0
      const message = this.account.next(random, defer)
      this.#post(nsqd, `/pub?topic=${this.account.topic}&defer=${defer}`, message.body, [message])
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#publishing)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#running)
  }

  #post(nsqd: Member, path: string, body: Buffer, messages: readonly { number: number }[]): void {
    const done = this.#posted(`http://${nsqd.http}${path}`, body, messages)
    this.#publishing.add(done)
    void done.finally(() => this.#publishing.delete(done))
  }

  async #posted(url: string, body: Buffer, messages: readonly { number: number }[]): Promise<void> {
    let isOk = false
    try {
      const response = await fetch(url, { method: 'POST', body: new Uint8Array(body) })
      await response.arrayBuffer()
      isOk = response.ok
    } catch {
      // nsqd is gone, and may have taken it or not.
    }
    for (const { number } of messages) {
      if (isOk) this.account.acknowledged(number)
      else this.account.refused(number)
    }
  }

  /** Connects again and again. */
  async #consume(channel: string, nsqd: Member): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#take(channel, parseAddress(nsqd.tcp))
      } catch {
        // nsqd is gone, or just going.
      }
      await pause(this.#random.int(1, 300))
    }
  }

  async #take(channel: string, address: Address): Promise<void> {
    const client = new RawClient(address)
    try {
      await client.ask(identify({ msg_timeout: MESSAGE_TIMEOUT_MS, feature_negotiation: true }))
      await client.ask(sub(this.account.topic, channel))
      client.send(rdy(READY))
      const turns = this.#random.int(100, 2000)
      for (let turn = 0; turn < turns && !this.#isClosed && !client.isClosed; turn++) {
        for (const message of client.takeAll()) this.#answer(client, channel, message)
        await pause(TURN_MS)
      }
    } finally {
      // What is in hand, or on its way, is not answered.
      client.destroy()
    }
  }

  #answer(client: RawClient, channel: string, { id, body }: RawMessage): void {
    const random = this.#random
    this.account.delivered(channel, Buffer.from(body))
    const what = random.fraction()
    if (what < 0.9) {
      client.send(fin(id))
    } else if (what < 0.94) {
      client.send(req(id, 0))
    } else if (what < 0.97) {
      client.send(req(id, random.int(1, 500)))
    } else if (what < 0.98) {
      setTimeout(() => client.send(touch(id)), TOUCHED_MS)
      setTimeout(() => client.send(fin(id)), 2 * TOUCHED_MS)
    }
    // The rest is left to its timeout.
  }
}
