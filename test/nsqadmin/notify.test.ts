import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { basicUser } from '../../src/nsqadmin/access.ts'
import { serve } from '../support/serve.ts'
import { until } from '../support/wait.ts'
import { start } from './rig.ts'

/** Takes notifications; answers with this status, or never. */
async function endpoint(
  t: TestContext,
  status: number | 'never' = 200,
): Promise<{ url: string; got: Record<string, unknown>[]; types: (string | undefined)[] }> {
  const got: Record<string, unknown>[] = []
  const types: (string | undefined)[] = []
  const address = await serve(t, (request, response) => {
    const take = async (): Promise<void> => {
      got.push(Object(JSON.parse(await text(request))))
      types.push(request.headers['content-type'])
      if (status !== 'never') response.writeHead(status).end()
    }
    void take()
  })
  return { url: `http://${address}/hook?key=s3cret`, got, types }
}

test('each change is told, in order, as the official nsqadmin does', async t => {
  const { url, got, types } = await endpoint(t)
  const rig = await start(t, { notificationHttpEndpoint: url })
  await rig.publish('t', 'one')
  const headers = {
    Authorization: `Basic ${Buffer.from('ann:pass:word').toString('base64')}`,
    'User-Agent': 'test',
    'X-Scheme': 'https',
  }
  const send = async (method: string, path: string, body?: unknown): Promise<number> =>
    (await rig.send(method, path, body, headers)).status
  const node = rig.admin.cluster.lookupds.length === 1 ? (await rig.admin.cluster.nodes()).value[0]?.node : ''
  assert.equal(await send('POST', '/api/topics', { topic: 't', channel: 'c' }), 200)
  assert.equal(await send('POST', '/api/topics/t?x=1', { action: 'pause' }), 200)
  assert.equal(await send('POST', '/api/topics/t/c', { action: 'unpause' }), 200)
  assert.equal(await send('POST', '/api/topics/t/c', { action: 'empty' }), 200)
  assert.equal(await send('DELETE', '/api/topics/t/c'), 200)
  assert.equal(await send('DELETE', `/api/nodes/${node}`, { topic: 't' }), 200)
  // What was not done is not told.
  assert.equal(await send('POST', '/api/topics/nope', { action: 'pause' }), 502)
  assert.equal(await send('POST', '/api/topics/t', { action: 'wat' }), 400)
  await until(() => got.length === 7)
  assert.deepEqual(
    got.map(({ action, topic, channel, node }) => [action, topic, channel, node]),
    [
      ['create_topic', 't', undefined, undefined],
      ['create_channel', 't', 'c', undefined],
      ['pause_topic', 't', undefined, undefined],
      ['unpause_channel', 't', 'c', undefined],
      ['empty_channel', 't', 'c', undefined],
      ['delete_channel', 't', 'c', undefined],
      ['tombstone_topic_producer', 't', undefined, node],
    ],
  )
  const { timestamp, remote_ip: remote, ...rest } = got[2] ?? {}
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
  assert.match(String(remote), /^127\.0\.0\.1:\d+$/)
  assert.deepEqual(rest, {
    action: 'pause_topic',
    topic: 't',
    user: 'ann',
    user_agent: 'test',
    url: `${rig.base.replace('http:', 'https:')}/api/topics/t?x=1`,
    via: hostname(),
  })
  assert.ok(types.every(type => type === 'application/json'))
})

test('a user whom a proxy names in the header is told, too', async t => {
  const { url, got } = await endpoint(t)
  const rig = await start(t, { notificationHttpEndpoint: url, adminUser: ['ann'] })
  await rig.send('POST', '/api/topics', { topic: 't' }, { 'X-Forwarded-User': 'ann' })
  await until(() => got.length === 1)
  assert.equal(got[0]?.['user'], 'ann')
})

test('an endpoint that never answers holds nothing up, nor does one that is not there', async t => {
  const { url, got } = await endpoint(t, 'never')
  const rig = await start(t, { notificationHttpEndpoint: url })
  for (const topic of ['a', 'b', 'c'])
    assert.equal((await rig.send('POST', '/api/topics', { topic })).status, 200)
  await until(() => got.length === 1)
  await rig.admin.close()
  assert.ok(rig.lines.some(line => /WARNING: a notification is lost/.test(line)))
  assert.ok(rig.lines.every(line => !line.includes('s3cret')))

  const nobody = await start(t, { notificationHttpEndpoint: 'http://127.0.0.1:1/' })
  assert.equal((await nobody.send('POST', '/api/topics', { topic: 'a' })).status, 200)
  await until(() => nobody.lines.some(line => /a notification is lost: .*ECONNREFUSED/.test(line)))
})

test('an endpoint that refuses is named in the log, without its path', async t => {
  const { url } = await endpoint(t, 500)
  const rig = await start(t, { notificationHttpEndpoint: url })
  await rig.send('POST', '/api/topics', { topic: 'a' })
  const { host } = new URL(url)
  await until(() => rig.lines.some(line => line.includes(`the notification endpoint ${host} answered 500`)))
})

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`
}

test('the user of basic authentication', () => {
  assert.equal(basicUser(basic('ann:pw')), 'ann')
  assert.equal(basicUser(basic('ann:p:w')), 'ann')
  for (const given of [undefined, '', 'Basic', 'Basic !', basic('ann'), basic(':pw'), 'Bearer x']) {
    assert.equal(basicUser(given), undefined, given)
  }
})
