const MiB = 1024 * 1024

/** With more bytes than this still to be sent to a client, no more is sent to it or read from it until they are gone. */
const MOST = MiB
/** The same while much waits over all. A socket with less than this never says that it has drained. */
export const LEAST = 64 * 1024
/** How much may wait over all connections before each has to do with less. */
const MUCH = 64 * MiB

/** What waits for clients that are slow to read, over all connections of an nsqd. */
export class Unsent {
  #bytes = 0

  /** Some more bytes wait, or less when it is negative. */
  change(by: number): void {
    this.#bytes += by
  }

  get isMuch(): boolean {
    return this.#bytes >= MUCH
  }

  /** How much may wait for one client, in bytes. */
  get share(): number {
    return this.isMuch ? LEAST : MOST
  }
}
