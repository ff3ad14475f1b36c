import type { PublishTarget } from '../../src/cli/pub/publisher.ts'

/** Takes batches, and answers when told to. */
export class FakeTarget implements PublishTarget {
  readonly batches: { topic: string; bodies: string[]; defer: number | undefined }[] = []
  /** Answers at once when set. */
  answersAtOnce = false
  readonly #replies: { resolve: () => void; reject: (error: Error) => void }[] = []

  publishBatch(topic: string, bodies: readonly Buffer[], { defer }: { defer?: number }): Promise<void> {
    this.batches.push({ topic, bodies: bodies.map(body => body.toString('latin1')), defer })
    if (this.answersAtOnce) return Promise.resolve()
    return new Promise((resolve, reject) => this.#replies.push({ resolve, reject }))
  }

  room(): Promise<void> {
    return Promise.resolve()
  }

  acknowledge(): void {
    this.#replies.shift()?.resolve()
  }

  refuse(error: Error): void {
    this.#replies.shift()?.reject(error)
  }
}
