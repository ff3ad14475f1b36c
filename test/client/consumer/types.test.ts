/** What the compiler makes of the client's types. `npm run typecheck` is the test; here it only has to run. */
import { test } from 'node:test'
import { z } from 'zod'
import {
  Consumer,
  json,
  raw,
  text,
  type ConsumerOptions,
  type Decoder,
  type Message,
  type MessageHandler,
  type NsqError,
} from '../../../src/index.ts'
import { TOPIC } from './consuming.ts'

/** True when both are the same, and `A` is not any. */
type Equal<A, B> = 0 extends 1 & A ? false : [A, B] extends [B, A] ? true : false

/** Compiles only when `T` is true. */
function sure<T extends true>(is: T): T {
  return is
}

interface Order {
  id: string
}

const base = { ...TOPIC, nsqd: 'localhost' }
const order = z.object({ id: z.string() })
const dated = z.object({ at: z.string().transform(at => new Date(at)) })

test('the values of a consumer have the type of its codec or schema, and the handler gets them', () => {
  const plain = new Consumer({ ...base, handler: message => sure<Equal<typeof message.value, Buffer>>(true) })
  sure<Equal<typeof plain, Consumer>>(true)
  const rawToo = new Consumer({
    ...base,
    codec: raw,
    onMessage: ({ value }) => sure<Equal<typeof value, Buffer>>(true),
  })
  sure<Equal<typeof rawToo, Consumer>>(true)

  const texts = new Consumer({
    ...base,
    codec: text,
    handler: ({ value }) => sure<Equal<typeof value, string>>(true),
  })
  sure<Equal<typeof texts, Consumer<string>>>(true)
  // In any order, and asynchronous.
  const reversed = new Consumer({
    handler: async ({ value }) => sure<Equal<typeof value, string>>(true),
    codec: text,
    ...base,
  })
  sure<Equal<typeof reversed, Consumer<string>>>(true)
  const parsed = new Consumer({
    ...base,
    codec: json,
    handler: ({ value }) => sure<Equal<typeof value, unknown>>(true),
  })
  sure<Equal<typeof parsed, Consumer<unknown>>>(true)

  const own = new Consumer({
    ...base,
    codec: { decode: bytes => ({ length: bytes.length }) },
    handler: ({ value }) => sure<Equal<typeof value, { length: number }>>(true),
  })
  sure<Equal<typeof own, Consumer<{ length: number }>>>(true)

  const checked = new Consumer({
    ...base,
    codec: json,
    schema: order,
    handler: ({ value }) => sure<Equal<typeof value, { id: string }>>(true),
    deadLetter(message, error) {
      sure<Equal<typeof message.value, { id: string } | undefined>>(true)
      sure<Equal<typeof error, NsqError>>(true)
    },
    dedupe: { key: message => message.value.id },
  })
  sure<Equal<typeof checked, Consumer<{ id: string }>>>(true)
  // What comes out of the schema counts, not what goes in.
  const transformed = new Consumer({ ...base, schema: dated })
  sure<Equal<typeof transformed, Consumer<{ at: Date }>>>(true)
})

test('the messages of a loop have that type', () => {
  const consumer = new Consumer({ ...base, schema: order })
  type Loop = ReturnType<(typeof consumer)[typeof Symbol.asyncIterator]>
  sure<Equal<Loop, AsyncIterator<Message<{ id: string }>, undefined>>>(true)
})

test('options may be put together beforehand', () => {
  const options: ConsumerOptions = { ...base, maxInFlight: 5 }
  const plain = new Consumer(options)
  sure<Equal<typeof plain, Consumer>>(true)
  const more: Partial<ConsumerOptions> = {}
  const spread = new Consumer({
    ...base,
    ...more,
    handler: ({ value }) => sure<Equal<typeof value, Buffer>>(true),
  })
  sure<Equal<typeof spread, Consumer>>(true)
  const orders: ConsumerOptions<Order> = { ...base, schema: order }
  const typed = new Consumer(orders)
  sure<Equal<typeof typed, Consumer<Order>>>(true)
  const coded: ConsumerOptions<number> = { ...base, codec: { decode: ({ length }) => length } }
  const numbers = new Consumer(coded)
  sure<Equal<typeof numbers, Consumer<number>>>(true)
})

function consume<T>(codec: Decoder<T>, handler: MessageHandler<T>): Consumer<T> {
  return new Consumer({ ...base, codec, handler })
}

test('a generic wrapper keeps the type', () => {
  const consumer = consume(text, ({ value }) => sure<Equal<typeof value, string>>(true))
  sure<Equal<typeof consumer, Consumer<string>>>(true)
})

/** Never called. */
export function doesNotCompile(): unknown[] {
  return [
    // @ts-expect-error nothing makes orders of the bodies
    new Consumer({ ...base, handler: (message: Message<Order>) => message.value.id }),
    // @ts-expect-error nor when they are asked for by name
    new Consumer<Order>({ ...base }),
    // @ts-expect-error JSON may be anything: a schema says what
    new Consumer<Order>({ ...base, codec: json }),
    // @ts-expect-error the codec makes strings
    new Consumer({ ...base, codec: text, handler: (message: Message<number>) => message.value + 1 }),
    // @ts-expect-error the schema makes orders
    new Consumer({ ...base, schema: order, handler: (message: Message<string>) => message.value }),
    // @ts-expect-error there is no such option
    new Consumer({ ...base, maxInflight: 5 }),
  ]
}
