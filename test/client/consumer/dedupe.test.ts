import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { json } from '../../../src/client/codec.ts'
import { Dedupe } from '../../../src/client/consumer/dedupe.ts'
import { Delivery, type DeliverySource } from '../../../src/client/consumer/delivery.ts'
import { Consumer, Producer, type Message } from '../../../src/index.ts'
import { formatId } from '../../../src/protocol/message-id.ts'
import { MESSAGE_OVERHEAD, FRAME_HEADER, writeMessageHeader } from '../../../src/protocol/message.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { pause, until } from '../../support/wait.ts'
import { Consuming, TOPIC } from './consuming.ts'
import { QUICK } from '../rig.ts'
import { Daemons, tcp } from '../daemons.ts'

const consuming = new Consuming()
const daemons = new Daemons()
afterEach(async () => {
  await consuming.close()
  await daemons.close()
})

/** A connection that notes what its messages are answered with. */
class Source implements DeliverySource {
  readonly topic = 't'
  readonly nsqd: string
  readonly log: string[] = []

  constructor(nsqd = 'a:1') {
    this.nsqd = nsqd
  }

  deliver(id: number, body = '', attempts = 1): Delivery {
    const frame = Buffer.alloc(MESSAGE_OVERHEAD + body.length)
    writeMessageHeader(frame, 0, body.length, 0, 0, attempts, 0, id)
    frame.write(body, MESSAGE_OVERHEAD)
    return new Delivery(this, frame, FRAME_HEADER, frame.length)
  }

  finish(delivery: Delivery, counts: boolean): void {
    this.log.push(`${counts ? 'FIN' : 'discard'} ${number(delivery)}`)
  }

  requeue(delivery: Delivery): void {
    this.log.push(`REQ ${number(delivery)}`)
  }

  touch(): void {}

  supersede(delivery: Delivery): void {
    delivery.lose()
    this.log.push(`superseded ${number(delivery)}`)
  }
}

function number({ id }: Delivery): number {
  return Number.parseInt(id, 16)
}

function setUp(options: Partial<ConstructorParameters<typeof Dedupe>[0]> = {}): {
  dedupe: Dedupe
  admitted: Delivery[]
  errors: NsqError[]
} {
  const admitted: Delivery[] = []
  const errors: NsqError[] = []
  const dedupe = new Dedupe(
    { key: undefined, size: 100, ms: 60_000, ...options },
    { admitted: delivery => admitted.push(delivery), keyFailed: error => errors.push(error) },
  )
  return { dedupe, admitted, errors }
}

const byBody = { key: ({ body }: Delivery): string => body.toString() }

test('a copy of one in hand waits, and is finished with it', () => {
  const { dedupe, admitted } = setUp(byBody)
  const [a, b] = [new Source('a:1'), new Source('b:1')]
  const first = a.deliver(1, 'x')
  for (const delivery of [first, b.deliver(2, 'x'), a.deliver(3, 'x')]) dedupe.push(delivery)
  assert.deepEqual(admitted, [first])
  assert.deepEqual([a.log, b.log], [[], []])
  first.finish()
  assert.deepEqual([a.log, b.log], [['FIN 1', 'discard 3'], ['discard 2']])
})

test('one that was lost and never answered is forgotten in time, and its copy handled', async () => {
  const { dedupe, admitted } = setUp({ ...byBody, ms: 20 })
  const [a, b] = [new Source('a:1'), new Source('b:1')]
  const [first, copy, other] = [a.deliver(1, 'x'), b.deliver(2, 'x'), b.deliver(3, 'y')]
  for (const delivery of [first, copy, other]) dedupe.push(delivery)
  first.lose()
  dedupe.sweep()
  await pause(30)
  assert.deepEqual(admitted, [first, other])
  dedupe.sweep()
  await pause(0)
  assert.deepEqual(admitted, [first, other, copy])
})

test('a copy of one that was finished is finished at once', () => {
  const { dedupe, admitted } = setUp(byBody)
  const source = new Source()
  const first = source.deliver(1, 'x')
  dedupe.push(first)
  first.finish()
  dedupe.push(source.deliver(2, 'x'))
  dedupe.push(source.deliver(3, 'y'))
  assert.deepEqual(source.log, ['FIN 1', 'discard 2'])
  assert.deepEqual(admitted.map(number), [1, 3])
})

test('when the one in hand fails, the next of its copies is handled, and the others wait for that', async () => {
  const { dedupe, admitted } = setUp(byBody)
  const source = new Source()
  for (const id of [1, 2, 3]) dedupe.push(source.deliver(id, 'x'))
  admitted[0]?.requeue()
  await until(() => admitted.length === 2)
  admitted[1]?.finish()
  assert.deepEqual(source.log, ['REQ 1', 'FIN 2', 'discard 3'])
})

test('thousands of copies that all fail at once do so one after the other', async () => {
  const source = new Source()
  const admitted: Delivery[] = []
  const dedupe = new Dedupe(
    { ...byBody, size: 100, ms: 60_000 },
    {
      admitted(delivery) {
        admitted.push(delivery)
        if (admitted.length > 1) delivery.requeue()
      },
      keyFailed() {},
    },
  )
  for (let id = 0; id < 20_000; id++) dedupe.push(source.deliver(id, 'x'))
  assert.equal(admitted.length, 1)
  admitted[0]?.requeue()
  await until(() => source.log.length === 20_000)
  assert.equal(admitted.length, 20_000)
})

test('the id tells the same message, for each nsqd by itself', () => {
  const { dedupe, admitted } = setUp()
  const [a, again, b] = [new Source('a:1'), new Source('a:1'), new Source('b:1')]
  for (const source of [a, b, again]) dedupe.push(source.deliver(7))
  assert.deepEqual(
    admitted.map(({ nsqd }) => nsqd),
    ['a:1', 'b:1'],
  )
})

test('one that was lost counts when it is finished after all: its redelivery is finished', () => {
  const { dedupe, admitted } = setUp()
  const [before, after] = [new Source(), new Source()]
  const first = before.deliver(1)
  dedupe.push(first)
  first.lose()
  dedupe.push(after.deliver(1))
  assert.equal(admitted.length, 1)
  assert.equal(first.finish(), false)
  assert.deepEqual([before.log, after.log], [[], ['discard 1']])
})

test('one that was lost and fails: its redelivery is handled', async () => {
  const { dedupe, admitted } = setUp()
  const [before, after] = [new Source(), new Source()]
  const first = before.deliver(1)
  dedupe.push(first)
  first.lose()
  const second = after.deliver(1)
  dedupe.push(second)
  first.requeue()
  await until(() => admitted.length === 2)
  assert.equal(admitted[1], second)
})

test('one that was lost and never answered gives way to a copy that comes after ms', async () => {
  const { dedupe, admitted } = setUp({ ms: 20 })
  const [before, after, later] = [new Source(), new Source(), new Source()]
  const first = before.deliver(1)
  dedupe.push(first)
  first.lose()
  await pause(30)
  const second = after.deliver(1)
  dedupe.push(second)
  assert.deepEqual(admitted, [first, second])
  // Its late answer does not take the place away again.
  first.requeue()
  dedupe.push(later.deliver(1))
  assert.equal(admitted.length, 2)
  second.finish()
  assert.deepEqual([after.log, later.log], [['FIN 1'], ['discard 1']])
})

test('delivered again over the same connection, only the newest is answered', () => {
  const { dedupe, admitted } = setUp()
  const source = new Source()
  const first = source.deliver(1)
  for (const delivery of [first, source.deliver(1, '', 2), source.deliver(1, '', 3)]) dedupe.push(delivery)
  assert.equal(admitted.length, 1)
  first.finish()
  assert.deepEqual(source.log, ['superseded 1', 'superseded 1', 'discard 1'])
})

test('no more is remembered than size says, the oldest go first', () => {
  const { dedupe, admitted } = setUp({ ...byBody, size: 3 })
  const source = new Source()
  for (const [id, body] of ['a', 'b', 'c', 'd'].entries()) {
    const delivery = source.deliver(id, body)
    dedupe.push(delivery)
    delivery.finish()
  }
  admitted.length = 0
  for (const [id, body] of ['b', 'c', 'd', 'a'].entries()) dedupe.push(source.deliver(id, body))
  assert.deepEqual(
    admitted.map(({ body }) => body.toString()),
    ['a'],
  )
})

test('nothing is remembered for longer than ms', async () => {
  const { dedupe, admitted } = setUp({ ms: 10 })
  const source = new Source()
  const first = source.deliver(1)
  dedupe.push(first)
  first.finish()
  await pause(20)
  dedupe.push(source.deliver(1))
  assert.equal(admitted.length, 2)
})

test('a key function that throws is told, and its message handled', () => {
  const { dedupe, admitted, errors } = setUp({
    key: () => {
      throw new Error('no key')
    },
  })
  dedupe.push(new Source().deliver(1))
  assert.equal(admitted.length, 1)
  assert.equal(errors[0]?.code, 'E_DEDUPE_KEY')
  assert.match(errors[0].message, new RegExp(`message ${formatId(0, 1)} of nsqd a:1: no key`))
})

test('a redundant pair: each message is handled once, by a key from its value', async () => {
  const pair = [await daemons.nsqd(), await daemons.nsqd()]
  const nsqd = pair.map(tcp)
  const seen: number[] = []
  const consumer = consuming.closing(
    new Consumer({
      ...TOPIC,
      ...QUICK,
      nsqd,
      maxInFlight: 20,
      codec: json,
      dedupe: { key: message => String(message.value) },
      handler: async message => {
        await pause(1)
        seen.push(Number(message.value))
      },
    }),
  )
  await consumer.start()
  const producer = consuming.closing(new Producer({ nsqd, strategy: 'all' }))
  const numbers = Array.from({ length: 500 }, (_, i) => i)
  await Promise.all(numbers.map(n => producer.publish('t', String(n))))
  const left = (): number =>
    pair.reduce((sum, { topics }) => {
      const channel = topics.get('t')?.channels.get('c')
      return sum + (channel?.depth ?? 1) + (channel?.inFlightCount ?? 1)
    }, 0)
  await until(() => seen.length >= 500 && left() === 0)
  assert.deepEqual(seen.toSorted(byNumber), numbers)
})

test('a handler that outlives its connection: the redelivery waits for it and is not handled', async () => {
  const nsqd = await consuming.nsqd()
  const handled: Message[] = []
  let end: (() => void) | undefined
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 5,
    concurrency: 5,
    dedupe: true,
    handler: message => {
      handled.push(message)
      return new Promise<void>(resolve => (end = resolve))
    },
  })
  nsqd.queue('1')
  await consumer.start()
  await until(() => handled.length === 1)
  nsqd.open[0]?.socket.destroy()
  await until(() => nsqd.sessions[1]?.inFlight.size === 1)
  end?.()
  await until(() => nsqd.finished.length === 1)
  assert.equal(handled.length, 1)
  // And one that comes after that is finished at once.
  nsqd.putBack({ id: formatId(0, 1), attempts: 2, body: '1' })
  await until(() => nsqd.finished.length === 2)
  assert.equal(handled.length, 1)
})

test('one that was handled is not given up when it comes once more too often', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxAttempts: 1, dedupe: {}, handler() {} })
  nsqd.queue('1')
  await consumer.start()
  await until(() => nsqd.finished.length === 1)
  nsqd.putBack({ id: formatId(0, 1), attempts: 1, body: '1' })
  await until(() => nsqd.finished.length === 2)
  assert.deepEqual(consuming.codes, [])
})

test('closing gives waiting copies back when the one in hand fails, and finishes them when it does not', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const consumer = consuming.consumer({
    nsqd: nsqd.address,
    maxInFlight: 10,
    dedupe: { key: ({ body }) => body.toString() },
    onMessage: message => held.push(message),
  })
  nsqd.queue('good', 'good', 'bad', 'bad')
  await consumer.start()
  await until(() => nsqd.inFlight === 4 && held.length === 2)
  const closed = consumer.close()
  await until(() => nsqd.open[0]?.commands.includes('CLS') === true)
  const [good, bad] = held
  good?.finish()
  bad?.requeue(5)
  await closed
  assert.deepEqual(nsqd.finished, ['good', 'good'])
  assert.deepEqual(nsqd.requeued.map(({ delayMs }) => delayMs).toSorted(byNumber), [0, 5])
})

function make(dedupe: object): unknown {
  return new Consumer({ ...TOPIC, nsqd: 'localhost', dedupe })
}

test('the options are checked', () => {
  assert.throws(() => make({ size: 0 }), { code: 'E_OPTION', message: /dedupe.size .* 1 to 10000000/ })
  assert.throws(() => make({ ms: 0.5 }), { code: 'E_OPTION', message: /dedupe.ms/ })
  assert.throws(() => make({ key: 'id' }), { code: 'E_OPTION', message: /dedupe.key/ })
})

function byNumber(a: number, b: number): number {
  return a - b
}
