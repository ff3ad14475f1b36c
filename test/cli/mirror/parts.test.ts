/** The small parts of mirror, by themselves. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FailureLog } from '../../../src/cli/mirror/failure-log.ts'
import { Group } from '../../../src/cli/mirror/group.ts'
import { Outlet, type PublishTarget } from '../../../src/cli/mirror/outlet.ts'
import { Tally } from '../../../src/cli/mirror/tally.ts'
import { Waiting } from '../../../src/cli/mirror/waiting.ts'
import type { Message } from '../../../src/client/consumer/message.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { pause, until } from '../../support/wait.ts'

interface FakeMessage extends Message {
  readonly answers: string[]
}

function fakeMessage(id: string, body = id): FakeMessage {
  const answers: string[] = []
  const bytes = Buffer.from(body)
  return {
    topic: 't',
    nsqd: 'n:1',
    id,
    timestamp: 0n,
    attempts: 1,
    body: bytes,
    value: bytes,
    isAnswered: false,
    isLive: true,
    signal: new AbortController().signal,
    finish: () => answers.push('finish') > 0,
    requeue: (delayMs, { backoff = true } = {}) =>
      answers.push(`requeue ${delayMs}${backoff ? '' : ' quietly'}`) > 0,
    touch: () => true,
    answers,
  }
}

interface Resolvers {
  readonly promise: Promise<string>
  readonly resolve: (value: string) => void
}

function withResolvers(): Resolvers {
  let resolve: Resolvers['resolve'] | undefined
  const promise = new Promise<string>(done => (resolve = done))
  assert.ok(resolve)
  return { promise, resolve }
}

function bodiesOf(group: Group): string {
  return group.bodies.join()
}

describe('Group', () => {
  test('is split into its messages, each with its bodies', () => {
    const [a, b, c] = [fakeMessage('a'), fakeMessage('b'), fakeMessage('c')]
    const group = new Group()
    group.add(a, Buffer.from('1'))
    group.addAll(b, [Buffer.from('2'), Buffer.from('3')])
    group.add(c, Buffer.from('4'))
    assert.equal(group.bytes, 4)
    assert.deepEqual(group.split().map(bodiesOf), ['1', '2,3', '4'])
    const plain = new Group()
    plain.add(a, Buffer.from('1'))
    plain.add(b, Buffer.from('2'))
    assert.deepEqual(plain.split().map(bodiesOf), ['1', '2'])
    assert.deepEqual(
      plain.split().map(({ messages }) => messages),
      [[a], [b]],
    )
  })
})

function outletTo(publishBatch: PublishTarget['publishBatch'], oneByOne = publishBatch, isEnding = false) {
  const tally = new Tally()
  const told: string[] = []
  const outlet = new Outlet({
    topic: 't',
    target: { publishBatch },
    oneByOne: () => ({ publishBatch: oneByOne }),
    maxBytes: 10,
    tally,
    failed: (message, error) => told.push(`${message.id} ${error.code}`),
    refused: error => told.push(error.code),
    acknowledged: () => told.push('acknowledged'),
    isEnding: () => isEnding,
  })
  return { outlet, tally, told }
}
async function refuse(code: string): Promise<never> {
  throw new NsqError(code, 'no')
}

describe('Outlet', () => {
  test('publishes what comes at once together, and finishes it then', async () => {
    const calls: string[] = []
    const acknowledged = withResolvers()
    const { outlet, tally, told } = outletTo(async (topic, bodies) => {
      calls.push(`${topic} ${bodies.join()}`)
      await acknowledged.promise
    })
    const [a, b] = [fakeMessage('a'), fakeMessage('b')]
    outlet.send(a, a.body)
    outlet.sendAll(b, [Buffer.from('1'), Buffer.from('2')])
    await pause(0)
    assert.deepEqual(calls, ['t a,1,2'])
    assert.deepEqual([...a.answers, ...b.answers], [])
    acknowledged.resolve('')
    await pause(0)
    assert.deepEqual([...a.answers, ...b.answers], ['finish', 'finish'])
    assert.deepEqual(told, ['acknowledged'])
    assert.deepEqual([tally.mirrored, tally.published, tally.bytes], [2, 3, 3])
  })

  test('one that is refused among others is found, and the others are published', async () => {
    const single: string[] = []
    const { outlet, tally, told } = outletTo(
      () => refuse('E_BAD_MESSAGE'),
      (_, bodies) => {
        single.push(bodies.join())
        return bodies.join() === 'bad' ? refuse('E_BAD_MESSAGE') : Promise.resolve()
      },
    )
    const messages = ['a', 'bad', 'c'].map(text => fakeMessage(text))
    for (const message of messages) outlet.send(message, message.body)
    await pause(0)
    assert.deepEqual(single, ['a', 'bad', 'c'])
    assert.deepEqual(
      messages.map(({ answers }) => answers.join()),
      ['finish', 'requeue undefined', 'finish'],
    )
    assert.deepEqual(told, ['acknowledged', 'bad E_BAD_MESSAGE', 'acknowledged'])
    assert.deepEqual([tally.mirrored, tally.failed], [2, 1])
  })

  test('when the destination takes nothing, messages come back soon, and at the end at once', async () => {
    for (const [isEnding, answer] of [
      [false, 'requeue 1000'],
      [true, 'requeue 0 quietly'],
    ] as const) {
      const { outlet, tally, told } = outletTo(() => refuse('E_PUBLISH_TIMEOUT'), undefined, isEnding)
      const message = fakeMessage('a')
      outlet.send(message, message.body)
      await pause(0)
      assert.deepEqual(message.answers, [answer])
      assert.deepEqual(told, ['E_PUBLISH_TIMEOUT'])
      assert.deepEqual([tally.requeued, tally.unsent], isEnding ? [0, 1] : [1, 0])
    }
  })

  test('what no nsqd would take is not sent', async () => {
    let calls = 0
    const { outlet, told } = outletTo(async () => void calls++)
    const [large, empty, several] = [fakeMessage('a'), fakeMessage('b'), fakeMessage('c')]
    outlet.send(large, Buffer.alloc(11))
    outlet.send(empty, Buffer.alloc(0))
    outlet.sendAll(several, [Buffer.alloc(1), Buffer.alloc(11)])
    await pause(0)
    assert.equal(calls, 0)
    assert.deepEqual(told, ['a E_MESSAGE_TOO_BIG', 'b E_MESSAGE_EMPTY', 'c E_MESSAGE_TOO_BIG'])
    for (const { answers } of [large, empty, several]) assert.deepEqual(answers, ['requeue undefined'])
  })
})

describe('Waiting', () => {
  test('tells of each once, and of one that takes too long', async () => {
    const told: string[] = []
    const waiting = new Waiting<string>(
      100,
      ({ id }, value) => told.push(`${id} ${value}`),
      ({ id }, error) => told.push(`${id} ${error instanceof Error ? error.message : ''}`),
    )
    const late = withResolvers()
    waiting.add(fakeMessage('slow'), late.promise)
    waiting.add(fakeMessage('good'), Promise.resolve('done'))
    waiting.add(fakeMessage('bad'), Promise.reject(new Error('boom')))
    await pause(0)
    assert.deepEqual(told, ['good done', 'bad boom'])
    await until(() => told.length === 3)
    assert.equal(told[2], 'slow --filter or --map took longer than 0.1 s')
    late.resolve('too late')
    await pause(0)
    assert.equal(told.length, 3)
  })

  test('hands over what it waits for', async () => {
    const waiting = new Waiting<string>(60_000, assert.fail, assert.fail)
    const late = withResolvers()
    const message = fakeMessage('a')
    waiting.add(message, late.promise)
    assert.deepEqual(waiting.takeAll(), [message])
    late.resolve('too late')
    await pause(0)
    assert.deepEqual(waiting.takeAll(), [])
  })
})

describe('FailureLog', () => {
  test('names a message once, and not more of them than can be read', () => {
    const lines: string[] = []
    const log = new FailureLog(text => lines.push(text))
    const error = new NsqError('E_USER_CODE', `--map: a\u001b[31m\nb ${'x'.repeat(500)}`)
    log.add(fakeMessage('1'), error)
    log.add({ ...fakeMessage('1'), attempts: 2 }, error)
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^message 1 of nsqd n:1, topic t, went back: --map: a\\x1b\[31m b x+…$/)
    for (let id = 2; id <= 20; id++) log.add(fakeMessage(String(id)), error)
    assert.equal(lines.length, 5)
    log.tellRest()
    assert.equal(lines[5], '15 more messages went back for such reasons')
    log.tellRest()
    assert.equal(lines.length, 6)
  })
})
