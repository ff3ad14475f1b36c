import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { encodeRecord } from '../../src/archive/jsonl.ts'
import { DelimitedFraming, type Framing, LengthFraming, UnescapedFraming } from '../../src/archive/framing.ts'
import { Pacer } from '../../src/cli/pub/pacer.ts'
import { Publisher } from '../../src/cli/pub/publisher.ts'
import { Pump } from '../../src/cli/pub/pump.ts'
import { FakeTarget } from './fake-target.ts'

interface Setup {
  topic?: string
  isJsonl?: boolean
  rate?: number
  framing?: Framing
  input?: Readable
}

function records(): Framing {
  return new DelimitedFraming(Buffer.from('\n'), 1000, true)
}

function line(topic: string, body: string): string {
  const bytes = Buffer.from(body, 'latin1')
  return `${encodeRecord({ topic, id: '', timestamp: 0n, attempts: 1, nsqd: '', body: bytes })}\n`
}

function setUp(
  chunks: (string | Buffer)[],
  { topic, isJsonl = false, rate = 0, framing, input }: Setup = {},
) {
  const target = new FakeTarget()
  target.answersAtOnce = true
  const publisher = new Publisher(target, 0)
  const stop = new AbortController()
  const pump = new Pump({
    input: input ?? Readable.from(chunks.map(chunk => Buffer.from(chunk))),
    framing: framing ?? new DelimitedFraming(Buffer.from('\n'), 100),
    unit: 'line',
    topic,
    isJsonl,
    publisher,
    pacer: new Pacer(rate),
    signal: stop.signal,
  })
  const published = (): [string, string][] =>
    target.batches.flatMap(({ topic, bodies }) => bodies.map((body): [string, string] => [topic, body]))
  return { pump, publisher, target, stop, published }
}

describe('Pump', () => {
  test('publishes each line and counts the empty ones', async () => {
    const { pump, publisher, published } = setUp(['one\ntw', 'o\n\nthree\n', '\nfour'], { topic: 't' })
    await pump.run()
    await publisher.finish()
    assert.deepEqual(published(), [
      ['t', 'one'],
      ['t', 'two'],
      ['t', 'three'],
      ['t', 'four'],
    ])
    assert.equal(pump.empty, 2)
  })

  test('publishes records to their own topics, in runs', async () => {
    const input = [line('t', 'a') + line('t', '\xff') + line('u', '') + line('u', 'b') + line('t', 'c')]
    const { pump, target } = setUp(input, { isJsonl: true, framing: records() })
    await pump.run()
    assert.deepEqual(
      target.batches.map(({ topic, bodies }) => [topic, ...bodies]),
      [
        ['t', 'a', '\xff'],
        ['u', 'b'],
        ['t', 'c'],
      ],
    )
    assert.equal(pump.empty, 1)
  })

  test('--topic wins over those of the records', async () => {
    const { pump, published } = setUp(['{"topic":"a","body":"x"}\n{"body":"y"}'], {
      isJsonl: true,
      topic: 't',
    })
    await pump.run()
    assert.deepEqual(published(), [
      ['t', 'x'],
      ['t', 'y'],
    ])
  })

  const bad: [name: string, lines: string, setup: Setup, published: number, message: RegExp][] = [
    [
      'a line that is no record',
      '{"body":"a"}\n\nnope\n',
      { isJsonl: true, topic: 't', framing: records() },
      1,
      /^line 3 of the input: not JSON/,
    ],
    [
      'a record with a topic that is none',
      '{"topic":"t","body":"a"}\n{"topic":"no such","body":"b"}\n',
      { isJsonl: true, framing: records() },
      1,
      /^line 2 of the input: "no such" is not the name of a topic/,
    ],
    [
      'a record without a topic',
      '{"topic":"t","body":"a"}\n{"body":"b"}\n',
      { isJsonl: true },
      1,
      /^line 2 .*no "topic"/,
    ],
    [
      'a line that is too long',
      `a\nb\n${'x'.repeat(101)}\n`,
      { topic: 't' },
      2,
      /^line 3 .*larger than 100 bytes/,
    ],
    [
      'an escape that is none',
      'a\\n\n\nb\\q\n\nc\n',
      { topic: 't', framing: new UnescapedFraming(Buffer.from('\n'), 100) },
      1,
      /^line 3 of the input: \\q is no escape/,
    ],
    [
      'a torn last message',
      '\0\0\0\x01a\0\0\0\x05b',
      { topic: 't', framing: new LengthFraming(9) },
      1,
      /^line 2 .*ends after 1 of 5/,
    ],
  ]
  for (const [name, lines, setup, count, message] of bad) {
    test(`refuses ${name}, after publishing what came before`, async () => {
      const { pump, published } = setUp([lines], setup)
      await assert.rejects(pump.run(), (error: Error) => message.test(error.message))
      assert.equal(published().length, count)
    })
  }

  test('stops reading after a failure', async () => {
    let chunks = 0
    const input = Readable.from(
      (async function* () {
        for (; chunks < 1000; chunks++) {
          await new Promise(resolve => setImmediate(resolve))
          yield Buffer.from('a\n')
        }
      })(),
    )
    const { pump, target, publisher } = setUp([], { topic: 't', input })
    target.answersAtOnce = false
    const running = pump.run()
    while (target.batches.length === 0) await new Promise(resolve => setImmediate(resolve))
    target.refuse(new Error('no'))
    await running
    assert.ok(chunks < 1000)
    assert.match(String(publisher.error), /no/)
  })

  test('stops after a failure although the input is silent', async () => {
    const silent = new Readable({ read() {} })
    silent.push('a\n')
    const { pump, target, publisher } = setUp([], { topic: 't', input: silent })
    target.answersAtOnce = false
    const running = pump.run()
    while (target.batches.length === 0) await new Promise(resolve => setImmediate(resolve))
    target.refuse(new Error('no'))
    await running
    assert.match(String(publisher.error), /no/)
  })

  test('stops at a signal, with what was read published', async () => {
    const endless = new Readable({ read() {} })
    endless.push('a\nb\npartial')
    const { pump, stop, target, published } = setUp([], { topic: 't', input: endless })
    const running = pump.run()
    while (target.batches.length === 0) await new Promise(resolve => setImmediate(resolve))
    stop.abort('SIGINT')
    await running
    assert.deepEqual(published(), [
      ['t', 'a'],
      ['t', 'b'],
    ])
  })

  test('keeps to the rate', async () => {
    const { pump, published } = setUp(['a\nb\nc\nd\n'], { topic: 't', rate: 100 })
    const startedAt = performance.now()
    await pump.run()
    // A lower bound cannot fail on a slow machine: the first passes at once, each other after 10 ms.
    assert.ok(performance.now() - startedAt >= 29)
    assert.equal(published().length, 4)
  })
})
