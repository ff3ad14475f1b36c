import { decodeRecord } from '../../archive/jsonl.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { isValidTopicName } from '../../protocol/names.ts'
import { parseRfc3339 } from '../../util/rfc3339.ts'
import type { Pacer } from '../pub/pacer.ts'
import type { Publisher } from '../pub/publisher.ts'
import { plural } from '../units.ts'
import { Marks, type Position } from './marks.ts'
import type { Part, Range } from './parts.ts'
import { readPart } from './read-part.ts'

/** Published together: where a replay goes on is known to so many messages when an nsqd has failed. */
const MOST_AT_ONCE = 1000

/**
 * A record is some times as long as its message where bytes are escaped. What is longer is no message that can be
 * published, and may be the rest of a file that is damaged: that much of it is kept in memory, and no more.
 */
const LARGEST_RECORD = 64 * 1024 * 1024
const ESCAPED = 8

export interface FilePumpOptions {
  readonly parts: readonly Part[]
  readonly start: Position
  readonly range: Range
  /** Bytes of the largest message that may be published. */
  readonly maxMessageBytes: number
  readonly publisher: Publisher
  readonly pacer: Pacer
  readonly signal: AbortSignal
  /** A file is through: so many of its messages were given to be published. */
  readonly done: (part: Part, messages: number) => void
  /** What is wrong with a file. What else is in it is published all the same. */
  readonly damaged: (part: Part, text: string) => void
}

/** Messages of a batch for one topic, and the number of each in its file. */
interface Run {
  readonly topic: string
  readonly bodies: Buffer[]
  readonly numbers: number[]
}

/** Publishes files, one after the other. */
export class FilePump {
  readonly marks: Marks
  /** Files that were read to their end, damaged ones too. */
  files = 0
  bytesRead = 0
  /** Messages that were left out: without a body, and of another time. */
  empty = 0
  outside = 0
  readonly #options: FilePumpOptions
  /** The user wants no more, or nothing more can be published. */
  readonly #stop: AbortSignal
  /** Records of the file that cannot be read, and what is wrong with the first one. */
  #bad: { count: number; first: string } = { count: 0, first: '' }
  /** Messages of the file that are too large, and the number of the first one. */
  #large = { count: 0, first: 0 }
  #given = 0

  constructor(options: FilePumpOptions) {
    this.#options = options
    this.marks = new Marks(options.start)
    this.#stop = AbortSignal.any([options.signal, options.publisher.failure])
  }

  /** Resolves when all is given to the publisher, `signal` is aborted, or the publisher has failed. */
  async run(): Promise<void> {
    const { parts, start, damaged, done } = this.#options
    for (let index = start.file; index < parts.length; index++) {
      const part = parts[index]
      if (part === undefined || this.#stop.aborted) return
      this.#bad = { count: 0, first: '' }
      this.#large = { count: 0, first: 0 }
      this.#given = 0
      try {
        if (!(await this.#publishPart(part, index))) return
      } catch (error) {
        if (!(error instanceof NsqError)) throw error
        // What was read until then is published; the rest of the archive is as good as before.
        damaged(part, error.message)
      }
      this.#tellBad(part)
      this.marks.pass({ file: index + 1, message: 0 })
      this.files++
      done(part, this.#given)
    }
  }

  #tellBad(part: Part): void {
    const { damaged, maxMessageBytes } = this.#options
    const { count, first } = this.#bad
    if (count > 0)
      damaged(part, `${count === 1 ? '' : `${count} of its lines cannot be read, the first is `}${first}`)
    const large = this.#large
    if (large.count > 0) {
      const which = large.count === 1 ? 'record' : `${large.count} records, the first is`
      damaged(
        part,
        `${which} ${large.first}: left out, larger than --max-msg-size allows (${maxMessageBytes} bytes)`,
      )
    }
  }

  /** Whether it came to the end. */
  async #publishPart(part: Part, index: number): Promise<boolean> {
    const { start, publisher, maxMessageBytes, damaged } = this.#options
    const largest = Math.max(LARGEST_RECORD, ESCAPED * maxMessageBytes)
    let skip = index === start.file ? start.message : 0
    let number = 0
    for await (const batch of readPart(part, largest, count => (this.bytesRead += count))) {
      if (this.#stop.aborted) return false
      const before = number
      number += batch.length
      const from = Math.min(skip, batch.length)
      skip -= from
      const runs =
        part.framing === 'jsonl'
          ? this.#records(part, batch, before, from)
          : this.#lines(part, batch, before, from)
      for (const run of runs) if (!(await this.#publish(run, index))) return false
      this.marks.pass({ file: index, message: number })
      await publisher.room()
    }
    if (skip > 0) damaged(part, `it has ${plural(number, 'record')}, fewer than --skip leaves out`)
    return true
  }

  /** @param before - records of the file before this batch */
  #lines(part: Part, batch: readonly Buffer[], before: number, from: number): Run[] {
    const run: Run = { topic: part.topic ?? '', bodies: [], numbers: [] }
    for (let i = from; i < batch.length; i++) this.#add(run, batch[i], before + i + 1)
    return [run]
  }

  #records(part: Part, batch: readonly Buffer[], before: number, from: number): Run[] {
    const runs: Run[] = []
    let run: Run | undefined
    for (let i = from; i < batch.length; i++) {
      const number = before + i + 1
      const record = this.#decode(part, batch[i] ?? Buffer.alloc(0), number)
      if (record === undefined) continue
      if (run?.topic !== record.topic) {
        run = { topic: record.topic, bodies: [], numbers: [] }
        runs.push(run)
      }
      this.#add(run, record.body, number)
    }
    return runs
  }

  #add({ bodies, numbers }: Run, body: Buffer | undefined, number: number): void {
    if (body === undefined || body.length === 0) {
      this.empty++
      return
    }
    if (body.length > this.#options.maxMessageBytes) {
      if (this.#large.count++ === 0) this.#large.first = number
      return
    }
    bodies.push(body)
    numbers.push(number)
  }

  /** Undefined when it is not to be published. */
  #decode(part: Part, line: Buffer, number: number): { topic: string; body: Buffer } | undefined {
    try {
      const { topic, timestamp, body } = decodeRecord(line)
      const target = part.topic ?? topic
      if (target === undefined) throw new RangeError('no "topic", and no --topic for all of them')
      if (!isValidTopicName(target)) throw new RangeError(`"${target}" is not the name of a topic`)
      if (part.isTimed && !this.#isInside(timestamp)) {
        this.outside++
        return undefined
      }
      return { topic: target, body }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      if (this.#bad.count++ === 0) this.#bad.first = `line ${number}: ${errorText(error)}`
      return undefined
    }
  }

  #isInside(timestamp: string | undefined): boolean {
    const ms = timestamp === undefined ? undefined : parseRfc3339(timestamp)
    if (ms === undefined) throw new RangeError('no "timestamp" to go by')
    const { since, until } = this.#options.range
    return ms >= since && ms < until
  }

  /** Whether all of it was given to be published. */
  async #publish({ topic, bodies, numbers }: Run, file: number): Promise<boolean> {
    const { pacer, publisher } = this.#options
    for (let from = 0; from < bodies.length;) {
      const count = await pacer.take(Math.min(bodies.length - from, MOST_AT_ONCE), this.#stop)
      if (count === 0 || publisher.failure.aborted) return false
      const to = from + count
      const passing = count === bodies.length ? bodies : bodies.slice(from, to)
      publisher.publish(topic, passing, this.marks.begin({ file, message: numbers[to - 1] ?? 0 }))
      this.#given += count
      from = to
    }
    return true
  }
}
