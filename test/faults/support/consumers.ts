import { fin, rdy, req, sub, touch } from '../../../src/protocol/command.ts'
import { FrameType } from '../../../src/protocol/frame.ts'
import { decodeMessage } from '../../../src/protocol/message.ts'
import type { Address } from '../../../src/util/address.ts'
import { RawClient, type RawMessage } from '../../nsqd/raw-client.ts'
import type { Random } from '../../storage/random.ts'
import { pause } from '../../support/wait.ts'
import type { Ledger } from '../ledger.ts'

export interface ConsumerOptions {
  readonly ledger: Ledger
  readonly random: Random
  readonly topic: string
  readonly channel: string
  /** It puts nothing off for longer; below `TIMES_OUT_MS` it lets nothing time out, either. */
  readonly longestDelayMs: number
  /** The topic's checkpoint that is on disk now; see `Ledger`. Undefined while nsqd cannot crash. */
  generation(): number | undefined
}

/** Of rest where nsqd is gone, in ms. */
const RETRY_MS = 20
const TIMES_OUT_MS = 3000
const PROBE = `TOUCH ${'~'.repeat(16)}`

/** A connection that notes each message when it arrives. */
class NotingClient extends RawClient {
  readonly #options: ConsumerOptions

  constructor(address: Address, options: ConsumerOptions) {
    super(address)
    this.#options = options
  }

  override frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === FrameType.message) {
      const { ledger, channel } = this.#options
      const generation = this.#options.generation()
      const { id, attempts, body } = decodeMessage(bytes, start, end)
      const given = generation === undefined ? { id } : { id, generation }
      ledger.delivered(channel, body.toString(), attempts, Date.now(), given)
    }
    super.frame(type, bytes, start, end)
  }
}

/**
 * A consumer of one channel. It may do to messages all that one can do; or, to come to an end, finish whatever comes.
 */
export class ChaoticConsumer {
  readonly #options: ConsumerOptions
  /** Finishes everything from now on. */
  isTidy: boolean

  constructor(options: ConsumerOptions, isTidy = false) {
    this.#options = options
    this.isTidy = isTidy
  }

  /** Connects, again and again, until `isOver` says so. */
  async run({ tcp }: { tcp: Address }, isOver: () => boolean): Promise<void> {
    const { random, topic, channel } = this.#options
    while (!isOver()) {
      const client = new NotingClient(tcp, this.#options)
      const subscribed = await client.ask(sub(topic, channel)).catch(() => 'closed')
      if (subscribed === 'OK') {
        client.send(rdy(this.isTidy ? 500 : random.int(1, 200)))
        await this.#work(client, isOver)
      } else if (subscribed === 'closed') {
        await pause(RETRY_MS)
      } else {
        this.#options.ledger.fault(`SUB ${topic} ${channel}: ${subscribed}`)
        return
      }
      client.destroy()
      await client.closed()
    }
  }

  /** Until nsqd is gone, or it leaves of its own accord. */
  async #work(client: NotingClient, isOver: () => boolean): Promise<void> {
    const { random } = this.#options
    const kept: RawMessage[] = []
    while (!isOver()) {
      const messages = client.takeAll()
      if (messages.length === 0) await pause(5)
      // What was touched a while ago is finished after all.
      if (kept.length > 20 || this.isTidy) messages.push(...kept.splice(0))
      if (messages.length > 0 && !(await this.#answer(client, messages, kept))) return
      if (client.isClosed || (!this.isTidy && random.chance(0.01))) return
    }
  }

  /** Answers each message somehow, and notes it once nsqd has read the answers. False when it is gone. */
  async #answer(client: NotingClient, messages: readonly RawMessage[], kept: RawMessage[]): Promise<boolean> {
    const { ledger, random, channel, longestDelayMs } = this.#options
    const finished = new Map<string, string>()
    const requeued = new Map<string, { body: string; dueMs: number }>()
    const commands: Buffer[] = []
    for (const message of messages) {
      const { id, body } = message
      const dice = this.isTidy ? 1 : random.fraction()
      if (dice < 0.02) {
        // It times out.
        if (longestDelayMs >= TIMES_OUT_MS) continue
        commands.push(req(id, 0))
      } else if (dice < 0.08) {
        commands.push(req(id, 0))
      } else if (dice < 0.14) {
        const delayMs = random.pick([100, 700, 3000].filter(ms => ms <= longestDelayMs))
        commands.push(req(id, delayMs))
        requeued.set(id, { body, dueMs: Date.now() + delayMs })
      } else if (dice < 0.18) {
        commands.push(touch(id))
        kept.push(message)
      } else {
        commands.push(fin(id))
        finished.set(id, body)
        ledger.finishing(channel, body)
      }
    }
    client.send(...commands, Buffer.from(`${PROBE}\n`))
    for (;;) {
      const reply = await client.reply().catch(() => 'closed')
      if (reply === 'closed') return false
      if (reply.startsWith(`E_TOUCH_FAILED ${PROBE}`)) break
      const [, id = ''] = /^E_(?:FIN|REQ|TOUCH)_FAILED \w+ (\w{16})/.exec(reply) ?? []
      if (id === '') ledger.fault(`unexpected reply: ${reply}`)
      finished.delete(id)
      requeued.delete(id)
    }
    const generation = this.#options.generation()
    for (const body of finished.values()) ledger.finished(channel, body, generation)
    const now = Date.now()
    for (const { body, dueMs } of requeued.values()) {
      // Where its time has come already it may be back.
      if (dueMs > now) ledger.requeued(channel, body, dueMs, generation)
    }
    return true
  }
}
