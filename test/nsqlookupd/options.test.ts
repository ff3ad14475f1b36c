import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nsqlookupdOptions, resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'

test('every flag of the official nsqlookupd is there', () => {
  const official = [
    'broadcast-address',
    'config',
    'http-address',
    'inactive-producer-timeout',
    'log-level',
    'log-prefix',
    'tcp-address',
    'tombstone-lifetime',
    'verbose',
    'version',
  ]
  assert.deepEqual(Object.keys(nsqlookupdOptions).sort(), official)
})

test('with the official defaults', () => {
  assert.deepEqual(resolveNsqlookupdOptions(), {
    tcpAddress: '0.0.0.0:4160',
    httpAddress: '0.0.0.0:4161',
    broadcastAddress: undefined,
    inactiveProducerTimeout: 300_000,
    tombstoneLifetime: 45_000,
    logLevel: 'info',
    logPrefix: '[nsqlookupd] ',
    config: undefined,
    version: false,
    verbose: false,
  })
})

test('what is given wins', () => {
  assert.equal(resolveNsqlookupdOptions({ tombstoneLifetime: 1 }).tombstoneLifetime, 1)
})
