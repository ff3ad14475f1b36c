import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Message } from '../../../src/client/consumer/message.ts'
import { JsonRules } from '../../../src/cli/mirror/json-rules.ts'
import { Selection, type Selected } from '../../../src/cli/mirror/selection.ts'
import { UserMessage } from '../../../src/cli/mirror/user-message.ts'
import type { UserFunction } from '../../../src/cli/user-module.ts'

function messageOf(text: string): Message {
  const body = Buffer.from(text)
  return {
    topic: 't',
    nsqd: '127.0.0.1:4150',
    id: '0123456789abcdef',
    timestamp: 1_700_000_000_000_000_000n,
    attempts: 2,
    body,
    value: body,
    isAnswered: false,
    isLive: true,
    signal: new AbortController().signal,
    finish: () => true,
    requeue: () => true,
    touch: () => true,
  }
}

interface Flags {
  field?: string
  value?: string
  kept?: string[]
  filter?: UserFunction
  map?: UserFunction
}

function select(text: string, { field, value, kept = [], filter, map }: Flags): Selected | Promise<Selected> {
  const hasRules = field !== undefined || kept.length > 0
  const rules = hasRules ? new JsonRules({ field, value, kept }) : undefined
  return new Selection({ rules, filter, map }).select(messageOf(text))
}

/** As texts. */
async function shown(text: string, flags: Flags): Promise<string | string[]> {
  const selected = await select(text, flags)
  if (typeof selected === 'string') return `left out: ${selected}`
  return Buffer.isBuffer(selected) ? selected.toString() : selected.map(body => body.toString())
}

/** For what is to be seen of a message. */
function seen(argument: unknown): UserMessage {
  assert.ok(argument instanceof UserMessage)
  return argument
}

describe('--require-json-field and --require-json-value', () => {
  test('only objects with the field pass, as they are', async () => {
    const flags = { field: 'a' }
    assert.equal(await shown('{ "a": null }', flags), '{ "a": null }')
    assert.equal(await shown('{"b":1}', flags), 'left out: without the field')
    assert.equal(await shown('{"b":{"a":1}}', flags), 'left out: without the field')
    assert.equal(await shown('{}', { field: 'toString' }), 'left out: without the field')
    assert.equal(await shown('{"__proto__":1}', { field: '__proto__' }), '{"__proto__":1}')
    for (const text of ['[{"a":1}]', '"a"', 'null', '7']) {
      assert.equal(await shown(text, flags), 'left out: not a JSON object')
    }
    for (const text of ['a', '{"a":1', '\xff']) assert.equal(await shown(text, flags), 'left out: not JSON')
  })

  test('a value is a text or a number, as in nsq_to_nsq, or a word of JSON', async () => {
    const passes = async (json: string, value: string): Promise<boolean> =>
      (await shown(`{"a":${json}}`, { field: 'a', value })) === `{"a":${json}}`
    assert.ok(await passes('"x"', 'x'))
    assert.ok(await passes('"5"', '5'))
    assert.ok(await passes('5', '5'))
    assert.ok(await passes('5.0', '5'))
    assert.ok(await passes('500', '5e2'))
    assert.ok(await passes('true', 'true'))
    assert.ok(await passes('null', 'null'))
    assert.ok(await passes('""', ''))
    for (const [json, value] of [
      ['"x"', 'y'],
      ['5', '6'],
      ['5', 'x'],
      ['0', ''],
      ['false', 'true'],
      ['[5]', '5'],
      ['{}', '[object Object]'],
    ] as const) {
      assert.ok(!(await passes(json, value)), `${json} is not ${value}`)
    }
    assert.equal(await shown('{"b":5}', { field: 'a', value: '5' }), 'left out: without the field')
    assert.equal(await shown('{"a":6}', { field: 'a', value: '5' }), 'left out: another value')
  })

  test('--whitelist-json-field takes the rest away', async () => {
    assert.equal(await shown('{"a":1,"b":2,"c":3}', { kept: ['c', 'a'] }), '{"a":1,"c":3}')
    assert.equal(await shown('{"b":2}', { kept: ['a'] }), '{}')
    assert.equal(await shown('[1]', { kept: ['a'] }), 'left out: not a JSON object')
  })
})

const isLong: UserFunction = message => seen(message).body.length > 1

const measured: UserFunction = message => ({
  got: seen(message).json(),
  size: seen(message).body.length,
})

function mapped(result: unknown): Promise<string | string[]> {
  return shown('a', { map: () => result })
}

function boom(): never {
  throw new Error('boom')
}

describe('--filter', () => {
  test('lets pass what it says true of', async () => {
    assert.equal(await shown('ab', { filter: isLong }), 'ab')
    assert.equal(await shown('a', { filter: isLong }), 'left out: --filter')
    assert.equal(await shown('ab', { filter: async message => isLong(message) }), 'ab')
    assert.equal(await shown('a', { filter: async message => isLong(message) }), 'left out: --filter')
  })

  test('sees the message as it came', async () => {
    let found: object | undefined
    const filter: UserFunction = message => {
      const { topic, id, timestamp, attempts, nsqd, body } = seen(message)
      found = { topic, id, timestamp, attempts, nsqd, body: body.toString(), json: seen(message).json() }
      return true
    }
    await shown('{"a":1,"b":2}', { filter, kept: ['a'] })
    assert.deepEqual(found, {
      topic: 't',
      id: '0123456789abcdef',
      timestamp: 1_700_000_000_000_000_000n,
      attempts: 2,
      nsqd: '127.0.0.1:4150',
      body: '{"a":1,"b":2}',
      json: { a: 1, b: 2 },
    })
  })

  test('anything else than true or false is a mistake: a forgotten return would lose everything', () => {
    for (const result of [undefined, null, 1, 'true', {}]) {
      assert.throws(() => select('a', { filter: () => result }), {
        code: 'E_USER_CODE',
        message: /not true or false/,
      })
    }
  })
})

describe('--map', () => {
  test('what it returns is published', async () => {
    assert.equal(await mapped(Buffer.from('b')), 'b')
    assert.equal(await mapped(new Uint8Array([0x62])), 'b')
    assert.equal(await mapped('é'), 'é')
    assert.equal(await mapped({ b: 1 }), '{"b":1}')
    assert.deepEqual(await mapped(['b', { c: 1 }, Buffer.from('d')]), ['b', '{"c":1}', 'd'])
    assert.equal(await mapped(undefined), 'left out: --map')
    assert.equal(await mapped([]), 'left out: --map')
    assert.equal(await mapped(Promise.resolve('later')), 'later')
  })

  test('bytes are bytes, of whatever kind', async () => {
    const { buffer } = new Uint8Array([0x61, 0x62, 0x63])
    assert.equal(await mapped(buffer), 'abc')
    assert.equal(await mapped(new DataView(buffer, 1)), 'bc')
    assert.equal(await mapped(new Int8Array(buffer, 2)), 'c')
  })

  test('an array may have promises, as map() with an asynchronous function gives', async () => {
    assert.deepEqual(await mapped(['a', Promise.resolve({ b: 1 })]), ['a', '{"b":1}'])
    await assert.rejects(async () => mapped([Promise.resolve(null)]), { message: /returned null/ })
    await assert.rejects(async () => mapped([Promise.reject(new Error('boom'))]), { message: '--map: boom' })
  })

  test('what would be published as {} is a mistake', async () => {
    assert.equal(await mapped({}), '{}')
    assert.equal(await mapped(Object.create(null)), '{}')
    for (const result of [
      new Map([[1, 2]]),
      new Set([1]),
      new Error('boom'),
      /x/,
      (function* () {
        yield 'a'
      })(),
    ]) {
      assert.throws(() => select('a', { map: () => result }), {
        code: 'E_USER_CODE',
        message: '--map returned an object, of which JSON has nothing',
      })
    }
    assert.throws(() => select('a', { map: message => message }), { message: /return its body/ })
  })

  test('what is no message is a mistake', () => {
    const circular: { self?: object } = {}
    circular.self = circular
    for (const result of [
      null,
      1,
      true,
      '',
      [''],
      ['a', undefined],
      [null],
      // With a hole.
      Array(1),
      circular,
      { toJSON: () => undefined },
      Symbol('x'),
    ]) {
      assert.throws(() => select('a', { map: () => result }), { code: 'E_USER_CODE' })
    }
  })

  test('gets what passed the filter, without the fields that are not kept', async () => {
    assert.equal(
      await shown('{"a":1,"b":2}', { kept: ['a'], filter: () => true, map: measured }),
      '{"got":{"a":1},"size":7}',
    )
    assert.equal(await shown('{"a":1}', { filter: () => true, map: measured }), '{"got":{"a":1},"size":7}')
    assert.equal(await shown('{"a":1}', { filter: () => false, map: measured }), 'left out: --filter')
  })

  test('what it throws, or rejects with, is the message of the error', async () => {
    assert.throws(() => select('a', { map: boom }), { code: 'E_USER_CODE', message: '--map: boom' })
    assert.throws(() => select('a', { filter: boom }), { code: 'E_USER_CODE', message: '--filter: boom' })
    await assert.rejects(async () => select('a', { map: async () => boom() }), { message: '--map: boom' })
    await assert.rejects(async () => select('a', { map: async () => 7 }), {
      message: /a number, not a Buffer/,
    })
    const odd: unknown = Object.create(null)
    assert.throws(
      () =>
        select('a', {
          map: () => {
            throw odd
          },
        }),
      { message: /has no text/ },
    )
    assert.throws(() => select('not json', { map: message => seen(message).json() }), {
      message: /^--map: .*JSON/,
    })
  })
})
