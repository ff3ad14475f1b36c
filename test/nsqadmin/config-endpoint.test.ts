import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogLevel } from '../../src/util/logger.ts'
import { type Rig, start } from './rig.ts'

async function config(rig: Rig, name: string, body?: unknown): Promise<[number, string]> {
  const response =
    body === undefined ? await rig.get(`/config/${name}`) : await rig.send('PUT', `/config/${name}`, body)
  return [response.status, await response.text()]
}

const INVALID_VALUE = [400, '{"message":"INVALID_VALUE"}']
const INVALID_OPTION = [400, '{"message":"INVALID_OPTION"}']

test('any option by its official name: durations in nanoseconds, text bare', async t => {
  const rig = await start(t, { adminUser: [], basePath: '/nsq' })
  assert.deepEqual(await config(rig, 'base_path'), [200, '/nsq'])
  assert.deepEqual(await config(rig, 'http_client_connect_timeout'), [200, '2000000000'])
  assert.deepEqual(await config(rig, 'admin_users'), [200, '[]'])
  assert.deepEqual(await config(rig, 'proxy_graphite'), [200, 'false'])
  assert.deepEqual(await config(rig, 'log_level'), [200, String(LogLevel.debug)])
  assert.deepEqual(await config(rig, 'graphite_url'), [200, ''])
  for (const name of [
    'nope',
    'admin_user',
    'admin-user',
    '__proto__',
    'constructor',
    'configFrom',
    'auth_token',
  ]) {
    assert.deepEqual(await config(rig, name), INVALID_OPTION, name)
  }
})

test('the log level and the nsqlookupds can be changed', async t => {
  const [rig, other] = [await start(t), await start(t)]
  await other.publish('there', 'x')
  assert.deepEqual(await config(rig, 'log_level', 'warn'), [200, String(LogLevel.warning)])
  assert.equal(rig.admin.logger.level, LogLevel.warning)
  const addresses = other.admin.cluster.lookupds
  assert.deepEqual(await config(rig, 'nsqlookupd_http_addresses', addresses), [
    200,
    JSON.stringify(addresses),
  ])
  assert.deepEqual(await rig.json('/api/topics'), { topics: ['there'], message: '' })
  assert.deepEqual(Object(await rig.json('/api/config')).lookupds, addresses)
  for (const bad of ['', 'x', '{}', '[]', '["a b"]', '[1]', '[null]', '["http://"]']) {
    const [status] = await config(rig, 'nsqlookupd_http_addresses', bad)
    assert.equal(status, bad === '' ? 413 : 400, bad)
  }
  assert.deepEqual(await config(rig, 'log_level', 'loud'), INVALID_VALUE)
  assert.deepEqual(await config(rig, 'base_path', '/x'), INVALID_OPTION)
  assert.equal((await config(rig, 'log_level', 'x'.repeat(1024 * 1024 + 1)))[0], 413)
  assert.deepEqual(rig.admin.cluster.lookupds, addresses)
})

test('who was given nsqds goes on with these', async t => {
  const rig = await start(t, {}, { direct: true })
  assert.deepEqual(await config(rig, 'nsqlookupd_http_addresses'), [200, '[]'])
  assert.deepEqual(await config(rig, 'nsqlookupd_http_addresses', ['127.0.0.1:4161']), INVALID_OPTION)
})

test('only from where --allow-config-from-cidr says', async t => {
  const [far, anywhere] = [
    await start(t, { allowConfigFromCidr: '10.0.0.0/8' }),
    await start(t, { allowConfigFromCidr: '' }),
  ]
  const forbidden = [403, '{"message":"FORBIDDEN"}']
  assert.deepEqual(await config(far, 'log_level'), forbidden)
  assert.deepEqual(await config(far, 'log_level', 'debug'), forbidden)
  assert.equal((await config(anywhere, 'log_level'))[0], 200)
})
