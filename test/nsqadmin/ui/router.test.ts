import assert from 'node:assert/strict'
import { test } from 'node:test'
import { belowBase, parseRoute, routePath, routeTitle, type Route } from '../../../src/nsqadmin/ui/router.ts'

const ROUTES: [string, Route][] = [
  ['topics/orders', { page: 'topic', topic: 'orders' }],
  ['topics/orders%23ephemeral', { page: 'topic', topic: 'orders#ephemeral' }],
  ['topics/orders/mail%23ephemeral', { page: 'channel', topic: 'orders', channel: 'mail#ephemeral' }],
  ['nodes', { page: 'nodes' }],
  ['nodes/10.0.0.1%3A4151', { page: 'node', node: '10.0.0.1:4151' }],
  ['lookup', { page: 'lookup' }],
  ['counter', { page: 'counter' }],
]

test('an address leads to a page, and the page has that address', () => {
  for (const [path, route] of ROUTES) {
    assert.deepEqual(parseRoute(path), route)
    assert.equal(routePath(route), path)
  }
})

test('the topics are at the base path, and at its /topics', () => {
  for (const path of ['', 'topics', 'topics/']) assert.deepEqual(parseRoute(path), { page: 'topics' })
  assert.equal(routePath({ page: 'topics' }), './')
})

test('a node may be given unencoded, as the official nsqadmin links it', () => {
  assert.deepEqual(parseRoute('nodes/10.0.0.1:4151'), { page: 'node', node: '10.0.0.1:4151' })
})

test('what is no address of a page says so, and breaks nothing', () => {
  for (const path of ['nope', 'topics/a/b/c', 'counter/1', 'topics/%E0%A4%A', '%']) {
    assert.deepEqual(parseRoute(path), { page: 'unknown', path })
    assert.equal(routePath({ page: 'unknown', path }), path)
  }
})

test('below a base path', () => {
  assert.equal(belowBase('/admin/nsq/topics/a', '/admin/nsq/'), 'topics/a')
  assert.equal(belowBase('/topics/a', '/'), 'topics/a')
  assert.equal(belowBase('/', '/'), '')
})

test('titles name what is shown', () => {
  assert.equal(routeTitle({ page: 'topics' }), 'Topics')
  assert.equal(routeTitle({ page: 'topic', topic: 'orders' }), 'orders')
  assert.equal(routeTitle({ page: 'channel', topic: 'orders', channel: 'mail' }), 'mail of orders')
  assert.equal(routeTitle({ page: 'node', node: 'a:1' }), 'a:1')
  assert.equal(routeTitle({ page: 'unknown', path: 'x' }), 'Not found')
})
