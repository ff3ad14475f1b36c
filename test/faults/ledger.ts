import assert from 'node:assert/strict'
import { type ChannelBook, SeriesBook } from './support/ledger-books.ts'
import { type Numbered, decodeNumbered, encodeNumbered, nameOf } from './support/numbered-body.ts'

/** Two processes' clocks may differ by this much; so much too early is not early, in ms. */
const CLOCK_TOLERANCE_MS = 5
/** Faults that are told in full; the rest is counted. */
const MAX_FAULTS_TOLD = 20

export interface LedgerCounts {
  published: number
  acknowledged: number
  /** Deliveries of all kinds, on all channels. */
  delivered: number
  /** Of them, those of a message that the channel had delivered before. */
  redelivered: number
  finished: number
  /** Deliveries of what was finished: only a crash in between allows them. */
  finishedAgain: number
  /** Deliveries of what came again at another place of the log, as it was published more than once. */
  duplicates: number
  crashes: number
}

/** What happened to a message in a channel, until a checkpoint is known to have it. */
interface Unsaved {
  readonly generation: number
  readonly book: ChannelBook
  readonly number: number
  readonly attempts: number
  readonly isFinished: boolean
  /** Unix ms before which it may not come again; 0 for none. */
  readonly dueMs: number
}

interface TopicBook {
  readonly series: Map<string, SeriesBook>
  /** In the order of their generations. */
  unsaved: Unsaved[]
}

/**
 * Accounts for every message of a test: what was published, acknowledged, delivered and finished, and what may still
 * come. It notes what should not have been, so that callbacks need not throw; `check` throws if there is something.
 *
 * Generations count a topic's checkpoints as the caller sees them: what is noted with generation G is in every
 * checkpoint after `saved(topic, G)`, and survives `crashed`. Without a generation it is taken as saved at once, which
 * is right where nsqd never crashes.
 */
export class Ledger {
  readonly #mayRepeat: boolean
  readonly #topics = new Map<string, TopicBook>()
  readonly #faults: string[] = []
  #faultCount = 0
  readonly counts: LedgerCounts = {
    published: 0,
    acknowledged: 0,
    delivered: 0,
    redelivered: 0,
    finished: 0,
    finishedAgain: 0,
    duplicates: 0,
    crashes: 0,
  }

  /** @param mayRepeat - any message may be there twice, as if `repeated` was called for it */
  constructor({ mayRepeat = false } = {}) {
    this.#mayRepeat = mayRepeat
  }

  /**
   * A new message's body: `TOPIC PRODUCER NUMBER DUEMS …padding CRC`.
   *
   * @param dueMs - Unix ms before which it may not come; 0 for at once
   * @param size - of the body in bytes; it may become a little longer, as what it says must have room
   */
  next(topic: string, producer: string, { dueMs = 0, size = 0 } = {}): string {
    const series = this.#series(topic, producer)
    const number = series.add()
    this.counts.published++
    return encodeNumbered({ topic, producer, number, dueMs }, size)
  }

  /** Its publisher got the OK: from now on it must not be lost. */
  acknowledged(body: string): void {
    const found = this.#find(body, 'acknowledged')
    if (found === undefined || found.series.isAcknowledged(found.number)) return
    found.series.acknowledge(found.number)
    this.counts.acknowledged++
  }

  /** It was, or may have been, published more than once: its copies are told from each other no further. */
  repeated(body: string): void {
    const found = this.#find(body, 'repeated')
    found?.series.repeat(found.number)
  }

  /**
   * A consumer got it.
   *
   * @param atMs - Unix ms
   * @param id - its 16 hex digits, if they are to be compared
   * @param generation - the topic's checkpoint that was seen last, if nsqd may crash
   */
  delivered(
    channel: string,
    body: string,
    attempts: number,
    atMs: number,
    { id, generation }: { id?: string; generation?: number } = {},
  ): void {
    this.counts.delivered++
    const found = this.#find(body, `delivered on ${channel}`)
    if (found === undefined) return
    const { series, number, dueMs } = found
    const book = series.channel(channel)
    const isAgain = book.isDelivered(number)
    if (isAgain) this.counts.redelivered++
    const what = (): string => `${nameOf(found)} on ${channel}, attempt ${attempts}`
    const mayRepeat = this.#mayRepeat || series.isRepeated(number)
    // Which of two copies was requeued nobody knows.
    const due = mayRepeat ? dueMs : Math.max(dueMs, book.due(number))
    if (atMs < due - CLOCK_TOLERANCE_MS) this.fault(`${what()}: ${Math.ceil(due - atMs)} ms too early`)
    if (attempts < 1) this.fault(`${what()}: no attempts`)
    if (mayRepeat) {
      if (isAgain) this.counts.duplicates++
      if (id !== undefined) series.setId(number, id)
    } else {
      if (book.isFinished(number)) this.fault(`${what()}: it was finished`)
      else if (book.wasFinished(number)) this.counts.finishedAgain++
      const before = book.attempts(number)
      if (attempts <= before) this.fault(`${what()}: it had ${before} before`)
      if (id !== undefined) {
        const other = series.setId(number, id)
        if (other !== undefined) this.fault(`${what()}: its id is ${id}, and was ${other}`)
      }
    }
    book.deliver(number, attempts)
    this.#note(found, { generation, book, number, attempts, isFinished: false, dueMs: 0 })
  }

  /** A FIN was sent, which nsqd may read or not: it need not come again, and may. */
  finishing(channel: string, body: string): void {
    const found = this.#find(body, `finishing on ${channel}`)
    found?.series.channel(channel).finishing(found.number)
  }

  /**
   * Nsqd is known to have read its FIN, and not to have refused it: it may not come again, but after a crash when no
   * later checkpoint was seen.
   */
  finished(channel: string, body: string, generation?: number): void {
    const found = this.#find(body, `finished on ${channel}`)
    if (found === undefined) return
    const book = found.series.channel(channel)
    if (!book.isFinished(found.number)) this.counts.finished++
    book.finish(found.number)
    const attempts = book.attempts(found.number)
    this.#note(found, { generation, book, number: found.number, attempts, isFinished: true, dueMs: 0 })
  }

  /** Nsqd is known to have read its REQ: it may not come again before this time, in Unix ms. */
  requeued(channel: string, body: string, dueMs: number, generation?: number): void {
    const found = this.#find(body, `requeued on ${channel}`)
    if (found === undefined) return
    const book = found.series.channel(channel)
    book.defer(found.number, dueMs)
    const attempts = book.attempts(found.number)
    this.#note(found, { generation, book, number: found.number, attempts, isFinished: false, dueMs })
  }

  /** What was noted with this generation or an earlier one is kept, whatever happens: without one, everything is. */
  saved(topic: string, generation = Infinity): void {
    const book = this.#topics.get(topic)
    if (book === undefined) return
    const end = book.unsaved.findIndex(entry => entry.generation > generation)
    for (const entry of book.unsaved.splice(0, end === -1 ? book.unsaved.length : end)) {
      entry.book.save(entry.number, entry.attempts, entry.isFinished, entry.dueMs)
    }
  }

  /** Nsqd was killed: what is not known to be saved may be forgotten. Of all topics, or these. */
  crashed(topics: Iterable<string> = this.#topics.keys()): void {
    this.counts.crashes++
    for (const topic of topics) {
      const book = this.#topics.get(topic)
      if (book === undefined) continue
      for (const entry of book.unsaved.splice(0)) entry.book.rollBack(entry.number)
    }
  }

  /** Of what was acknowledged, a fault may have taken all but these: `TOPIC PRODUCER NUMBER` of each. */
  onlyKept(kept: ReadonlySet<string>): void {
    for (const [topic, { series }] of this.#topics) {
      for (const [producer, book] of series) {
        for (let number = 0; number < book.count; number++) {
          if (book.isAcknowledged(number) && !kept.has(nameOf({ topic, producer, number })))
            book.withdraw(number)
        }
      }
    }
  }

  /** What was acknowledged must be among these: `TOPIC PRODUCER NUMBER` of each. */
  checkKept(kept: ReadonlySet<string>): void {
    for (const [topic, { series }] of this.#topics) {
      for (const [producer, book] of series) {
        for (let number = 0; number < book.count; number++) {
          const what = nameOf({ topic, producer, number })
          if (book.isAcknowledged(number) && !kept.has(what))
            this.fault(`${what}: acknowledged, but not kept`)
        }
      }
    }
  }

  /** The topic was deleted, with all that was in it: what comes of it later is unknown. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  /** Acknowledged messages that this channel has not delivered: `TOPIC PRODUCER NUMBER` of each. */
  missing(topic: string, channel: string): string[] {
    const missing: string[] = []
    for (const [producer, series] of this.#topics.get(topic)?.series ?? []) {
      const book = series.channel(channel)
      for (let number = 0; number < series.count; number++) {
        if (series.isAcknowledged(number) && !book.isDelivered(number)) {
          missing.push(nameOf({ topic, producer, number }))
        }
      }
    }
    return missing
  }

  /** Acknowledged messages that nobody has tried to finish on this channel, though they came: such must come again. */
  forgotten(topic: string, channel: string): string[] {
    const forgotten: string[] = []
    for (const [producer, series] of this.#topics.get(topic)?.series ?? []) {
      const book = series.channel(channel)
      for (let number = 0; number < series.count; number++) {
        if (series.isAcknowledged(number) && book.isDelivered(number) && !book.mayBeGone(number)) {
          forgotten.push(nameOf({ topic, producer, number }))
        }
      }
    }
    return forgotten
  }

  /** How many `missing` would give. */
  missingCount(topic: string, channel: string): number {
    let count = 0
    for (const series of this.#topics.get(topic)?.series.values() ?? []) count += series.missingCount(channel)
    return count
  }

  /** Acknowledged messages that this channel has not finished. */
  unfinishedCount(topic: string, channel: string): number {
    let count = 0
    for (const series of this.#topics.get(topic)?.series.values() ?? []) {
      count += series.unfinishedCount(channel)
    }
    return count
  }

  /** Notes that something was not as it must be. */
  fault(text: string): void {
    this.#faultCount++
    if (this.#faults.length < MAX_FAULTS_TOLD) this.#faults.push(text)
  }

  /** Throws when something was noted that must not be, or when two messages had one id. */
  check(): void {
    this.#checkIds()
    const told = this.#faults.map(fault => `\n  ${fault}`).join('')
    assert.equal(this.#faultCount, 0, `${this.#faultCount} faults:${told}`)
  }

  /** Notes what was acknowledged and has not come on one of these channels, or has come and was never finished. */
  mustBeComplete(topic: string, channels: Iterable<string>): void {
    for (const channel of channels) {
      this.#mustBeNone('missing', topic, channel, this.missing(topic, channel))
      this.#mustBeNone('forgotten', topic, channel, this.forgotten(topic, channel))
    }
  }

  /** The same, and throws when there is such a message, or another fault. */
  checkComplete(topic: string, channels: Iterable<string>): void {
    this.mustBeComplete(topic, channels)
    this.check()
  }

  #mustBeNone(what: string, topic: string, channel: string, names: readonly string[]): void {
    if (names.length === 0) return
    this.fault(`${names.length} ${what} on ${topic} ${channel}: ${names.slice(0, 5).join(', ')} …`)
  }

  /** The counts, in a line. */
  toString(): string {
    return Object.entries(this.counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')
  }

  #note(
    { topic }: { topic: string },
    { generation, ...entry }: Omit<Unsaved, 'generation'> & { generation: number | undefined },
  ): void {
    if (generation === undefined) {
      entry.book.save(entry.number, entry.attempts, entry.isFinished, entry.dueMs)
    } else {
      this.#topics.get(topic)?.unsaved.push({ generation, ...entry })
    }
  }

  /** The message that this body is, unless it is none that was ever made. */
  #find(body: string, what: string): (Numbered & { series: SeriesBook }) | undefined {
    const numbered = decodeNumbered(body)
    if (numbered === undefined) {
      this.fault(`${what}: changed bytes: ${JSON.stringify(body.slice(0, 100))}, ${body.length} characters`)
      return undefined
    }
    const series = this.#topics.get(numbered.topic)?.series.get(numbered.producer)
    if (series === undefined || numbered.number >= series.count) {
      this.fault(`${what}: unknown: ${nameOf(numbered)}`)
      return undefined
    }
    return { ...numbered, series }
  }

  #series(topic: string, producer: string): SeriesBook {
    let book = this.#topics.get(topic)
    if (book === undefined) {
      book = { series: new Map(), unsaved: [] }
      this.#topics.set(topic, book)
    }
    let series = book.series.get(producer)
    if (series === undefined) {
      series = new SeriesBook()
      book.series.set(producer, series)
    }
    return series
  }

  #checkIds(): void {
    for (const [topic, { series }] of this.#topics) {
      const ids = [...series.values()].flatMap(one => one.ids())
      const seen = new Set(ids)
      if (seen.size < ids.length) this.fault(`${topic}: ${ids.length - seen.size} ids were given twice`)
    }
  }
}
