import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type ArchiveFiles, MissingFile } from '../../../src/archive/archive-files.ts'
import { type Compression, loadCompression } from '../../../src/archive/compression.ts'
import { encodeRecord } from '../../../src/archive/jsonl.ts'
import type { FramingName } from '../../../src/archive/record-format.ts'
import { Pacer } from '../../../src/cli/pub/pacer.ts'
import { Publisher } from '../../../src/cli/pub/publisher.ts'
import { FilePump } from '../../../src/cli/replay/file-pump.ts'
import { Marks, type Position } from '../../../src/cli/replay/marks.ts'
import { ALWAYS, type Part, type Range } from '../../../src/cli/replay/parts.ts'
import { PublishError } from '../../../src/client/errors.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { until } from '../../support/wait.ts'
import { FakeTarget } from '../fake-target.ts'

const NOON = Date.parse('2026-01-02T12:00:00Z')

/** Files in memory. */
class Memory implements ArchiveFiles {
  readonly location = 'memory'
  readonly #contents: ReadonlyMap<string, Buffer>
  readonly #chunkBytes: number

  constructor(contents: ReadonlyMap<string, Buffer>, chunkBytes: number) {
    this.#contents = contents
    this.#chunkBytes = chunkBytes
  }

  async *list(): AsyncGenerator<string> {
    yield* await Promise.resolve(this.#contents.keys())
  }

  async *read(name: string): AsyncGenerator<Buffer> {
    const bytes = await Promise.resolve(this.#contents.get(name))
    if (bytes === undefined) throw new MissingFile(name)
    const step = this.#chunkBytes
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
  }

  close(): void {}
}

interface FileOf {
  content: string | Buffer
  framing?: FramingName
  compression?: Compression['name']
  topic?: string
  isTimed?: boolean
  /** What its manifest says, unless it is as it is. */
  listed?: { messages?: number; sha256?: string; bytes?: number }
}

async function partsOf(given: Readonly<Record<string, FileOf>>, chunkBytes = 10): Promise<Part[]> {
  const files = new Memory(
    new Map(Object.entries(given).map(([name, { content }]) => [name, Buffer.from(content)])),
    chunkBytes,
  )
  return Promise.all(
    Object.entries(given).map(async ([name, file]): Promise<Part> => {
      const { content, framing = 'lines', compression = 'none', topic, listed } = file
      const bytes = Buffer.from(content)
      const fact = {
        file: name,
        topic: topic ?? '',
        framing,
        compression,
        messages: 0,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        from: undefined,
        to: undefined,
      }
      return {
        location: `memory/${name}`,
        files,
        name,
        framing,
        compression: await loadCompression(compression),
        topic,
        isTimed: file.isTimed ?? false,
        listed: listed === undefined ? undefined : { ...fact, ...listed },
      }
    }),
  )
}

interface Setup {
  start?: { file: number; message: number }
  range?: Range
  rate?: number
  maxMessageBytes?: number
  /** How much of a file is read at once. */
  chunkBytes?: number
  target?: FakeTarget
}

async function setUp(given: Readonly<Record<string, FileOf>>, setup: Setup = {}) {
  const target = setup.target ?? new FakeTarget()
  if (setup.target === undefined) target.answersAtOnce = true
  const publisher = new Publisher(target, 0)
  const stop = new AbortController()
  const damaged: string[] = []
  const done: [location: string, messages: number][] = []
  const pump = new FilePump({
    parts: await partsOf(given, setup.chunkBytes),
    start: setup.start ?? { file: 0, message: 0 },
    range: setup.range ?? ALWAYS,
    maxMessageBytes: setup.maxMessageBytes ?? 1024 * 1024,
    publisher,
    pacer: new Pacer(setup.rate ?? 0),
    signal: stop.signal,
    done: ({ location }, messages) => done.push([location, messages]),
    damaged: ({ location }, text) => damaged.push(`${location}: ${text}`),
  })
  const published = (): string[] =>
    target.batches.flatMap(({ topic, bodies }) => bodies.map(body => `${topic} ${body}`))
  return { pump, publisher, target, stop, damaged, done, published }
}

function record(topic: string, body: string, ms: number = NOON): string {
  const timestamp = BigInt(ms) * 1_000_000n
  const id = '0123456789abcdef'
  return `${encodeRecord({ topic, id, timestamp, attempts: 1, nsqd: '', body: Buffer.from(body) })}\n`
}

describe('files are published', () => {
  test('one after the other, each in its order, however they are written', async () => {
    const length = Buffer.from([0, 0, 0, 2, 104, 105, 0, 0, 0, 3, 10, 0, 255])
    const { pump, done, damaged, published } = await setUp({
      a: { content: 'one\ntwo\n\nthree\n', topic: 't' },
      b: { content: 'a\\nb\n', framing: 'escaped', topic: 't' },
      c: { content: length, framing: 'length', topic: 'u' },
      d: {
        content: gzipSync(record('v', 'x') + record('v', '') + record('w', 'y\n')),
        framing: 'jsonl',
        compression: 'gzip',
      },
      e: { content: record('v', 'z'), framing: 'jsonl', topic: 'own' },
      f: { content: '', topic: 't' },
    })
    await pump.run()
    const expected = ['t one', 't two', 't three', 't a\nb', 'u hi', 'u \n\0\xff', 'v x', 'w y\n', 'own z']
    assert.deepEqual(published(), expected)
    assert.deepEqual(damaged, [])
    assert.deepEqual([pump.files, pump.empty, pump.outside], [6, 2, 0])
    assert.deepEqual(pump.marks.reached, { file: 6, message: 0 })
    assert.deepEqual(
      done.map(([location, messages]) => `${location} ${messages}`),
      ['memory/a 3', 'memory/b 1', 'memory/c 2', 'memory/d 2', 'memory/e 1', 'memory/f 0'],
    )
  })

  test('from a place on', async () => {
    const files = {
      a: { content: 'one\ntwo\n', topic: 't' },
      b: { content: 'three\n\nfive\nsix\n', topic: 't' },
      c: { content: 'seven\neight\n', topic: 't' },
    }
    for (const [message, rest] of [
      [0, ['t three', 't five', 't six']],
      [1, ['t five', 't six']],
      [3, ['t six']],
      [4, []],
      [9, []],
    ] as const) {
      const { pump, published } = await setUp(files, { start: { file: 1, message } })
      await pump.run()
      assert.deepEqual(published(), [...rest, 't seven', 't eight'])
    }
  })

  test('by the time of their messages', async () => {
    const records =
      record('t', 'a', NOON - 1) +
      record('t', 'b', NOON) +
      record('t', 'c', NOON + 999) +
      record('t', 'd', NOON + 1000)
    const foreign =
      '{"topic":"t","timestamp":"2026-01-02T13:00:00+01:00","body":"e"}\n{"topic":"t","body":"f"}\n'
    const { pump, published, damaged } = await setUp(
      {
        a: { content: records + foreign, framing: 'jsonl', isTimed: true },
        b: { content: record('t', 'whole', 0), framing: 'jsonl' },
      },
      { range: { since: NOON, until: NOON + 1000 } },
    )
    await pump.run()
    assert.deepEqual(published(), ['t b', 't c', 't e', 't whole'])
    assert.equal(pump.outside, 2)
    assert.deepEqual(damaged, ['memory/a: line 6: no "timestamp" to go by'])
  })

  test('at a rate', async () => {
    const { pump, published, stop } = await setUp({ a: { content: 'a\nb\nc\n', topic: 't' } }, { rate: 1 })
    const running = pump.run()
    await until(() => published().length === 1)
    stop.abort()
    await running
    assert.deepEqual(published(), ['t a'])
    assert.deepEqual(pump.marks.reached, { file: 0, message: 1 })
  })
})

describe('what is damaged is named, and the rest is published', () => {
  test('a file that is torn, does not decompress, or is not there', async () => {
    const whole = gzipSync('one\n'.repeat(100))
    const { pump, published, damaged } = await setUp({
      a: { content: 'one\ntw', topic: 't' },
      b: {
        content: Buffer.concat([gzipSync('three\n'), whole.subarray(0, 20)]),
        compression: 'gzip',
        topic: 't',
      },
      c: { content: Buffer.from([0, 0, 0, 2, 104, 105, 0, 0]), framing: 'length', topic: 't' },
      d: { content: 'a\nb\\x\nc\n', framing: 'escaped', topic: 't' },
      e: { content: 'last\n', topic: 't' },
    })
    await pump.run()
    assert.equal(published().at(-1), 't last')
    assert.ok(
      published().includes('t one') && published().includes('t three') && published().includes('t hi'),
    )
    assert.equal(damaged.length, 4, damaged.join('\n'))
    assert.match(damaged[0] ?? '', /^memory\/a: the last record is torn/)
    assert.match(damaged[1] ?? '', /^memory\/b: /)
    assert.deepEqual([pump.files, pump.marks.reached], [5, { file: 5, message: 0 }])
  })

  test('a file that is not as its manifest says', async () => {
    const { pump, published, damaged } = await setUp({
      good: { content: 'a\n', topic: 't', listed: { messages: 1 } },
      bytes: { content: 'b\n', topic: 't', listed: { messages: 1, bytes: 3 } },
      sha: { content: 'c\n', topic: 't', listed: { messages: 1, sha256: '0'.repeat(64) } },
      count: { content: 'd\n', topic: 't', listed: { messages: 2 } },
      lines: { content: 'e\ne\n', topic: 't', listed: { messages: 1 } },
      escaped: { content: 'f\nf\n', framing: 'escaped', topic: 't', listed: { messages: 1 } },
    })
    await pump.run()
    assert.deepEqual(published(), ['t a', 't b', 't c', 't d', 't e', 't e', 't f', 't f'])
    assert.deepEqual(damaged, [
      'memory/bytes: it has 2 bytes, and not 3 as its manifest says',
      'memory/sha: its bytes are not those that were written (sha256)',
      'memory/count: it has 1 messages, and not 2 as its manifest says',
      'memory/escaped: it has 2 messages, and not 1 as its manifest says',
    ])
  })

  test('a file that is gone', async () => {
    const parts = await partsOf({
      gone: { content: 'a\n', topic: 't' },
      there: { content: 'b\n', topic: 't' },
    })
    const target = new FakeTarget()
    target.answersAtOnce = true
    const damaged: string[] = []
    const pump = new FilePump({
      parts: parts.map(part => (part.name === 'gone' ? { ...part, name: 'nowhere' } : part)),
      start: { file: 0, message: 0 },
      range: ALWAYS,
      maxMessageBytes: 1024,
      publisher: new Publisher(target, 0),
      pacer: new Pacer(0),
      signal: new AbortController().signal,
      done: () => {},
      damaged: (_, text) => damaged.push(text),
    })
    await pump.run()
    assert.deepEqual(damaged, ['it is not there'])
    assert.equal(target.batches.length, 1)
  })

  test('messages that are too large, and the rest of what is no archive', async () => {
    const huge = Buffer.alloc(64 * 1024 * 1024 + 1, 'x')
    const setup = await setUp(
      {
        a: { content: 'one\nlarge\nlarger\ntwo\n', topic: 't' },
        b: { content: `${record('t', 'large')}${record('t', 'ok')}`, framing: 'jsonl' },
        c: { content: Buffer.concat([Buffer.from('ok\n'), huge, Buffer.from('\nlost\n')]), topic: 't' },
      },
      { maxMessageBytes: 4, chunkBytes: 1024 * 1024 },
    )
    await setup.pump.run()
    assert.deepEqual(setup.published(), ['t one', 't two', 't ok', 't ok'])
    assert.deepEqual(setup.damaged, [
      'memory/a: 2 records, the first is 2: left out, larger than --max-msg-size allows (4 bytes)',
      'memory/b: record 1: left out, larger than --max-msg-size allows (4 bytes)',
      'memory/c: it is larger than 67108864 bytes',
    ])
    assert.deepEqual(setup.pump.marks.reached, { file: 3, message: 0 })
  })

  test('fewer than are to be left out', async () => {
    const { pump, damaged, published } = await setUp(
      { a: { content: '1\n2\n', topic: 't' }, b: { content: '3\n', topic: 't' } },
      { start: { file: 0, message: 3 } },
    )
    await pump.run()
    assert.deepEqual(published(), ['t 3'])
    assert.deepEqual(damaged, ['memory/a: it has 2 records, fewer than --skip leaves out'])
  })

  test('lines that are no records', async () => {
    const bad = `${record('t', 'a')}{"topic":"t"}\nnonsense\n{"body":"x"}\n{"topic":"a b","body":"x"}\n${record('t', 'b')}`
    const { pump, published, damaged } = await setUp({ a: { content: bad, framing: 'jsonl' } })
    await pump.run()
    assert.deepEqual(published(), ['t a', 't b'])
    assert.deepEqual(damaged, [
      'memory/a: 4 of its lines cannot be read, the first is line 2: neither "body" nor "body_base64"',
    ])
  })
})

test('when an nsqd has failed, it is known up to where all is published', async () => {
  const target = new FakeTarget()
  const { pump, publisher } = await setUp(
    {
      a: { content: 'one\n', topic: 't' },
      b: { content: 'x1\nx2\nx3\nx4\nx5\nx6\nx7\nx8\n', topic: 't' },
      c: { content: 'last\n', topic: 't' },
    },
    { target },
  )
  await pump.run()
  const batches = target.batches.map(({ bodies }) => bodies.join())
  assert.equal(batches[0], 'one')
  assert.ok(batches.length > 4, batches.join(' '))
  assert.deepEqual(pump.marks.reached, { file: 0, message: 0 })
  target.acknowledge()
  assert.ok(publisher.error === undefined)
  target.acknowledge()
  target.refuse(new PublishError(new NsqError('E_DISCONNECTED', 'gone'), 1))
  // What arrived after it changes nothing: it would be left out.
  batches.slice(3).forEach(() => target.acknowledge())
  await publisher.finish()
  assert.deepEqual(pump.marks.reached, { file: 1, message: batches[1]?.split(',').length })
  assert.match(String(publisher.error), /gone/)
})

test('nothing is read any more when an nsqd has failed', async () => {
  const target = new FakeTarget()
  const { pump, publisher, published } = await setUp(
    { a: { content: 'a\nb\nc\n', topic: 't' } },
    { target, rate: 1 },
  )
  const running = pump.run()
  await until(() => published().length === 1)
  target.refuse(new NsqError('E_DISCONNECTED', 'gone'))
  await running
  await publisher.finish()
  assert.deepEqual(published(), ['t a'])
  assert.deepEqual(pump.marks.reached, { file: 0, message: 0 })
})

function at(file: number, message: number): Position {
  return { file, message }
}

test('a replay goes on behind what is acknowledged without a gap', () => {
  const marks = new Marks(at(1, 5))
  assert.deepEqual(marks.reached, at(1, 5))
  const first = marks.begin(at(1, 10))
  const second = marks.begin(at(1, 20))
  second()
  assert.deepEqual(marks.reached, at(1, 5))
  marks.pass(at(1, 22))
  marks.pass(at(2, 0))
  const third = marks.begin(at(2, 7))
  first()
  assert.deepEqual(marks.reached, at(2, 0))
  marks.pass(at(2, 9))
  assert.deepEqual(marks.reached, at(2, 0))
  third()
  assert.deepEqual(marks.reached, at(2, 9))
})

test('what needs not be published is behind it at once', () => {
  const marks = new Marks(at(0, 0))
  marks.pass(at(0, 3))
  marks.pass(at(1, 0))
  assert.deepEqual(marks.reached, at(1, 0))
  const publish = marks.begin(at(1, 1))
  marks.pass(at(1, 4))
  marks.pass(at(2, 0))
  assert.deepEqual(marks.reached, at(1, 0))
  publish()
  assert.deepEqual(marks.reached, at(2, 0))
})
