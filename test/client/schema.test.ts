import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  checkWith,
  SchemaError,
  type StandardResult,
  type StandardSchemaV1,
} from '../../src/client/schema.ts'

const order = z.object({ id: z.number(), items: z.array(z.object({ price: z.number() })) })
const WHAT = 'message 0a1b of orders'

function schemaOf<T>(
  validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>,
): StandardSchemaV1<unknown, T> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

/** What it throws or rejects with. */
async function failure(act: () => unknown): Promise<SchemaError> {
  let thrown: unknown
  try {
    await act()
  } catch (error) {
    thrown = error
  }
  assert.ok(thrown instanceof SchemaError, `threw ${String(thrown)}`)
  return thrown
}

test('a good value passes, without a promise', () => {
  const value = { id: 1, items: [{ price: 2 }] }
  assert.deepEqual(checkWith(order, value, WHAT), value)
})

test('what the validator makes of a value is what comes out', () => {
  const date = z.string().transform(text => new Date(text))
  const checked = checkWith(date, '2020-01-01T00:00:00Z', WHAT)
  assert.ok(checked instanceof Date && checked.getUTCFullYear() === 2020)
})

test('a bad value is E_SCHEMA, which says what and where', async () => {
  const error = await failure(() => checkWith(order, { id: 'x', items: [{ price: 'y' }] }, WHAT))
  assert.equal(error.code, 'E_SCHEMA')
  assert.match(
    error.message,
    /^message 0a1b of orders is not what the schema wants: id: .*; items\[0\]\.price: /,
  )
  assert.deepEqual(
    error.issues.map(issue => issue.path),
    [['id'], ['items', 0, 'price']],
  )
})

test('of many issues the text shows the first', async () => {
  const issues = ['a', 'b', 'c', 'd', 'e'].map(message => ({ message }))
  const error = await failure(() =>
    checkWith(
      schemaOf(() => ({ issues })),
      1,
      WHAT,
    ),
  )
  assert.match(error.message, /wants: a; b; c; and 2 more$/)
  assert.equal(error.issues.length, 5)
})

test('paths come as keys, or as objects that have them', async () => {
  const tag = Symbol('tag')
  const issues = [{ message: 'no', path: [{ key: 'a' }, 1, { key: tag }] }]
  const error = await failure(() =>
    checkWith(
      schemaOf(() => ({ issues })),
      1,
      WHAT,
    ),
  )
  assert.match(error.message, /wants: a\[1\]\.Symbol\(tag\): no$/)
})

test('a validator may take its time', async () => {
  const known = z.string().refine(async id => Promise.resolve(id === 'known'), 'is not known')
  assert.equal(await checkWith(known, 'known', WHAT), 'known')
  const error = await failure(() => checkWith(known, 'other', WHAT))
  assert.match(error.message, /is not known/)
})

test('one that throws or rejects is E_SCHEMA too', async () => {
  const cause = new Error('no database')
  const throwing = schemaOf(() => {
    throw cause
  })
  const rejecting = schemaOf(() => Promise.reject(cause))
  for (const schema of [throwing, rejecting]) {
    const error = await failure(() => checkWith(schema, 1, WHAT))
    assert.equal(error.message, 'message 0a1b of orders could not be checked: no database')
    assert.equal(error.cause, cause)
    assert.deepEqual(error.issues, [])
  }
})
