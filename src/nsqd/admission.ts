import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { byteAt, ordinalAt, type Position } from '../storage/position.ts'
import { type Bounds, channelBounds, topicBounds } from './limits.ts'
import type { NsqdOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/** A topic, as one looks at it who asks whether more may wait there. */
export interface AdmittingTopic {
  readonly name: string
  readonly options: NsqdOptions
  readonly log: { readonly appended: Position }
  /** Up to here messages are acknowledged. */
  readonly visible: Position
  /** Up to here they were given to the channels. */
  readonly distributed: Position
  /** Whether they are given to the channels at once. */
  readonly isFlowing: boolean
  readonly depth: number
  readonly channels: ReadonlyMap<string, AdmittingChannel>
}

interface AdmittingChannel {
  readonly name: string
  readonly ephemeral: boolean
  /** Messages that wait, deferred ones too, and bytes of the log that do. */
  readonly waitingCount: number
  readonly waitingBytes: number
}

/**
 * Lets publishes in, or not, with --overflow=refuse. What may still come is measured at the first publish of a turn,
 * and counted down from there, so that a message costs two comparisons however many channels there are.
 */
export class Admission {
  /** Messages refused since the start. */
  refusedCount = 0
  readonly #topic: AdmittingTopic
  readonly #topicBounds: Bounds
  readonly #channelBounds: Bounds
  /** How much more may come. */
  #messages = 0
  #bytes = 0
  /** The channels that say so; empty for the topic itself. */
  #fewest = ''
  #smallest = ''
  /** It is to be measured anew: what was measured holds for the turn in which messages come in, and no longer. */
  isStale = true

  constructor(topic: AdmittingTopic) {
    this.#topic = topic
    this.#topicBounds = topicBounds(topic.options)
    this.#channelBounds = channelBounds(topic.options)
  }

  /**
   * Asks whether so many messages, with bodies of so many bytes in all, may come.
   *
   * @throws Refusal E_TOPIC_FULL, and none of them may
   */
  admit(messages: number, bodyBytes: number): void {
    const bytes = bodyBytes + messages * MESSAGE_OVERHEAD
    if (this.isStale || messages > this.#messages || bytes > this.#bytes) this.#measure()
    if (messages > this.#messages || bytes > this.#bytes) throw this.#refuse(messages, bytes)
    this.#messages -= messages
    this.#bytes -= bytes
  }

  #refuse(messages: number, bytes: number): Refusal {
    this.refusedCount += messages
    // Nothing of it is committed, so that nobody says when the turn is over.
    this.isStale = true
    const isByCount = messages > this.#messages
    const who = isByCount ? this.#fewest : this.#smallest
    const bounds = who === '' ? this.#topicBounds : this.#channelBounds
    const where = who === '' ? 'it' : `channel ${who}`
    // One that is too large for an empty topic is told apart from one that came at the wrong time.
    const more = messages === 1 ? '' : `, and ${messages} came`
    const reason = isByCount
      ? `${bounds.messages - this.#messages} messages wait in ${where}${more} (${bounds.messagesFlag}=${bounds.messages})`
      : `${bounds.bytes - this.#bytes} bytes wait in ${where}, and ${bytes} came (${bounds.bytesFlag}=${bounds.bytes})`
    return new Refusal('E_TOPIC_FULL', `topic ${this.#topic.name} is full: ${reason}`, 503, 'TOPIC_FULL')
  }

  #measure(): void {
    const { log, visible, distributed, isFlowing, depth, channels } = this.#topic
    // What is on its way to the disk waits as well.
    const messages = ordinalAt(log.appended) - ordinalAt(visible)
    this.isStale = false
    this.#messages = this.#bytes = Infinity
    if (!isFlowing) {
      this.#bound(this.#topicBounds, depth + messages, byteAt(log.appended) - byteAt(distributed), '')
      return
    }
    const bytes = byteAt(log.appended) - byteAt(visible)
    for (const { name, ephemeral, waitingCount, waitingBytes } of channels.values()) {
      if (!ephemeral) this.#bound(this.#channelBounds, waitingCount + messages, waitingBytes + bytes, name)
    }
  }

  #bound(bounds: Bounds, messages: number, bytes: number, who: string): void {
    if (bounds.messages > 0 && bounds.messages - messages < this.#messages) {
      this.#messages = bounds.messages - messages
      this.#fewest = who
    }
    if (bounds.bytes > 0 && bounds.bytes - bytes < this.#bytes) {
      this.#bytes = bounds.bytes - bytes
      this.#smallest = who
    }
  }
}
