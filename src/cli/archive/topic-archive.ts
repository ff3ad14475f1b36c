import { setTimeout as sleep } from 'node:timers/promises'
import { Archiver } from '../../archive/archiver.ts'
import type { ArchiverOptions, ArchiverProgress } from '../../archive/archiver-options.ts'
import type { ConsumerOptions } from '../../client/consumer/consumer-options.ts'
import { Consumer } from '../../client/consumer/consumer.ts'
import type { Message } from '../../client/consumer/message.ts'
import type { NsqError } from '../../util/errors.ts'
import type { Budget } from './budget.ts'

export interface TopicArchiveOptions {
  readonly archiver: Omit<ArchiverOptions, 'isStarved'>
  readonly consumer: Omit<ConsumerOptions, 'handler' | 'onMessage' | 'codec' | 'schema'>
  readonly budget: Budget
}

/** Longer than anything takes that may still come to an end: what is in hand is answered in any case. */
const CLOSE_TIMEOUT_MS = 2 ** 31 - 1

/** How long nsqd may take to hear that nothing more is wanted, until what still comes goes back. */
const ANSWER_MS = 5000

/** One topic on its way into files: a consumer, and the archiver that gets its messages. */
export class TopicArchive {
  readonly topic: string
  readonly #consumer: Consumer
  readonly #archiver: Archiver
  /** Messages received so far, those that went back at once not counted. */
  taken = 0

  /** Nothing comes before `start`. @throws NsqError as `Archiver.open`; `E_OPTION` */
  static async open({ archiver: options, consumer, budget }: TopicArchiveOptions): Promise<TopicArchive> {
    let archive: TopicArchive | undefined
    const archiver = await Archiver.open({
      ...options,
      isStarved: () => archive?.isStarved ?? false,
    })
    try {
      archive = new TopicArchive(archiver, consumer, budget)
      return archive
    } catch (error) {
      await archiver.close()
      throw error
    }
  }

  private constructor(archiver: Archiver, options: TopicArchiveOptions['consumer'], budget: Budget) {
    this.topic = options.topic
    this.#archiver = archiver
    this.#consumer = new Consumer({
      ...options,
      // The archive never decides that a message comes to nothing.
      maxAttempts: 0,
      autoTouch: true,
      onMessage: (message: Message) => {
        if (!budget.take()) {
          message.requeue(0, { backoff: false })
          return
        }
        this.taken++
        archiver.add(message)
      },
    })
  }

  get isStarved(): boolean {
    return this.#consumer.isStarved
  }

  get connections(): string[] {
    return this.#consumer.connections
  }

  get progress(): ArchiverProgress {
    return this.#archiver.progress
  }

  /** Resolves when it cannot go on. */
  get failed(): Promise<NsqError> {
    return this.#archiver.failed
  }

  /** Begins to take messages. @throws NsqError as `Consumer.start` */
  start(): Promise<void> {
    return this.#consumer.start()
  }

  flush(): Promise<void> {
    return this.#archiver.flush()
  }

  hangup(): void {
    this.#archiver.hangup()
  }

  /** Takes nothing more, finishes what is in hand, and completes the files. Never rejects. */
  async close(): Promise<void> {
    const closed = this.#consumer.close(CLOSE_TIMEOUT_MS)
    // The consumer waits until all is answered, which is for the archiver to do.
    await this.#archiver.flush()
    // Complete files need no nsqd: where it hangs, nobody knows how long this process still has.
    await Promise.race([closed, sleep(ANSWER_MS, undefined, { ref: false })])
    await this.#archiver.close()
    await closed
  }
}
