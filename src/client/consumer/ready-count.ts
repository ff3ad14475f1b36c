/** What RDY is distributed over: one subscribed connection. */
export interface ReadyTarget {
  /** The most that nsqd accepts on it (`max_rdy_count`); more would be fatal to the connection. */
  readonly maxReady: number
  sendReady(count: number): void
}

/**
 * How long after lowering RDY a message sent under the old count may still arrive. nsqd does not acknowledge RDY, so
 * when there is nothing in hand whose FIN would tell, time has to.
 */
const IN_TRANSIT_MS = 250
/** Of its RDY: with so much in flight a connection may soon get nothing more. As in go-nsq. */
const STARVED_SHARE = 0.85

/**
 * Distributes one budget of messages in flight over all connections with RDY, which nsqd takes as the number of
 * messages it may have in flight on a connection. It does not count down, so RDY is sent only when a share changes.
 *
 * Never is more promised than the budget: a connection whose RDY was lowered still counts with what nsqd may have in
 * flight on it, until its messages are answered, and only what is free then raises another.
 *
 * With more connections than budget, some have RDY 1 and the others 0, and they take turns.
 */
export class ReadyCount {
  readonly #budget: number
  readonly #rotateMs: number
  readonly #maxBytes: number
  /** Of the messages in flight. */
  #bytes = 0
  /** From when there are more bytes than may be, until there are half as many: nothing is handed out. */
  #isFull = false
  /** What may be handed out now: the budget, or less during backoff. */
  #limit: number
  #slots: ReadySlot[] = []
  /** With too many connections: which one's turn comes first. */
  #first = 0
  #rotation: NodeJS.Timeout | undefined
  #isRaiseScheduled = false
  #isClosed = false

  /** `rotateMs`: how long a turn is. `maxBytes`: with more in flight, no messages are asked for. */
  constructor(budget: number, rotateMs: number, maxBytes: number = Number.POSITIVE_INFINITY) {
    this.#budget = budget
    this.#limit = budget
    this.#rotateMs = rotateMs
    this.#maxBytes = maxBytes
  }

  /** Whether a connection gets hardly any messages, or none, until some are answered. */
  get isStarved(): boolean {
    for (const slot of this.#slots) if (slot.isStarved) return true
    return false
  }

  add(target: ReadyTarget): ReadySlot {
    const slot = new ReadySlot(
      target,
      () => this.#raiseLater(),
      bytes => this.#weigh(bytes),
    )
    this.#slots.push(slot)
    this.#distribute()
    return slot
  }

  /** The connection is gone, and what was in flight on it. */
  remove(slot: ReadySlot): void {
    slot.stop()
    this.#slots = this.#slots.filter(other => other !== slot)
    this.#weigh(-slot.bytes)
    this.#distribute()
  }

  /** Sets how much of the budget is handed out; 0 stops every connection. */
  setLimit(limit: number): void {
    this.#limit = Math.min(limit, this.#budget)
    this.#distribute()
  }

  /** Sends nothing any more. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#rotation)
    for (const slot of this.#slots) slot.stop()
  }

  #distribute(): void {
    if (this.#isClosed) return
    const count = this.#slots.length
    const limit = this.#isFull ? 0 : this.#limit
    const mustRotate = count > limit && limit > 0
    if (!mustRotate) {
      clearInterval(this.#rotation)
      this.#rotation = undefined
    } else {
      this.#rotation ??= setInterval(() => this.#rotate(), this.#rotateMs)
    }
    if (mustRotate) {
      this.#first %= count
      for (const [index, slot] of this.#slots.entries()) {
        slot.share = (index - this.#first + count) % count < limit ? 1 : 0
      }
    } else {
      // Those that may have least come first, so that the others get what they leave.
      const slots = this.#slots.toSorted((a, b) => a.maxReady - b.maxReady)
      let rest = limit
      for (const [index, slot] of slots.entries()) {
        slot.share = Math.min(slot.maxReady, Math.ceil(rest / (count - index)))
        rest -= slot.share
      }
    }
    for (const slot of this.#slots) slot.lower()
    this.#raise()
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes
    const isFull = this.#bytes > (this.#isFull ? this.#maxBytes / 2 : this.#maxBytes)
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#distribute()
  }

  #rotate(): void {
    this.#first += this.#limit
    this.#distribute()
  }

  /** Raises whoever has less than its share, as far as the budget is free; first those that have nothing. */
  #raise(): void {
    const wanting = this.#slots.filter(slot => slot.isWanting).sort((a, b) => a.ready - b.ready)
    if (wanting.length === 0) return
    let free = this.#budget
    for (const slot of this.#slots) free -= slot.held
    for (const slot of wanting) free -= slot.raise(Math.max(free, 0))
  }

  #raiseLater(): void {
    if (this.#isRaiseScheduled || !this.#slots.some(slot => slot.isWanting)) return
    this.#isRaiseScheduled = true
    // Once for all the messages that are answered in this turn.
    setImmediate(() => {
      this.#isRaiseScheduled = false
      if (!this.#isClosed) this.#raise()
    })
  }
}

/** One connection's part in the distribution. */
export class ReadySlot {
  /** What RDY should be. Only for ReadyCount. */
  share = 0
  #ready = 0
  // The most that nsqd may have in flight here: never less than RDY, for a while more after RDY was lowered.
  #held = 0
  #inFlight = 0
  #bytes = 0
  #inTransit: NodeJS.Timeout | undefined
  readonly #target: ReadyTarget
  readonly #freed: () => void
  readonly #weigh: (bytes: number) => void

  /** @param weigh - told by how much the bytes in flight have changed */
  constructor(target: ReadyTarget, freed: () => void, weigh: (bytes: number) => void) {
    this.#target = target
    this.#freed = freed
    this.#weigh = weigh
  }

  /** RDY as last sent. */
  get ready(): number {
    return this.#ready
  }

  /** How much of the budget it uses. */
  get held(): number {
    return this.#held
  }

  /** Messages that were received and not yet answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Of the messages in flight. */
  get bytes(): number {
    return this.#bytes
  }

  get isStarved(): boolean {
    return this.#inFlight > 0 && this.#inFlight >= this.#ready * STARVED_SHARE
  }

  get maxReady(): number {
    return this.#target.maxReady
  }

  get isWanting(): boolean {
    return this.share > this.#ready
  }

  /** A message came. */
  received(bytes: number): void {
    this.#inFlight++
    this.#bytes += bytes
    this.#weigh(bytes)
  }

  /** A FIN or REQ was sent. nsqd reads it after the RDY that was sent before it, so it will not send another instead. */
  answered(bytes: number): void {
    this.#inFlight--
    this.#bytes -= bytes
    this.#weigh(-bytes)
    if (this.#held === this.#ready) return
    this.#held--
    this.#freed()
  }

  /** Sends a lower RDY when the share is lower. */
  lower(): void {
    if (this.share >= this.#ready) return
    this.#send(this.share)
    clearTimeout(this.#inTransit)
    this.#inTransit = setTimeout(() => {
      this.#held = Math.max(this.#ready, Math.min(this.#held, this.#inFlight))
      this.#freed()
    }, IN_TRANSIT_MS)
  }

  /** Raises RDY up to the share, with no more than `free` of the budget; returns what it took of that. */
  raise(free: number): number {
    const ready = Math.min(this.share, this.#held + free)
    const taken = Math.max(0, ready - this.#held)
    this.#held += taken
    if (ready > this.#ready) this.#send(ready)
    return taken
  }

  stop(): void {
    clearTimeout(this.#inTransit)
  }

  #send(ready: number): void {
    this.#ready = ready
    this.#target.sendReady(ready)
  }
}
