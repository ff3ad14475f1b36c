import assert from 'node:assert/strict'
import Module from 'node:module'
import { test } from 'node:test'
import { isSnappyAvailable, snappyLayer } from '../../src/net/snappy.ts'

// A file of its own, as what has been loaded stays. The package is there, but not the library for this platform.
const load: unknown = Reflect.get(Module, '_load')
assert.ok(typeof load === 'function')
Reflect.set(Module, '_load', (name: string, ...rest: unknown[]): unknown => {
  if (name === 'snappy') throw new Error('no native library')
  return Reflect.apply(load, Module, [name, ...rest])
})

test('without a library for this platform there is no snappy, and nothing else is amiss', async () => {
  assert.equal(isSnappyAvailable(), false)
  await assert.rejects(snappyLayer(), {
    code: 'E_SNAPPY',
    message: 'snappy cannot be loaded: no native library',
    remedy: /deflate/,
  })
})
