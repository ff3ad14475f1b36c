/**
 * A program that uses the library. It is never run: it has to compile, here against the sources and in types.test.ts
 * against what is published, and each line that is marked must not.
 */
import * as z from 'zod'
import {
  type Codec,
  type ConnectionOptions,
  Consumer,
  json,
  type Message,
  type MessageHandler,
  NsqError,
  Producer,
  PublishError,
  raw,
  SchemaError,
  type StandardSchemaV1,
  text,
  type TlsOptions,
  version,
} from '../../src/index.ts'

/** Compiles only when the value's type is exactly this one: `any` is none. */
type Exactly<A, B> = 0 extends 1 & A ? never : [A, B] extends [B, A] ? A : never
function typed<A>(): <B>(value: B & Exactly<B, A>) => void {
  return () => {}
}

interface Order {
  id: number
  items: string[]
}

const subscription = { topic: 'orders', channel: 'mail', nsqd: '127.0.0.1:4150' }

export async function producing(): Promise<void> {
  const producer = new Producer({ nsqd: ['127.0.0.1:4150', '/run/nsqd.sock'], strategy: 'least-pending' })
  typed<Promise<void>>()(producer.publish('orders', 'text'))
  await producer.publish('orders', Buffer.from('bytes'), { defer: 1000 })
  await producer.publish('orders', ['several', new Uint8Array(3), Buffer.alloc(1)] as const)
  await producer.publishBatch('orders', [Buffer.from('bytes')])
  typed<number>()(producer.pendingBytes)
  await producer.room()
  await producer.close(1000)

  // @ts-expect-error a number is no message
  await producer.publish('orders', 7)
  // @ts-expect-error an object needs a codec
  await producer.publish('orders', { id: 7 })
  // @ts-expect-error the option is `defer`
  await producer.publish('orders', 'text', { delay: 1000 })
  // @ts-expect-error there is no such strategy
  void new Producer({ nsqd: 'a', strategy: 'random' })
  // @ts-expect-error it is `nsqd`
  void new Producer({ nsqdTCPAddresses: 'a' })
}

export async function encoding(order: Order): Promise<void> {
  const anything = new Producer({ nsqd: 'localhost', codec: json })
  await anything.publish('orders', order)
  await anything.publish('orders', [order, order])

  const orders = new Producer<Order>({ nsqd: 'localhost', codec: json })
  await orders.publish('orders', [order])
  // @ts-expect-error this one publishes orders
  await orders.publish('orders', { id: '7' })

  const binary: Codec<Order> = {
    encode: ({ id, items }) => Buffer.from(`${id} ${items.join(' ')}`),
    decode: bytes => ({ id: bytes.length, items: [] }),
  }
  const own = new Producer({ nsqd: 'localhost', codec: binary })
  await own.publish('orders', order)
  // @ts-expect-error its codec wants an order
  await own.publish('orders', 'text')

  const words = new Producer({ nsqd: 'localhost', codec: text })
  await words.publish('words', ['one', 'two'])
  // @ts-expect-error the codec text wants strings
  await words.publish('words', Buffer.from('three'))
  // @ts-expect-error a decoder is no encoder
  void new Producer({ nsqd: 'localhost', codec: { decode: (bytes: Buffer) => bytes } })
}

export async function consuming(): Promise<void> {
  const consumer = new Consumer({
    ...subscription,
    concurrency: 10,
    maxInFlight: 100,
    handler: async message => {
      typed<Message>()(message)
      typed<Buffer>()(message.value)
      typed<Buffer>()(message.body)
      typed<bigint>()(message.timestamp)
      typed<number>()(message.attempts)
      typed<boolean>()(message.requeue(1000, { backoff: false }))
      await fetch('http://localhost', { signal: message.signal })
      // @ts-expect-error a delay is a number
      message.requeue('1s')
      // @ts-expect-error bodies are bytes unless there is a codec
      void message.value.id
    },
    onError: error => {
      typed<NsqError>()(error)
      typed<string>()(error.code)
      typed<string | undefined>()(error.remedy)
    },
  })
  await consumer.start()
  typed<readonly string[]>()(consumer.connections as readonly string[])
  await consumer.close()

  const callback = new Consumer({ ...subscription, codec: raw, onMessage: message => void message.finish() })
  typed<Consumer>()(callback)

  for await (const message of new Consumer(subscription)) {
    typed<Buffer>()(message.value)
    if (message.isLive) message.touch()
    break
  }

  // @ts-expect-error there is no topic
  void new Consumer({ channel: 'mail', nsqd: 'localhost' })
  // @ts-expect-error it is `concurrency`
  void new Consumer({ ...subscription, concurency: 2 })
}

const decode = (bytes: Buffer): Order => JSON.parse(bytes.toString())
const handler: MessageHandler<Order> = message => void message.value.id

export async function decoding(): Promise<void> {
  const words = new Consumer({ ...subscription, codec: text })
  typed<Consumer<string>>()(words)
  for await (const message of words) typed<string>()(message.value)

  const unknowns = new Consumer({ ...subscription, codec: json })
  for await (const message of unknowns) {
    typed<unknown>()(message.value)
    // @ts-expect-error JSON may be anything: a schema says what
    void message.value.id
  }

  // The program may say what it is, and is not checked.
  typed<Consumer<Order>>()(new Consumer({ ...subscription, codec: { decode }, handler }))
  // @ts-expect-error a handler for other values
  void new Consumer({ ...subscription, codec: text, handler })
  // @ts-expect-error an encoder is no decoder
  void new Consumer({ ...subscription, codec: { encode: (value: string) => value } })
}

export async function checking(): Promise<void> {
  const schema = z.object({ id: z.number(), placed: z.coerce.date() })
  const consumer = new Consumer({
    ...subscription,
    schema,
    maxAttempts: 3,
    handler: ({ value }) => {
      typed<number>()(value.id)
      typed<Date>()(value.placed)
      // @ts-expect-error it has no such property
      void value.items
    },
    deadLetter: (message, error) => {
      typed<Date | undefined>()(message.value?.placed)
      if (error instanceof SchemaError) typed<string[]>()(error.issues.map(issue => issue.message))
      // @ts-expect-error what did not decode has no value
      void message.value.placed
    },
    dedupe: { key: message => message.value.id, size: 1000, ms: 60_000 },
  })
  await consumer.start()

  const own: StandardSchemaV1<unknown, Order> = {
    '~standard': {
      version: 1,
      vendor: 'this program',
      validate: value =>
        typeof value === 'string'
          ? { value: { id: value.length, items: [value] } }
          : { issues: [{ message: 'no text' }] },
    },
  }
  for await (const { value } of new Consumer({ ...subscription, codec: text, schema: own }))
    typed<Order>()(value)
  // @ts-expect-error no schema
  void new Consumer({ ...subscription, schema: { parse: (value: unknown) => value } })
}

export async function securing(pem: string): Promise<void> {
  const tls: TlsOptions = { ca: [pem, Buffer.from(pem)], serverName: 'nsqd', minVersion: 'TLSv1.3' }
  const connection: ConnectionOptions = { tls, deflate: 9, authSecret: 'secret', heartbeatIntervalMs: 1000 }
  const producer = new Producer({ ...connection, lookupd: 'https://lookup.example.com:4161' })
  void new Consumer({ ...subscription, ...connection, tls: true, snappy: true, deflate: false })
  try {
    await producer.connect()
  } catch (error) {
    if (error instanceof PublishError) typed<number>()(error.unacknowledged)
    if (error instanceof NsqError) typed<unknown>()(error.cause)
  }
  // @ts-expect-error a level is a number
  void new Producer({ nsqd: 'localhost', deflate: '9' })
  // @ts-expect-error there is no such version
  void new Producer({ nsqd: 'localhost', tls: { minVersion: 'SSLv2' } })
  typed<string>()(version)
}
