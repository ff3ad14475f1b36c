/** Slow handlers, seen from nsqd's side. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Message } from '../../../src/index.ts'
import { errorFrame } from '../../../src/protocol/frame.ts'
import { pause, until } from '../../support/wait.ts'
import { Consuming, granted, touches } from './consuming.ts'
import { Daemons, tcp } from '../daemons.ts'

const consuming = new Consuming()
const daemons = new Daemons()
afterEach(async () => {
  await consuming.close()
  await daemons.close()
})

test('the messages of a slow handler are touched, and those that wait behind it', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.identifyReply = granted(40)
  let end: (() => void) | undefined
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 3,
    handler: () => new Promise<void>(resolve => (end = resolve)),
  })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => new Set(nsqd.open[0]?.commands.filter(command => command.startsWith('TOUCH'))).size === 3)
  await until(() => touches(nsqd) >= 9)
  end?.()
  await until(() => nsqd.finished.length === 1)
})

test('with autoTouch false nothing is touched but by hand', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.identifyReply = granted(40)
  let message: Message | undefined
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    autoTouch: false,
    onMessage: got => (message = got),
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => message !== undefined)
  await pause(80)
  assert.equal(touches(nsqd), 0)
  assert.equal(message?.touch(), true)
  await until(() => touches(nsqd) === 1)
})

test('touching goes by the msg_timeout that nsqd granted', async () => {
  const [quick, slow] = [await consuming.nsqd(), await consuming.nsqd()]
  quick.identifyReply = granted(40)
  slow.identifyReply = granted(3_600_000)
  const consumer = consuming.consumer({ nsqd: [quick.address, slow.address], maxInFlight: 2, onMessage() {} })
  quick.queue('1')
  slow.queue('2')
  await consumer.start()
  await until(() => slow.inFlight === 1 && touches(quick) >= 5)
  assert.equal(touches(slow), 0)
})

test('a message that is answered is not touched any more', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.identifyReply = granted(40)
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxInFlight: 2, handler() {} })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => nsqd.finished.length === 3)
  await pause(60)
  assert.equal(touches(nsqd), 0)
})

test('a message that nsqd has taken back is no longer live, and its place is free', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.identifyReply = granted(40)
  const messages: Message[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 2,
    onMessage: message => messages.push(message),
  })
  nsqd.queue('1', '2')
  await consumer.start()
  await until(() => messages.length === 2)
  const [lost, held] = messages
  const { signal } = lost ?? {}
  assert.equal(signal?.aborted, false)
  nsqd.open[0]?.socket.write(errorFrame(`E_TOUCH_FAILED TOUCH ${lost?.id} failed ID not in flight`))
  await until(() => signal !== undefined && signal.aborted)
  assert.equal(signal?.reason.code, 'E_MESSAGE_LOST')
  assert.deepEqual([lost?.isLive, lost?.finish(), held?.isLive], [false, false, true])
  assert.equal(consumer.inFlight, 1)
  assert.deepEqual(consuming.codes, ['E_TOUCH_FAILED'])
})

test('the signal of a message: aborted with its connection, not by its answer, and never made unasked', async () => {
  const nsqd = await consuming.nsqd()
  const messages: Message[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 3,
    onMessage: message => messages.push(message),
  })
  nsqd.queue('1', '2', '3')
  await consumer.start()
  await until(() => messages.length === 3)
  const [answered, watched, unwatched] = messages
  const signals = [answered?.signal, watched?.signal]
  answered?.finish()
  // Who listens may answer another message that is lost at the same time.
  let late: boolean | undefined
  watched?.signal.addEventListener('abort', () => (late = unwatched?.finish()))
  nsqd.open[0]?.socket.destroy()
  await until(() => late !== undefined)
  assert.equal(late, false)
  assert.deepEqual(
    signals.map(signal => signal?.aborted),
    [false, true],
  )
  assert.equal(unwatched?.signal.aborted, true)
})

test('behind a handler that never settles nothing piles up: what nsqd has taken back is dropped', async () => {
  const nsqd = await consuming.nsqd()
  nsqd.identifyReply = granted(40, 80)
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 10,
    handler: () => new Promise(() => {}),
  })
  nsqd.queue('1', '2', '3', '4')
  await consumer.start()
  await until(() => consumer.inFlight === 4)
  await until(() => consumer.inFlight === 1)
})

test('our own nsqd: a handler of three timeouts gets its message once', async () => {
  const nsqd = await daemons.nsqd({ msgTimeout: 1000 })
  await nsqd.publish('t', [Buffer.from('slow'), Buffer.from('behind')], 0)
  const attempts: number[] = []
  const consumer = consuming.consumer({
    nsqd: tcp(nsqd),
    maxInFlight: 2,
    handler: async message => {
      attempts.push(message.attempts)
      await pause(1500)
    },
  })
  await consumer.start()
  const channel = (): number => nsqd.topics.get('t')?.channels.get('c')?.inFlightCount ?? -1
  await until(() => attempts.length === 2 && channel() === 0)
  assert.deepEqual(attempts, [1, 1])
})
