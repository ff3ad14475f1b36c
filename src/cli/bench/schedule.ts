/** When each command is to be sent: at even distances, whatever became of those before. */
export class Schedule {
  readonly #startedAt: number
  readonly #intervalMs: number

  /**
   * @param startedAt - when the first one is due, in ms
   * @param rate - messages a second; undefined: all are due at once
   * @param batch - messages of a command
   */
  constructor(startedAt: number, rate: number | undefined, batch: number) {
    this.#startedAt = startedAt
    this.#intervalMs = rate === undefined ? 0 : (1000 * batch) / rate
  }

  get isPaced(): boolean {
    return this.#intervalMs > 0
  }

  /** When a command is due, by its number from 0 on. */
  dueAt(index: number): number {
    return this.#startedAt + index * this.#intervalMs
  }
}
