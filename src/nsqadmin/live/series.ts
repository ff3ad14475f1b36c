interface TopicSeries {
  number: number
  readonly channels: Map<string, number>
}

interface Series {
  readonly topic: string
  /** Undefined for the topic itself. */
  readonly channel: string | undefined
  /** The look in which it got its number. */
  readonly since: number
  lastLook: number
  lastSeenMs: number
}

/** What a series is given that there is no room for. */
export const NO_SERIES = -1

/**
 * Gives every topic and channel of the cluster a number, which is its place in arrays. There are `limit` at most; when
 * there is no room, those go that are gone from the cluster, the longest gone first, and the rest gets no number.
 */
export class SeriesTable {
  readonly #limit: number
  readonly #topics = new Map<string, TopicSeries>()
  readonly #series: (Series | undefined)[] = []
  readonly #free: number[] = []
  /** Numbers that may be taken away in this look, the first to go last; made when it is needed. */
  #gone: number[] | undefined
  #look = 0
  #nowMs = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Numbers given so far are below this. */
  get size(): number {
    return this.#series.length
  }

  /** The number of the look that is under way. */
  get look(): number {
    return this.#look
  }

  /** A look at the whole cluster begins. Forgets what was not seen for `keepMs`. */
  begin(nowMs: number, keepMs: number): void {
    this.#look++
    this.#nowMs = nowMs
    this.#gone = undefined
    for (const [number, series] of this.#series.entries()) {
      if (series !== undefined && nowMs - series.lastSeenMs > keepMs) this.#forget(number, series)
    }
  }

  /** The number of a topic that is there in this look. */
  topic(name: string): number {
    const known = this.find(name)
    if (known !== NO_SERIES) return this.#seen(known)
    const number = this.#take(name, undefined)
    if (number !== NO_SERIES) this.#entry(name).number = number
    return number
  }

  /** The same of a channel. */
  channel(topic: string, name: string): number {
    const known = this.find(topic, name)
    if (known !== NO_SERIES) return this.#seen(known)
    const number = this.#take(topic, name)
    if (number !== NO_SERIES) this.#entry(topic).channels.set(name, number)
    return number
  }

  /** The number that a topic, or its channel, has got; `NO_SERIES` without one. */
  find(topicName: string, channel?: string): number {
    const topic = this.#topics.get(topicName)
    return (channel === undefined ? topic?.number : topic?.channels.get(channel)) ?? NO_SERIES
  }

  /** The look in which the number was given to who has it now. */
  since(number: number): number {
    return this.#series[number]?.since ?? Infinity
  }

  #entry(name: string): TopicSeries {
    let entry = this.#topics.get(name)
    if (entry === undefined) this.#topics.set(name, (entry = { number: NO_SERIES, channels: new Map() }))
    return entry
  }

  #seen(number: number): number {
    const series = this.#series[number]
    if (series !== undefined) {
      series.lastLook = this.#look
      series.lastSeenMs = this.#nowMs
    }
    return number
  }

  #take(topic: string, channel: string | undefined): number {
    let number = this.#free.pop()
    if (number === undefined && this.#series.length < this.#limit) number = this.#series.push(undefined) - 1
    number ??= this.#evict()
    if (number === undefined) return NO_SERIES
    const [look, nowMs] = [this.#look, this.#nowMs]
    this.#series[number] = { topic, channel, since: look, lastLook: look, lastSeenMs: nowMs }
    return number
  }

  /** One that the look before did not see either: what this look has still to come to was there then. */
  #evict(): number | undefined {
    if (this.#gone === undefined) {
      const seen = (number: number): number => this.#series[number]?.lastLook ?? 0
      this.#gone = [...this.#series.keys()]
        .filter(number => seen(number) < this.#look - 1)
        .sort((a, b) => seen(b) - seen(a))
    }
    for (;;) {
      const number = this.#gone.pop()
      if (number === undefined) return undefined
      const series = this.#series[number]
      // It may have come back in this look.
      if (series === undefined || series.lastLook === this.#look) continue
      this.#forget(number, series)
      this.#free.pop()
      return number
    }
  }

  #forget(number: number, { topic: topicName, channel }: Series): void {
    this.#series[number] = undefined
    this.#free.push(number)
    const topic = this.#topics.get(topicName)
    if (topic === undefined) return
    if (channel === undefined) topic.number = NO_SERIES
    else topic.channels.delete(channel)
    if (topic.number === NO_SERIES && topic.channels.size === 0) this.#topics.delete(topicName)
  }
}
