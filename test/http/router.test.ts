import assert from 'node:assert/strict'
import { test } from 'node:test'
import { empty } from '../../src/http/reply.ts'
import { parseTarget, Router, type Route } from '../../src/http/router.ts'

const route = (method: string, path: string): Route => ({ method, path, handle: () => empty() })
const router = new Router([
  route('GET', '/ping'),
  route('GET', '/config/:name'),
  route('PUT', '/config/:name'),
  route('GET', '/a/:x/b/:y'),
])

test('finds the route by method and path', () => {
  assert.equal(router.match('GET', '/ping').route.path, '/ping')
  assert.equal(router.match('PUT', '/config/log_level').route.method, 'PUT')
  assert.deepEqual(router.match('GET', '/config/log_level').params, { name: 'log_level' })
  assert.deepEqual(router.match('GET', '/a/1%202/b/%23').params, { x: '1 2', y: '#' })
})

test('an unknown path is 404, a wrong method 405', () => {
  for (const path of [
    '/nope',
    '/',
    '',
    '/ping/',
    '/config',
    '/config/',
    '/config/%ZZ',
    '/config/a/b',
    '/constructor',
  ]) {
    assert.throws(() => router.match('GET', path), { status: 404, message: 'NOT_FOUND' }, path)
  }
  assert.throws(() => router.match('POST', '/ping'), { status: 405, message: 'METHOD_NOT_ALLOWED' })
  assert.throws(() => router.match('HEAD', '/config/x'), { status: 405 })
})

test('cuts a target at the first question mark', () => {
  assert.deepEqual(parseTarget('/a'), { path: '/a', query: '' })
  assert.deepEqual(parseTarget('/a?b=c?d'), { path: '/a', query: 'b=c?d' })
})
