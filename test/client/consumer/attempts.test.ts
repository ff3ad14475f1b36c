/** Messages that are given up: attempts, dead letters, hooks, and what is said when there is neither. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { json } from '../../../src/client/codec.ts'
import { Consumer, NsqError, type Message } from '../../../src/index.ts'
import { OK_FRAME } from '../../../src/protocol/frame.ts'
import { pause, until } from '../../support/wait.ts'
import { Consuming, queueTried, TOPIC } from './consuming.ts'
import { QUICK } from '../rig.ts'
import { Daemons, http, tcp } from '../daemons.ts'

const consuming = new Consuming()
const daemons = new Daemons()
afterEach(async () => {
  await consuming.close()
  await daemons.close()
})

function fail(): never {
  throw new Error('down')
}

test('five attempts unless told otherwise, then the message is finished and onError gets E_MAX_ATTEMPTS', async () => {
  const nsqd = await consuming.nsqd()
  const attempts: number[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    handler: message => {
      attempts.push(message.attempts)
      fail()
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  assert.deepEqual(attempts, [1, 2, 3, 4, 5])
  assert.deepEqual(consuming.codes.toSorted(), [...Array(5).fill('E_HANDLER'), 'E_MAX_ATTEMPTS'])
  const dropped = consuming.errors.find(({ code }) => code === 'E_MAX_ATTEMPTS')
  assert.match(dropped?.message ?? '', /message [0-9a-f]{16} of nsqd .* was dropped: .*down/)
  assert.match(dropped?.remedy ?? '', /deadLetter/)
  assert.ok(dropped?.cause instanceof NsqError && dropped.cause.code === 'E_HANDLER')
})

test('with maxAttempts 0 a message is tried for ever', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxAttempts: 0, handler: fail })
  queueTried(nsqd, '1', 65_534)
  await consumer.start()
  await until(() => nsqd.requeued.length >= 3)
  assert.deepEqual(nsqd.finished, [])
})

test('one that was delivered more often than allowed is given up without being handled', async () => {
  const nsqd = await consuming.nsqd()
  const handled: string[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 3,
    handler: message => handled.push(message.body.toString()),
  })
  queueTried(nsqd, 'poison', 3, 1)
  queueTried(nsqd, 'last chance', 2, 2)
  await consumer.start()
  await until(() => nsqd.finished.length === 2)
  assert.deepEqual(handled, ['last chance'])
  assert.deepEqual(consuming.codes, ['E_MAX_ATTEMPTS'])
  assert.match(consuming.errors[0]?.message ?? '', /delivered 4 times, and maxAttempts allows 3/)
})

test('without onError the process warns of each message that is dropped', async () => {
  const nsqd = await consuming.nsqd()
  const warnings: (Error & { code?: string })[] = []
  const listen = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listen)
  const options = { ...TOPIC, ...QUICK, maxAttempts: 1, maxBackoffMs: 0 }
  const consumer = consuming.closing(new Consumer({ ...options, nsqd: nsqd.address, handler: fail }))
  nsqd.queue('1', '2')
  await consumer.start()
  await until(() => warnings.length === 2)
  process.off('warning', listen)
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['E_MAX_ATTEMPTS', 'E_MAX_ATTEMPTS'],
  )
  assert.match(warnings[0]?.message ?? '', /was dropped: .*down.*deadLetter/)
})

test('a dead-letter topic gets the body as it was, and the message is finished when that is acknowledged', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.answerPublish = () => 'silence'
  const consumer = consuming.closing(
    new Consumer({
      ...TOPIC,
      ...QUICK,
      nsqd: nsqd.address,
      // The codec is for the values of this topic: what fails goes on as it came.
      codec: json,
      maxAttempts: 2,
      requeueDelayMs: 0,
      maxBackoffMs: 0,
      deadLetter: 't-dead',
      clientId: 'as-configured',
      onError: consuming.onError,
      handler: fail,
    }),
  )
  nsqd.queue('{"n": 1}')
  await consumer.start()
  await until(() => nsqd.published.length === 1)
  assert.deepEqual(nsqd.published[0], { command: 'PUB', topic: 't-dead', bodies: ['{"n": 1}'], delayMs: 0 })
  await pause(20)
  assert.deepEqual(nsqd.finished, [])
  assert.equal(consumer.inFlight, 1)
  const [, producer] = nsqd.open
  assert.equal(producer?.identity?.client_id, 'as-configured')
  nsqd.answerPublish = () => 'ok'
  producer?.socket.write(OK_FRAME)
  await until(() => nsqd.finished.length === 1)
  assert.deepEqual(consuming.codes, ['E_HANDLER', 'E_HANDLER'])
})

test('a dead-letter topic is published to the nsqds that nsqlookupd knows', async () => {
  const nsqlookupd = await daemons.nsqlookupd()
  const nsqd = await daemons.nsqd({
    lookupdTcpAddress: [tcp(nsqlookupd)],
    broadcastAddress: '127.0.0.1',
  })
  await nsqd.publish('t', [Buffer.from('1'), Buffer.from([0, 0xff])], 0)
  const lookupd = http(nsqlookupd)
  const options = { lookupd, lookupPollIntervalMs: 20, maxInFlight: 2 }
  const failing = consuming.consumer({ ...options, maxAttempts: 1, deadLetter: 't.dead', handler: fail })
  await failing.start()
  const dead: string[] = []
  const handler = ({ body }: Message): unknown => dead.push(body.toString('hex'))
  const rest = consuming.consumer({ ...options, topic: 't.dead', handler })
  await rest.start()
  await until(() => dead.length === 2)
  assert.deepEqual(dead.toSorted(), ['00ff', '31'])
  await until(() => failing.inFlight === 0)
})

test('the dead-letter producer is made when it is needed, and closed with the consumer', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxAttempts: 1, deadLetter: 'd', handler: fail })
  await consumer.start()
  assert.equal(nsqd.sessions.length, 1)
  nsqd.queue('1')
  await until(() => nsqd.finished.length === 1)
  assert.equal(nsqd.open.length, 2)
  await consumer.close()
  await until(() => nsqd.open.length === 0)
})

test('when the dead letter cannot be published the message is requeued: nothing is lost', async () => {
  const nsqd = await consuming.nsqd()
  let refusals = 2
  nsqd.answerPublish = () => (refusals-- > 0 ? { error: 'E_PUB_FAILED no' } : 'ok')
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxAttempts: 1, deadLetter: 'd', handler: fail })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  assert.equal(nsqd.bodies.filter(body => body === '1').length >= 1, true)
  assert.ok(nsqd.requeued.length >= 1)
  const failure = consuming.errors.find(({ code }) => code === 'E_DEAD_LETTER')
  assert.match(failure?.message ?? '', /could not be put among the dead letters: .*E_PUB_FAILED/)
})

test('close waits for dead letters that are on their way', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.answerPublish = () => 'silence'
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxAttempts: 1, deadLetter: 'd', handler: fail })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.published.length === 1)
  const closed = consumer.close()
  await until(() => nsqd.sessions[0]?.commands.includes('CLS') === true)
  nsqd.sessions[1]?.socket.write(OK_FRAME)
  await closed
  assert.deepEqual(nsqd.finished, ['1'])
})

test('a hook gets the message and the reason; when it is through the message is finished', async () => {
  const nsqd = await consuming.nsqd()
  const seen: [string, string, unknown][] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 2,
    handler: fail,
    deadLetter: async (message, error) => {
      await pause(1)
      assert.equal(message.isLive, true)
      seen.push([message.body.toString(), error.code, error.cause instanceof Error && error.cause.message])
    },
  })
  queueTried(nsqd, 'fails', 1, 1)
  queueTried(nsqd, 'comes once more', 2, 2)
  await consumer.start()
  await until(() => nsqd.finished.length === 2)
  assert.deepEqual(seen, [
    ['fails', 'E_HANDLER', 'down'],
    ['comes once more', 'E_MAX_ATTEMPTS', false],
  ])
  assert.deepEqual(consuming.codes, ['E_HANDLER'])
})

test('a hook may answer the message itself', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.redelivers = false
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 1,
    handler: fail,
    deadLetter: message => message.requeue(77, { backoff: false }),
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.requeued.length === 1)
  assert.equal(nsqd.requeued[0]?.delayMs, 77)
})

test('a hook that fails: the message is requeued, and onError gets E_DEAD_LETTER', async () => {
  const nsqd = await consuming.nsqd()
  let calls = 0
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 1,
    handler: fail,
    deadLetter: () => {
      if (++calls === 1) throw new Error('full')
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  assert.equal(nsqd.requeued.length, 1)
  assert.ok(consuming.codes.includes('E_DEAD_LETTER'))
})

test('a message that is lost while its dead letter is written stays where it is', async () => {
  const nsqd = await consuming.nsqd()
  const held: (() => void)[] = []
  const messages: Message<Buffer | undefined>[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxAttempts: 1,
    handler: fail,
    deadLetter: message => {
      messages.push(message)
      return messages.length === 1 ? new Promise<void>(resolve => held.push(resolve)) : undefined
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => held.length === 1)
  nsqd.open[0]?.socket.destroy()
  await until(() => messages.length === 2)
  held[0]?.()
  await until(() => nsqd.finished.length === 1)
  assert.deepEqual(
    messages.map(({ attempts }) => attempts),
    [1, 2],
  )
})

test('a failure that gives a message up slows down as any other', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 10,
    maxAttempts: 1,
    maxBackoffMs: 120_000,
    backoffMultiplierMs: 3_600_000,
    handler: fail,
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  await until(() => nsqd.open[0]?.ready === 0)
})

test('the options are checked', () => {
  const good = { ...TOPIC, nsqd: 'localhost' }
  const make = (options: Partial<Parameters<typeof consuming.consumer>[0]>) => (): unknown =>
    new Consumer({ ...good, ...options })
  assert.throws(make({ maxAttempts: -1 }), { code: 'E_OPTION', message: /maxAttempts .* 0 to 65535/ })
  assert.throws(make({ deadLetter: 'no topic' }), { code: 'E_BAD_TOPIC', message: /deadLetter/ })
  assert.throws(make({ deadLetter: TOPIC.topic }), { code: 'E_OPTION', message: /deadLetter/ })
})
