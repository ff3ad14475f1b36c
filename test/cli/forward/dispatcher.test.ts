import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { Answers, type AnswersOptions } from '../../../src/cli/forward/answers.ts'
import { Dispatcher, type Sender } from '../../../src/cli/forward/dispatcher.ts'
import type { Answer, Done, Outcome } from '../../../src/cli/forward/exchange.ts'
import { Gatherer } from '../../../src/cli/forward/gatherer.ts'
import { EndpointStatistics } from '../../../src/cli/forward/statistics.ts'
import { postTarget } from '../../../src/cli/forward/target.ts'
import { HostPool, type PoolMode } from '../../../src/cli/relay/host-pool.ts'
import { until } from '../../support/wait.ts'
import { FakeMessage, fakeMessages } from './fake-message.ts'

/** An endpoint that keeps requests until they are answered. */
class FakeEndpoint implements Sender {
  readonly target
  readonly statistics = new EndpointStatistics()
  readonly sent: string[] = []
  readonly #done: Done[] = []

  constructor(name: string) {
    this.target = postTarget(`http://${name}/`, {})
  }

  send(bytes: Buffer, done: Done): void {
    this.sent.push(bytes.toString())
    this.#done.push(done)
  }

  /** Answers the oldest request. */
  answer(status: number, rest: Partial<Answer> = {}): void {
    this.end({ kind: 'answer', status, retryAfter: undefined, location: undefined, text: '', ...rest })
  }

  end(outcome: Outcome): void {
    const done = this.#done.shift()
    assert.ok(done, 'nothing was sent')
    done(outcome, 1)
  }

  get waiting(): number {
    return this.#done.length
  }
}

const gatherers: Gatherer[] = []
// Their timers would go on.
afterEach(() => gatherers.splice(0).forEach(gatherer => gatherer.take()))

interface Options {
  hosts?: string[]
  mode?: PoolMode
  concurrency?: number
  batch?: number
  answers?: Partial<AnswersOptions>
  misfit?: (message: { body: Buffer }) => string | undefined
}

class Setup {
  readonly endpoints: FakeEndpoint[]
  readonly answers: Answers
  readonly dispatcher: Dispatcher
  readonly gatherer: Gatherer
  readonly dropped: string[] = []
  readonly failures: string[] = []
  now = 0

  constructor({
    hosts = ['a'],
    mode = 'hostpool',
    concurrency = 10,
    batch = 1,
    answers,
    misfit,
  }: Options = {}) {
    this.endpoints = hosts.map(host => new FakeEndpoint(host))
    this.answers = new Answers({
      deadLetter: undefined,
      maxAttempts: 3,
      againMs: 100,
      longestAgainMs: 1000,
      events: {
        dropped: (_, why) => this.dropped.push(why),
        deadLetterFailed: error => this.dropped.push(error.message),
      },
      ...answers,
    })
    this.dispatcher = new Dispatcher({
      pool: new HostPool<Sender>(this.endpoints, mode, { now: () => this.now, random: () => 0 }),
      concurrency,
      answers: this.answers,
      encode: messages => Buffer.from(messages.map(({ body }) => body.toString()).join()),
      misfit: misfit ?? (() => undefined),
      events: {
        requested: () => {},
        failed: (_, how, _why, messages) => this.failures.push(`${how} ${messages}`),
      },
    })
    this.gatherer = new Gatherer({
      topic: 't',
      messages: batch,
      bytes: 1_000_000,
      waitMs: 3_600_000,
      taker: this.dispatcher,
      isStarved: () => false,
    })
    gatherers.push(this.gatherer)
  }

  add(...bodies: string[]): FakeMessage[] {
    const messages = fakeMessages(...bodies)
    for (const message of messages) this.gatherer.add(message)
    return messages
  }

  get endpoint(): FakeEndpoint {
    const [endpoint] = this.endpoints
    assert.ok(endpoint)
    return endpoint
  }
}

function answersOf(messages: readonly FakeMessage[]): string[] {
  return messages.map(({ answer }) => answer)
}

test('a message is finished when it was answered 2xx, and not before', () => {
  const setup = new Setup()
  const messages = setup.add('1', '2')
  assert.deepEqual(setup.endpoint.sent, ['1', '2'])
  assert.deepEqual(answersOf(messages), ['', ''])
  setup.endpoint.answer(204)
  assert.deepEqual(answersOf(messages), ['finished', ''])
  setup.endpoint.answer(200)
  assert.deepEqual(answersOf(messages), ['finished', 'finished'])
  assert.equal(setup.answers.counts.sent, 2)
})

test('the few messages of a topic do not wait for the many of another one', () => {
  const setup = new Setup({ concurrency: 1, batch: 2 })
  const few = new Gatherer({
    topic: 'few',
    messages: 2,
    bytes: 1000,
    waitMs: 3_600_000,
    taker: setup.dispatcher,
    isStarved: () => false,
  })
  gatherers.push(few)
  setup.add('1', '2', '3', '4')
  few.add(new FakeMessage('few'))
  setup.dispatcher.offer(few)
  for (let i = 0; i < 3; i++) {
    setup.add('a', 'b')
    setup.endpoint.answer(200)
  }
  assert.ok(setup.endpoint.sent.includes('few'), setup.endpoint.sent.join(' '))
})

test('no more requests are under way than are allowed', () => {
  const setup = new Setup({ concurrency: 2, batch: 2 })
  setup.add('1', '2', '3', '4', '5', '6', '7')
  assert.deepEqual(setup.endpoint.sent, ['1,2', '3,4'])
  setup.endpoint.answer(200)
  assert.deepEqual(setup.endpoint.sent, ['1,2', '3,4', '5,6'])
  setup.endpoint.answer(500)
  assert.equal(setup.endpoint.waiting, 1)
})

test('what fails goes back, later with each attempt, and slows down when there is nobody else', () => {
  for (const outcome of [
    { kind: 'cut', text: '' },
    { kind: 'timeout', text: '' },
    { kind: 'connect', text: '' },
  ] as const) {
    const setup = new Setup()
    const messages = [new FakeMessage('1'), new FakeMessage('2', 3), new FakeMessage('3', 60_000)]
    for (const message of messages) setup.gatherer.add(message)
    for (const _ of messages) setup.endpoint.end(outcome)
    assert.deepEqual(answersOf(messages), [
      'requeued 100 slowly',
      'requeued 300 slowly',
      'requeued 1000 slowly',
    ])
    assert.equal(setup.answers.counts.requeued, 3)
    assert.deepEqual(setup.failures, Array(3).fill(`${outcome.kind} 1`))
  }
})

test('with another endpoint that is well, nothing slows down', () => {
  const setup = new Setup({ hosts: ['a', 'b'] })
  const messages = setup.add('1', '2')
  setup.endpoint.answer(500)
  assert.deepEqual(answersOf(messages), ['requeued 100', ''])
  setup.endpoints[1]?.answer(500)
  assert.deepEqual(answersOf(messages), ['requeued 100', 'requeued 100 slowly'])
})

test('in turn, every failure slows down', () => {
  const setup = new Setup({ hosts: ['a', 'b'], mode: 'round-robin' })
  const messages = setup.add('1')
  setup.endpoint.answer(500)
  assert.deepEqual(answersOf(messages), ['requeued 100 slowly'])
})

describe('an endpoint that asks to be left alone', () => {
  test('is, and the others are used', () => {
    const setup = new Setup({ hosts: ['a', 'b'] })
    const messages = setup.add('1')
    setup.endpoint.answer(429, { retryAfter: '5' })
    assert.deepEqual(answersOf(messages), ['requeued 0'])
    setup.add('2', '3')
    assert.deepEqual(
      setup.endpoints.map(({ sent }) => sent),
      [['1'], ['2', '3']],
    )
  })

  test('has what came kept in hand when there is no other', async () => {
    const setup = new Setup()
    const messages = setup.add('1')
    setup.endpoint.answer(503, { retryAfter: '5' })
    assert.deepEqual(answersOf(messages), ['requeued 5000'])
    setup.now = 4990
    const kept = setup.add('2', '3')
    assert.deepEqual(setup.endpoint.sent, ['1'])
    setup.now = 5000
    await until(() => setup.endpoint.sent.length === 3)
    assert.deepEqual(answersOf(kept), ['', ''])
  })

  test('gets nothing at the end', async () => {
    const setup = new Setup()
    setup.add('1')
    setup.endpoint.answer(503, { retryAfter: '3600' })
    const kept = setup.add('2', '3')
    await setup.dispatcher.close()
    assert.deepEqual(answersOf(kept), ['requeued 0', 'requeued 0'])
  })
})

describe('what is refused', () => {
  test('comes again, until it has been refused often enough', () => {
    const setup = new Setup()
    const refuse = (status: number): string => {
      // During an outage the attempts have become many.
      const message = new FakeMessage('1', 100)
      setup.gatherer.add(message)
      setup.endpoint.answer(status, { text: 'no' })
      return message.answer
    }
    assert.equal(refuse(400), 'requeued by default')
    assert.equal(refuse(404), 'requeued by default slowly')
    assert.equal(refuse(500), 'requeued 1000 slowly')
    assert.equal(refuse(400), 'finished')
    assert.deepEqual(setup.dropped, ['http://a/ answered 400 "no"'])
    const { dropped, sent } = setup.answers.counts
    assert.deepEqual({ dropped, sent }, { dropped: 1, sent: 0 })
    assert.equal(refuse(400), 'requeued by default')
  })

  test('slows down when it is not about the message', () => {
    const setup = new Setup()
    const messages = setup.add('1')
    setup.endpoint.answer(401)
    assert.deepEqual(answersOf(messages), ['requeued by default slowly'])
  })

  test('comes for ever where any number of attempts is allowed', () => {
    const setup = new Setup({ answers: { maxAttempts: 0 } })
    const message = new FakeMessage('1', 60_000)
    setup.gatherer.add(message)
    setup.endpoint.answer(400)
    assert.equal(message.answer, 'requeued by default')
  })

  test('goes to the dead letters where there are some, and is finished when they have it', async () => {
    const dead: string[] = []
    const kept: (() => void)[] = []
    const deadLetter = (body: Buffer): Promise<void> => {
      dead.push(body.toString())
      return new Promise(resolve => kept.push(resolve))
    }
    const setup = new Setup({ answers: { deadLetter } })
    const messages = setup.add('1')
    setup.endpoint.answer(404)
    assert.deepEqual(dead, ['1'])
    assert.deepEqual(answersOf(messages), [''])
    kept[0]?.()
    await until(() => messages[0]?.answer === 'finished')
    assert.equal(setup.answers.counts.deadLettered, 1)
  })

  test('comes again when the dead letters cannot have it', async () => {
    const setup = new Setup({ answers: { deadLetter: () => Promise.reject(new Error('no nsqd')) } })
    const messages = setup.add('1')
    setup.endpoint.answer(404)
    await until(() => setup.dropped.length === 1)
    assert.deepEqual(answersOf(messages), ['requeued by default slowly'])
    assert.deepEqual(setup.dropped, ['no nsqd'])
  })

  test('of a batch is found by sending ever less of it', () => {
    const setup = new Setup({ batch: 8, answers: { deadLetter: async () => {} } })
    const messages = setup.add('1', '2', '3', '4', '5', 'bad', '7', '8')
    while (setup.endpoint.waiting > 0) {
      const { sent, waiting } = setup.endpoint
      setup.endpoint.answer(sent.at(-waiting)?.includes('bad') === true ? 422 : 200)
    }
    const finished = messages.filter(({ answer }) => answer === 'finished').map(({ body }) => body.toString())
    assert.deepEqual(finished, ['1', '2', '3', '4', '5', '7', '8'])
    assert.deepEqual(setup.endpoint.sent.slice(1), ['1,2,3,4', '5,bad,7,8', '5,bad', '7,8', '5', 'bad'])
  })

  test('of a batch by an endpoint that refuses everything is not divided', () => {
    const setup = new Setup({ batch: 2 })
    const messages = setup.add('1', '2')
    setup.endpoint.answer(403)
    assert.deepEqual(answersOf(messages), Array(2).fill('requeued by default slowly'))
    assert.equal(setup.endpoint.sent.length, 1)
  })

  test('before it is sent, as it does not fit, is out of the batch', () => {
    const setup = new Setup({
      batch: 3,
      misfit: ({ body }) => (body.toString() === 'x' ? 'no' : undefined),
      answers: { maxAttempts: 0 },
    })
    const messages = setup.add('1', 'x', '3')
    assert.deepEqual(setup.endpoint.sent, ['1,3'])
    assert.deepEqual(answersOf(messages), ['', 'requeued by default', ''])
    assert.deepEqual(
      setup.add('x', 'x', 'x').map(({ answer }) => answer),
      Array(3).fill('requeued by default'),
    )
    assert.equal(setup.endpoint.sent.length, 1)
  })
})

test('what nsqd has taken back is not sent', () => {
  const setup = new Setup({ concurrency: 1 })
  const [, second] = setup.add('1', '2', '3')
  assert.ok(second)
  second.isLive = false
  setup.endpoint.answer(200)
  assert.deepEqual(setup.endpoint.sent, ['1', '3'])
})

test('what was answered too late is counted as such', () => {
  const setup = new Setup()
  const [message] = setup.add('1')
  assert.ok(message)
  message.isLive = false
  setup.endpoint.answer(200)
  const { sent, unfinished } = setup.answers.counts
  assert.deepEqual({ sent, unfinished }, { sent: 0, unfinished: 1 })
})

describe('at the end', () => {
  test('what is there is sent', async () => {
    const setup = new Setup({ concurrency: 1, batch: 2 })
    const messages = setup.add('1', '2', '3', '4', '5')
    const closed = setup.dispatcher.close()
    setup.gatherer.end()
    setup.endpoint.answer(200)
    setup.endpoint.answer(200)
    setup.endpoint.answer(200)
    await closed
    assert.deepEqual(answersOf(messages), Array(5).fill('finished'))
  })

  test('the rest goes back once something fails, at once and for others', async () => {
    const setup = new Setup({ concurrency: 1 })
    const messages = setup.add('1', '2', '3')
    const closed = setup.dispatcher.close()
    setup.endpoint.answer(500)
    await closed
    const [, ...rest] = answersOf(messages)
    assert.deepEqual(rest, ['requeued 0', 'requeued 0'])
    assert.equal(setup.endpoint.sent.length, 1)
    // What comes late does as well.
    assert.deepEqual(answersOf(setup.add('4')), ['requeued 0'])
  })
})
