import { crc32 } from 'node:zlib'
import type { Random } from '../storage/random.ts'

const SPACE = 0x20
/** A clock that is being adjusted may differ by this much between two processes, in ms. */
const CLOCK_SLACK_MS = 5

/** What a body says of itself. */
export interface Said {
  number: number
  /** When it was made, in Unix ms. */
  madeAt: number
}

interface Channel {
  /** Acknowledged, and not delivered yet. */
  readonly awaited: Set<number>
  /** Delivered, and not acknowledged yet. */
  readonly early: Set<number>
}

/**
 * The messages of one topic, exactly: each that was acknowledged must come on each channel, unchanged and not before it is
 * due. What has come everywhere is forgotten, so that an hour of it takes no more memory than a minute.
 */
export class Account {
  readonly topic: string
  /** What was wrong, the first few. */
  readonly problems: string[] = []
  published = 0
  failed = 0
  deliveries = 0
  /** Deliveries of messages that had come on their channel before, or of which it is not known whether nsqd has them. */
  repeated = 0
  readonly #underWay = new Set<number>()
  readonly #channels: ReadonlyMap<string, Channel>
  #next = 0

  constructor(topic: string, channels: readonly string[]) {
    this.topic = topic
    this.#channels = new Map(
      channels.map(name => [name, { awaited: new Set<number>(), early: new Set<number>() }]),
    )
  }

  /** A new message: `NUMBER MADE DUE CHECKSUM PADDING`. */
  next(random: Random, deferMs = 0): { number: number; body: Buffer } {
    const number = this.#next++
    this.#underWay.add(number)
    const madeAt = Date.now()
    const size = random.chance(0.002) ? random.int(20_000, 200_000) : random.int(1, 1500)
    const padding = Buffer.alloc(size, `${random.fraction()} and so on, `)
    const head = `${number} ${madeAt} ${madeAt + deferMs}`
    return { number, body: Buffer.concat([Buffer.from(`${head} ${checksum(head, padding)} `), padding]) }
  }

  acknowledged(number: number): void {
    this.#underWay.delete(number)
    this.published++
    for (const { awaited, early } of this.#channels.values()) {
      if (!early.delete(number)) awaited.add(number)
    }
  }

  /** Its publish failed: it may come or not. */
  refused(number: number): void {
    this.#underWay.delete(number)
    this.failed++
    for (const { early } of this.#channels.values()) early.delete(number)
  }

  /** A message has come. Returns what it says, or undefined when it is not one of these. */
  delivered(channelName: string, body: Buffer): Said | undefined {
    const channel = this.#channels.get(channelName)
    const read = readBody(body)
    if (channel === undefined || read === undefined) {
      this.#wrong(`${channelName}: a changed body: ${body.toString('latin1', 0, 60)}`)
      return undefined
    }
    const { number, dueAt } = read
    const earlyMs = dueAt - Date.now()
    if (earlyMs > CLOCK_SLACK_MS) this.#wrong(`${channelName}: message ${number} came ${earlyMs} ms early`)
    this.deliveries++
    if (channel.awaited.delete(number)) return read
    if (this.#underWay.has(number) && !channel.early.has(number)) channel.early.add(number)
    else this.repeated++
    return read
  }

  /** How many were acknowledged and have not come, over all channels. */
  get missing(): number {
    let sum = 0
    for (const { awaited } of this.#channels.values()) sum += awaited.size
    return sum
  }

  /** What is missing, for people. */
  describeMissing(): string {
    return [...this.#channels]
      .filter(([, { awaited }]) => awaited.size > 0)
      .map(
        ([name, { awaited }]) =>
          `${this.topic}/${name}: ${awaited.size} (${[...awaited].slice(0, 5).join()} …)`,
      )
      .join(', ')
  }

  #wrong(what: string): void {
    if (this.problems.length < 10) this.problems.push(`${this.topic}/${what}`)
  }
}

function readBody(body: Buffer): (Said & { dueAt: number }) | undefined {
  let at = -1
  for (let i = 0; i < 4; i++) at = body.indexOf(SPACE, at + 1)
  const [number, madeAt, dueAt, sum] = body.toString('latin1', 0, at).split(' ').map(Number)
  if (number === undefined || madeAt === undefined || dueAt === undefined) return undefined
  if (sum !== checksum(`${number} ${madeAt} ${dueAt}`, body.subarray(at + 1))) return undefined
  return { number, madeAt, dueAt }
}

function checksum(head: string, padding: Buffer): number {
  return crc32(padding, crc32(head))
}
