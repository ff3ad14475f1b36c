import type { Message } from '../../client/consumer/message.ts'

/** A message as the functions of `--filter` and `--map` see it. */
export class UserMessage {
  readonly #message: Message
  readonly #body: Buffer
  #json: unknown
  #isParsed = false

  /** @param body - in place of the message's own */
  constructor(message: Message, body: Buffer) {
    this.#message = message
    this.#body = body
  }

  get body(): Buffer {
    return this.#body
  }

  /** The topic that it is from. */
  get topic(): string {
    return this.#message.topic
  }

  /** 16 hexadecimal digits, unique for one nsqd. */
  get id(): string {
    return this.#message.id
  }

  /** When nsqd took it: nanoseconds since 1970. */
  get timestamp(): bigint {
    return this.#message.timestamp
  }

  /** Deliveries so far, this one included. */
  get attempts(): number {
    return this.#message.attempts
  }

  /** The nsqd it came from. */
  get nsqd(): string {
    return this.#message.nsqd
  }

  /**
   * What the body says, parsed once.
   *
   * @throws SyntaxError when it is not JSON
   */
  json(): unknown {
    if (!this.#isParsed) {
      this.#json = JSON.parse(this.#body.toString())
      this.#isParsed = true
    }
    return this.#json
  }
}
