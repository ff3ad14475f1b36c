import type { Message } from '../../client/consumer/message.ts'

/** Messages of one topic that are published together, and what is published for them. */
export class Group {
  readonly messages: Message[] = []
  readonly bodies: Buffer[] = []
  /** Of the bodies. */
  bytes = 0
  /** On performance.now(). */
  readonly begunAt: number = performance.now()
  /** Where the bodies of each message end; undefined while each has one. */
  #ends: number[] | undefined

  add(message: Message, body: Buffer): void {
    this.messages.push(message)
    this.bodies.push(body)
    this.bytes += body.length
    this.#ends?.push(this.bodies.length)
  }

  /** A message that becomes several. */
  addAll(message: Message, bodies: readonly Buffer[]): void {
    this.#ends ??= this.bodies.map((_, index) => index + 1)
    this.messages.push(message)
    for (const body of bodies) {
      this.bodies.push(body)
      this.bytes += body.length
    }
    this.#ends.push(this.bodies.length)
  }

  /** The same, each message for itself. */
  split(): Group[] {
    return this.messages.map((message, index) => {
      const start = this.#ends === undefined ? index : index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
      const group = new Group()
      group.addAll(
        message,
        this.bodies.slice(start, this.#ends === undefined ? index + 1 : this.#ends[index]),
      )
      return group
    })
  }
}
