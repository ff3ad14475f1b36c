import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { ConsumerOptions } from '../../../src/client/consumer/consumer-options.ts'
import { Consumer } from '../../../src/client/consumer/consumer.ts'
import type { Message } from '../../../src/client/consumer/message.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { FakeNsqd } from '../fake-nsqd.ts'
import { pause, until } from '../../support/wait.ts'

const fakes: FakeNsqd[] = []
const consumers: Consumer[] = []
afterEach(async () => {
  await Promise.all(consumers.splice(0).map(consumer => consumer.close(0)))
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

async function startNsqd(): Promise<FakeNsqd> {
  const fake = await FakeNsqd.start()
  fakes.push(fake)
  return fake
}

function createConsumer(options: Omit<ConsumerOptions, 'topic' | 'channel'>): Consumer {
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    reconnectDelayMs: 5,
    maxReconnectDelayMs: 20,
    ...options,
  })
  consumers.push(consumer)
  return consumer
}

test('a handler gets the messages, and its end answers them', async () => {
  const nsqd = await startNsqd()
  nsqd.redelivers = false
  const errors: NsqError[] = []
  const seen: [string, string, number, string][] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    requeueDelayMs: 70,
    maxBackoffMs: 0,
    onError: error => errors.push(error),
    handler: async message => {
      const body = message.body.toString()
      seen.push([message.topic, message.nsqd, message.attempts, body])
      await pause(1)
      if (body === 'bad') throw new Error('no good')
      if (body === 'later') message.requeue(1234, { backoff: false })
    },
  })
  await consumer.start()
  nsqd.queue('one', 'bad', 'later', 'two')
  await until(() => nsqd.finished.length + nsqd.requeued.length === 4)
  assert.deepEqual(
    seen,
    ['one', 'bad', 'later', 'two'].map(body => ['t', nsqd.address, 1, body]),
  )
  assert.deepEqual(nsqd.finished, ['one', 'two'])
  assert.deepEqual(nsqd.requeued, [
    { body: 'bad', delayMs: 70 },
    { body: 'later', delayMs: 1234 },
  ])
  assert.deepEqual(
    errors.map(error => [error.code, (error.cause instanceof Error && error.cause.message) || '']),
    [['E_HANDLER', 'no good']],
  )
  assert.deepEqual(nsqd.open[0]?.commands.slice(0, 3), ['IDENTIFY', 'SUB t c', 'RDY 1'])
})

test('no more handlers run at a time than concurrency says', async () => {
  const nsqd = await startNsqd()
  let running = 0
  let most = 0
  const consumer = createConsumer({
    nsqd: nsqd.address,
    maxInFlight: 20,
    concurrency: 3,
    handler: async () => {
      most = Math.max(most, ++running)
      await pause(2)
      running--
    },
  })
  nsqd.queue(...Array.from({ length: 20 }, (_, i) => String(i)))
  await consumer.start()
  await until(() => nsqd.finished.length === 20)
  assert.equal(most, 3)
})

test('for await takes messages one by one, and leaving the loop closes the consumer', async () => {
  const nsqd = await startNsqd()
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 10 })
  nsqd.queue('1', '2', '3', '4')
  const seen: string[] = []
  for await (const message of consumer) {
    seen.push(message.body.toString())
    assert.equal(message.timestamp, 0x17000000_00000005n)
    assert.match(message.id, /^0{15}[1-4]$/)
    message.finish()
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, ['1', '2'])
  assert.deepEqual(nsqd.finished, ['1', '2'])
  await until(() => nsqd.open.length === 0)
  // What came but was not taken went back at once, so that nobody waits for its timeout.
  assert.deepEqual(
    nsqd.requeued.map(({ body }) => body),
    ['3', '4'],
  )
  assert.equal(nsqd.inFlight, 0)
})

test('onMessage gets messages as they come; they may be answered later', async () => {
  const nsqd = await startNsqd()
  const messages: Message[] = []
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 3, onMessage: m => messages.push(m) })
  nsqd.queue('1', '2', '3', '4', '5')
  await consumer.start()
  await until(() => messages.length === 3)
  await pause(10)
  assert.equal(messages.length, 3)
  assert.equal(consumer.inFlight, 3)
  assert.equal(consumer.isStarved, true)
  for (const message of messages.slice()) {
    assert.equal(message.touch(), true)
    assert.equal(message.finish(), true)
    assert.equal(message.finish(), false)
    assert.equal(message.requeue(), false)
    assert.equal(message.touch(), false)
  }
  await until(() => messages.length === 5)
  await until(() => nsqd.finished.length === 3)
  const [session] = nsqd.open
  assert.deepEqual(session?.commands.filter(command => command.startsWith('TOUCH')).length, 3)
  // nsqd does not count RDY down, so it is not sent again.
  assert.deepEqual(session?.readies, [3])
})

test('a callback that throws gives its message back', async () => {
  const nsqd = await startNsqd()
  nsqd.redelivers = false
  const errors: NsqError[] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    onError: error => errors.push(error),
    onMessage: () => {
      throw new Error('oops')
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.requeued.length === 1)
  assert.equal(errors[0]?.code, 'E_HANDLER')
})

test('a FIN that is too late is told to onError, and harms nothing', async () => {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const messages: Message[] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    maxInFlight: 2,
    onError: error => errors.push(error),
    onMessage: message => messages.push(message),
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => messages.length === 1)
  const [session] = nsqd.open
  session?.inFlight.clear()
  messages[0]?.finish()
  await until(() => errors.length === 1)
  assert.equal(errors[0]?.code, 'E_FIN_FAILED')
  nsqd.queue('2')
  await until(() => messages.length === 2)
  assert.equal(nsqd.open.length, 1)
})

test('a connection that is lost comes back; its messages are dead, and are delivered again', async () => {
  const nsqd = await startNsqd()
  const messages: Message[] = []
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 2, onMessage: m => messages.push(m) })
  nsqd.queue('1')
  await consumer.start()
  await until(() => messages.length === 1)
  nsqd.open[0]?.socket.destroy()
  await until(() => messages.length === 2)
  const [old, again] = messages
  assert.equal(old?.isLive, false)
  assert.equal(old.finish(), false)
  assert.equal(again?.attempts, 2)
  assert.equal(again.finish(), true)
  await until(() => nsqd.finished.length === 1)
  assert.equal(consumer.inFlight, 0)
})

test('a half-open connection is given up', async () => {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    heartbeatIntervalMs: 1000,
    onError: error => errors.push(error),
    onMessage: () => {},
  })
  await consumer.start()
  await until(() => nsqd.sessions.length === 2)
  assert.equal(errors[0]?.code, 'E_READ_TIMEOUT')
})

test('garbage ends the connection with a typed error, and a new one is made', async () => {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const consumer = createConsumer({ nsqd: nsqd.address, onError: e => errors.push(e), onMessage: () => {} })
  await consumer.start()
  nsqd.open[0]?.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  await until(() => nsqd.sessions.length === 2)
  assert.equal(errors[0]?.code, 'E_PROTOCOL')
})

test('start rejects when the first attempts fail, and the consumer goes on trying', async () => {
  const nsqd = await startNsqd()
  nsqd.subscribeError = 'E_SUB_FAILED SUB failed'
  const seen: string[] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    handler: message => seen.push(message.body.toString()),
  })
  await assert.rejects(consumer.start(), { code: 'E_SUB_FAILED' })
  nsqd.subscribeError = undefined
  nsqd.queue('1')
  await until(() => seen.length === 1)
  assert.deepEqual(consumer.connections, [nsqd.address])
})

test('close says CLS, waits for what is in hand, then ends', async () => {
  const nsqd = await startNsqd()
  const messages: Message[] = []
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 2, onMessage: m => messages.push(m) })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => messages.length === 2)
  let isClosed = false
  const closed = consumer.close().then(() => (isClosed = true))
  const [session] = nsqd.open
  await until(() => session?.commands.includes('CLS') === true)
  messages[0]?.finish()
  await pause(20)
  assert.equal(isClosed, false)
  assert.equal(session?.isOpen, true)
  messages[1]?.finish()
  await closed
  assert.deepEqual(nsqd.finished, ['1', '2'])
  assert.equal(nsqd.depth, 1)
  await assert.rejects(
    createConsumer({ nsqd: '127.0.0.1:1', handler: () => {} })
      .close()
      .then(() => consumers.at(-1)?.start()),
    {
      code: 'E_CLOSED',
    },
  )
})

test('close hears of a FIN that was too late, though it is the last thing that is said', async () => {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const messages: Message[] = []
  const consumer = createConsumer({
    nsqd: nsqd.address,
    onError: error => errors.push(error),
    onMessage: message => messages.push(message),
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => messages.length === 1)
  const closed = consumer.close()
  const [session] = nsqd.open
  await until(() => session?.commands.includes('CLS') === true)
  await pause(20)
  session?.inFlight.clear()
  messages[0]?.finish()
  await closed
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['E_FIN_FAILED'],
  )
})

test('close does not wait longer than it may', async () => {
  const nsqd = await startNsqd()
  const messages: Message[] = []
  const consumer = createConsumer({ nsqd: nsqd.address, onMessage: m => messages.push(m) })
  nsqd.queue('1')
  await consumer.start()
  await until(() => messages.length === 1)
  await consumer.close(20)
  await until(() => nsqd.depth === 1)
  assert.equal(messages[0]?.finish(), false)
})

test('close for a time that no timer knows is refused, and closes nothing', async () => {
  const nsqd = await startNsqd()
  const consumer = createConsumer({ nsqd: nsqd.address, onMessage: () => {} })
  await consumer.start()
  for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(consumer.close(timeoutMs), { code: 'E_OPTION', message: /timeoutMs/ })
  }
  assert.deepEqual(consumer.connections, [nsqd.address])
})

test('for await ends when the consumer is closed, whether it waits or not', async () => {
  const nsqd = await startNsqd()
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 10 })
  nsqd.queue('1', '2', '3')
  const seen: string[] = []
  const waiting = (async () => {
    for await (const message of consumer) {
      seen.push(message.body.toString())
      message.finish()
    }
    return 'ended'
  })()
  await until(() => nsqd.finished.length === 3)
  const closed = consumer.close()
  assert.equal(await waiting, 'ended')
  await closed
  for await (const message of consumer) assert.fail(`${message.id} after close`)
  assert.deepEqual(seen, ['1', '2', '3'])
})

test('a loop that is left by an error gives its message back at once', async () => {
  const nsqd = await startNsqd()
  nsqd.redelivers = false
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 10 })
  nsqd.queue('1', '2')
  const loop = async (): Promise<void> => {
    for await (const message of consumer) throw new Error(`failed on ${message.body.toString()}`)
  }
  await assert.rejects(loop(), { message: 'failed on 1' })
  assert.deepEqual(nsqd.requeued.map(({ body }) => body).toSorted(), ['1', '2'])
})

test('several loops share the messages', async () => {
  const nsqd = await startNsqd()
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 4 })
  const counts = [0, 0]
  const loops = counts.map(async (_, index) => {
    for await (const message of consumer) {
      counts[index] = (counts[index] ?? 0) + 1
      await pause(1)
      message.finish()
    }
  })
  nsqd.queue(...Array.from({ length: 20 }, (_, i) => String(i)))
  await until(() => nsqd.finished.length === 20)
  await consumer.close()
  await Promise.all(loops)
  assert.ok(counts.every(count => count > 0))
})

test('a loop that is left gives back its own message, not that of another loop', async () => {
  const nsqd = await startNsqd()
  nsqd.redelivers = false
  const consumer = createConsumer({ nsqd: nsqd.address, maxInFlight: 2 })
  const held: string[] = []
  const loop = async (isDone: () => boolean): Promise<void> => {
    for await (const message of consumer) {
      held.push(message.body.toString())
      await until(isDone)
      if (held[0] === message.body.toString()) break
      message.finish()
    }
  }
  const loops = [loop(() => held.length === 2), loop(() => nsqd.requeued.length > 0)]
  nsqd.queue('1', '2')
  await Promise.all(loops)
  assert.deepEqual([nsqd.requeued.map(({ body }) => body), nsqd.finished], [['1'], ['2']])
})

test('await using closes', async () => {
  const nsqd = await startNsqd()
  const consumer = createConsumer({ nsqd: nsqd.address, onMessage: () => {} })
  await consumer.start()
  await consumer[Symbol.asyncDispose]()
  await until(() => nsqd.open.length === 0)
  assert.deepEqual(consumer.connections, [])
})

test('close ends attempts to connect, and start with them', async () => {
  const nsqd = await startNsqd()
  nsqd.identifyReply = Buffer.alloc(0)
  const consumer = createConsumer({ nsqd: nsqd.address, onMessage: () => {} })
  const started = assert.rejects(consumer.start(), { code: 'E_CLOSED' })
  await until(() => nsqd.sessions.length === 1)
  await consumer.close()
  await started
  await until(() => nsqd.open.length === 0)
})

test('backoff stops all connections, then lets one message decide', async () => {
  const [a, b] = [await startNsqd(), await startNsqd()]
  let isBroken = true
  let handled = 0
  const consumer = createConsumer({
    nsqd: [a.address, b.address],
    maxInFlight: 10,
    concurrency: 10,
    backoffMultiplierMs: 30,
    rotateMs: 500,
    requeueDelayMs: 0,
    handler: () => {
      handled++
      if (isBroken) throw new Error('down')
    },
  })
  await consumer.start()
  await until(() => a.open.length + b.open.length === 2 && consumer.connections.length === 2)
  await until(() => a.open[0]?.ready === 5 && b.open[0]?.ready === 5)
  const before = [a, b].map(nsqd => nsqd.open[0]?.readies.length ?? 0)
  a.queue(...Array.from({ length: 20 }, (_, i) => String(i)))
  await until(() => handled > 0)
  await until(() => a.open[0]?.ready === 0 && b.open[0]?.ready === 0)
  // No RDY but 1 and 0 while it is broken, and a window of failures was one step.
  await pause(300)
  assert.ok(handled < 20, `${handled} handled while backing off`)
  for (const [index, nsqd] of [a, b].entries()) {
    assert.ok(nsqd.open[0]?.readies.slice(before[index]).every(ready => ready <= 1))
  }
  isBroken = false
  await until(() => a.finished.length === 20 && a.open[0]?.ready === 5 && b.open[0]?.ready === 5)
})

test('options are checked, and the error names the option and its range', () => {
  const good = { topic: 't', channel: 'c', nsqd: 'localhost' }
  const wrong: [ConsumerOptions, string, RegExp][] = [
    [{ ...good, topic: 'no topic' }, 'E_BAD_TOPIC', /"no topic"/],
    [{ ...good, channel: '' }, 'E_BAD_CHANNEL', /""/],
    [{ topic: 't', channel: 'c' }, 'E_OPTION', /nsqd or lookupd/],
    [{ ...good, maxInFlight: 0 }, 'E_OPTION', /maxInFlight must be an integer from 1 to 1000000, not 0/],
    [{ ...good, sampleRate: 100 }, 'E_OPTION', /sampleRate/],
    [{ ...good, handler: () => {}, onMessage: () => {} }, 'E_OPTION', /handler and onMessage/],
  ]
  for (const [options, code, message] of wrong) assert.throws(() => new Consumer(options), { code, message })
})
