import fs, { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { decodeMessage } from '../../src/protocol/message.ts'
import { Cursor, type CursorEvents } from '../../src/storage/cursor.ts'
import { MemoryBudget } from '../../src/storage/memory-budget.ts'
import type { Position } from '../../src/storage/position.ts'
import { frameOf, recordLength } from '../../src/storage/record.ts'
import type { Segment } from '../../src/storage/segment.ts'
import { TopicLog } from '../../src/storage/topic-log.ts'

export const MIB = 1024 * 1024

export interface LogFixture {
  maxSegmentBytes?: number
  budget?: MemoryBudget
  segments?: readonly Segment[]
  nodeId?: number
  /** The number of the first new segment. */
  firstNumber?: number
}

/** A log in a folder; without one, in memory. It is closed when the test ends. */
export function openLog(t: TestContext, directory: string | undefined, fixture: LogFixture = {}): TopicLog {
  let number = fixture.firstNumber ?? 1
  const log = new TopicLog(
    {
      directory,
      nodeId: fixture.nodeId ?? 7,
      maxSegmentBytes: fixture.maxSegmentBytes ?? 100 * MIB,
      budget: fixture.budget ?? new MemoryBudget(64 * MIB),
      numbers: { next: () => number++, use: () => undefined },
    },
    fixture.segments,
  )
  t.after(() => log.close())
  return log
}

/** Appends messages, each published at the same time. */
export function append(log: TopicLog, ...bodies: readonly (string | Buffer)[]): void {
  for (const body of bodies) {
    const bytes = Buffer.from(body)
    log.append(bytes, 0, bytes.length, 0x1234, 0x5678)
  }
}

/** Appends messages and commits them. */
export function put(log: TopicLog, ...bodies: readonly (string | Buffer)[]): void {
  append(log, ...bodies)
  log.commit()
}

/** `count` bodies, each with its number. */
export function bodies(count: number, from = 0, pad = 0): string[] {
  return Array.from({ length: count }, (_, i) => `message ${from + i}`.padEnd(pad, '.'))
}

export function startOf(log: TopicLog): Position {
  return { segment: log.first, offset: 0, index: 0 }
}

/** The body of the record at this place of a buffer. */
export function bodyAt(bytes: Buffer, at: number): Buffer {
  const frame = frameOf(bytes, at, 1)
  return decodeMessage(frame, 8, frame.length).body
}

/** A cursor and what happened to it. */
export class Reader implements CursorEvents {
  readonly cursor: Cursor
  readonly failures: Error[] = []
  readonly damage: { offset: number; bytes: number; messages: number }[] = []
  #wake: () => void = () => undefined

  constructor(log: TopicLog, position: Position = startOf(log)) {
    this.cursor = new Cursor(log, this, position)
  }

  readable(): void {
    this.#wake()
  }

  readFailed(cause: Error): void {
    this.failures.push(cause)
    this.#wake()
  }

  damaged(_: Segment, offset: number, bytes: number, messages: number): void {
    this.damage.push({ offset, bytes, messages })
  }

  /** The next message that is to be had at once. */
  next(): string | undefined {
    const { cursor } = this
    if (!cursor.fill() || cursor.block === undefined) return undefined
    const { bytes } = cursor.block
    const body = bodyAt(bytes, cursor.at).toString()
    cursor.advance(recordLength(bytes, cursor.at), 1)
    return body
  }

  /** All messages that are to be had at once, at most `most`. */
  take(most = Infinity): string[] {
    const taken: string[] = []
    while (taken.length < most) {
      const body = this.next()
      if (body === undefined) break
      taken.push(body)
    }
    return taken
  }

  /** Resolves when a read from disk has ended. */
  event(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  /** Reads up to this ordinal, from disk where it must; gives up at a read that fails. */
  async readUntil(ordinal: number): Promise<string[]> {
    const failures = this.failures.length
    const all: string[] = []
    for (;;) {
      const event = this.event()
      all.push(...this.take(ordinal - this.cursor.ordinal))
      if (this.cursor.ordinal >= ordinal) return all
      await event
      if (this.failures.length > failures) return all
    }
  }
}

/** Writes over bytes of a file. */
export function overwrite(path: string, at: number, bytes: string | Buffer): void {
  const fd = openSync(path, 'r+')
  const all = Buffer.from(bytes)
  writeSync(fd, all, 0, all.length, at)
  closeSync(fd)
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

type FileSystem = typeof fs

/** Replaces a function of node:fs, for everybody who imports it, until the test ends or `restore` is called. */
export function replaceFs<K extends keyof FileSystem>(
  t: TestContext,
  name: K,
  make: (original: FileSystem[K]) => unknown,
): () => void {
  const original = fs[name]
  const set = (value: unknown): void => {
    Object.assign(fs, { [name]: value })
    syncBuiltinESMExports()
  }
  set(make(original))
  const restore = (): void => set(original)
  t.after(restore)
  return restore
}

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** The bytes of a folder's files. One that goes while they are counted has none. */
export function bytesIn(folder: string): number {
  const sizes = readdirSync(folder).map(
    name => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0,
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
