import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, formatEndpoint, parseAddress, parseEndpoint } from '../../src/util/address.ts'

test('parses host and port', () => {
  assert.deepEqual(parseAddress('127.0.0.1:4150'), { host: '127.0.0.1', port: 4150 })
  assert.deepEqual(parseAddress('nsqd-1.example.com:80'), { host: 'nsqd-1.example.com', port: 80 })
  assert.deepEqual(parseAddress(':4150'), { host: '', port: 4150 })
  assert.deepEqual(parseAddress('[::1]:4150'), { host: '::1', port: 4150 })
  assert.deepEqual(parseAddress('[fe80::1%eth0]:0'), { host: 'fe80::1%eth0', port: 0 })
})

test('takes the default port when there is none', () => {
  assert.deepEqual(parseAddress('localhost', 4161), { host: 'localhost', port: 4161 })
  assert.deepEqual(parseAddress('[::1]', 4161), { host: '::1', port: 4161 })
  assert.deepEqual(parseAddress('localhost:1', 4161), { host: 'localhost', port: 1 })
})

test('refuses anything else, naming it and showing how', () => {
  for (const text of [
    '',
    'localhost',
    'a:b',
    'a:65536',
    'a:-1',
    'a:1:2',
    '::1',
    '[::1:80',
    'a b:1',
    'http://a:1',
  ]) {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) =>
        error instanceof RangeError && error.message.startsWith(`"${text}" is not an address`),
    )
  }
  assert.throws(() => parseAddress('::1'), /\[::1\]:4150/)
})

test('formats with brackets around IPv6', () => {
  for (const text of ['127.0.0.1:4150', '[::1]:4150', ':4150'])
    assert.equal(formatAddress(parseAddress(text)), text)
})

test('what has a slash is the path of a Unix socket', () => {
  assert.deepEqual(parseEndpoint('/run/nsqd.sock'), { path: '/run/nsqd.sock' })
  assert.deepEqual(parseEndpoint('./nsqd:4150'), { path: './nsqd:4150' })
  assert.deepEqual(parseEndpoint('nsqd:4150'), { host: 'nsqd', port: 4150 })
  assert.deepEqual(parseEndpoint('nsqd', 4150), { host: 'nsqd', port: 4150 })
  assert.throws(() => parseEndpoint('nsqd.sock'), RangeError)
  for (const text of ['/run/nsqd.sock', '[::1]:4150']) assert.equal(formatEndpoint(parseEndpoint(text)), text)
})
