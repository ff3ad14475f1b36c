/** Who may do what: what somebody tries who should not be able to. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { isOwn } from '../../src/nsqadmin/access.ts'
import { type Given, type Rig, start } from './rig.ts'
import { ask, CHANGES, converse } from './raw-request.ts'

function own(headers: Record<string, string>): boolean {
  return isOwn({ headers })
}

/** With a topic, whose loss would show. */
async function startWithTopic(t: TestContext, given: Given): Promise<Rig> {
  const rig = await start(t, given)
  await rig.publish('t', 'one')
  await rig.channel('t', 'c')
  return rig
}

/** Nothing of CHANGES is done with these headers; each is answered with this code. */
async function refusesAll(rig: Rig, message: string, headers: Record<string, string>): Promise<void> {
  const { basePath } = rig.admin.options
  for (const [method, path, body] of CHANGES) {
    const name = `${method} ${path} ${JSON.stringify(headers)}`
    const reply = await ask(rig, method, basePath + path, headers, body)
    assert.deepEqual([reply.status, reply.body], [403, JSON.stringify({ message })], name)
  }
  const topic = rig.nsqd.topics.get('t')
  assert.ok(topic !== undefined)
  assert.deepEqual([...topic.channels.keys()], ['c'])
  assert.equal(topic.paused, false)
  assert.equal(rig.lookupd.registry.topics().includes('made'), false)
}

describe('requests from pages of others', () => {
  test('change nothing, whatever a browser sends along', async t => {
    const rig = await startWithTopic(t, {})
    const host = new URL(rig.base).host
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: `http://${host}` },
      // A form, with a JSON body behind the name of a field.
      { Origin: 'http://evil.example', 'Content-Type': 'text/plain' },
      { Origin: 'http://evil.example', 'Content-Type': 'application/x-www-form-urlencoded' },
      { Origin: 'null' },
      { Origin: '' },
      { Origin: `http://${host}.evil.example` },
      { Origin: `http://evil.example/${host}` },
      { Origin: `ftp://${host}` },
      // Another port of this machine is another site.
      { Origin: 'http://127.0.0.1:1' },
      { Origin: `http://${host}`, Host: 'evil.example' },
      { Origin: 'http://evil.example', 'X-Forwarded-Host': host },
      // Older browsers send nothing else with a form.
      { Referer: 'http://evil.example/form.html' },
    ]) {
      await refusesAll(rig, 'CROSS_ORIGIN', headers)
    }
    const below = await startWithTopic(t, { basePath: '/nsq' })
    await refusesAll(below, 'CROSS_ORIGIN', { Origin: 'http://evil.example' })
  })

  test('our own page may, and so may what is no browser', async t => {
    const rig = await start(t)
    const host = new URL(rig.base).host
    for (const [i, headers] of [
      {},
      { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://as.a.proxy.calls.it' },
      { 'Sec-Fetch-Site': 'none' },
      { Origin: `http://${host}` },
      { Origin: 'https://nsq.example', 'X-Forwarded-Host': 'nsq.example' },
      { Origin: 'https://nsq.example', 'X-Forwarded-Host': 'nsq.example:443, inner' },
      { Origin: 'https://nsq.example', Host: 'nsq.example:443' },
      { Referer: `http://${host}/topics` },
    ].entries()) {
      const reply = await ask(rig, 'POST', '/api/topics', headers, `{"topic":"t${i}"}`)
      assert.deepEqual([reply.status, reply.body], [200, '{"message":""}'], JSON.stringify(headers))
    }
  })

  test('look at nothing: a script of another site gets no leave to read', async t => {
    const rig = await start(t)
    const reply = await ask(rig, 'GET', '/api/topics', { Origin: 'http://evil.example' })
    assert.equal(reply.headers['access-control-allow-origin'], undefined)
    assert.equal(reply.headers['cross-origin-resource-policy'], 'same-origin')
    const preflight = await ask(rig, 'OPTIONS', '/api/topics', {
      Origin: 'http://evil.example',
      'Access-Control-Request-Method': 'PUT',
    })
    assert.equal(preflight.status, 405)
    assert.equal(preflight.headers['access-control-allow-origin'], undefined)
  })

  test('hosts are compared as browsers write them', () => {
    assert.equal(own({ origin: 'http://[::1]:4171', host: '[::1]:4171' }), true)
    assert.equal(own({ origin: 'http://nsq.example', host: 'NSQ.example:80' }), true)
    assert.equal(own({ origin: 'http://nsq.example', host: 'nsq.example:443' }), false)
    assert.equal(own({ origin: 'http://nsq.example', host: 'user@nsq.example' }), true)
    assert.equal(own({ origin: 'http://nsq.example', host: 'nsq.example@evil.example' }), false)
    assert.equal(own({ origin: 'http://nsq.example' }), false)
  })
})

test('with administrators named, only they change anything', async t => {
  const rig = await startWithTopic(t, { adminUser: ['ann', 'bob'], aclHttpHeader: 'X-User' })
  await refusesAll(rig, 'FORBIDDEN', {})
  await refusesAll(rig, 'FORBIDDEN', { 'X-User': 'eve' })
  await refusesAll(rig, 'FORBIDDEN', { 'X-User': 'ann, eve' })
  await refusesAll(rig, 'FORBIDDEN', { 'X-User': 'ANN' })
  await refusesAll(rig, 'FORBIDDEN', { 'X-Forwarded-User': 'ann' })
  await refusesAll(rig, 'CROSS_ORIGIN', { 'X-User': 'ann', 'Sec-Fetch-Site': 'cross-site' })
  const config = async (headers: Record<string, string>): Promise<unknown> =>
    JSON.parse((await ask(rig, 'GET', '/api/config', headers)).body)
  const { isAdmin, user } = Object(await config({ 'X-User': 'eve' }))
  assert.deepEqual([isAdmin, user], [false, 'eve'])
  assert.equal(Object(await config({ 'x-user': 'bob' })).isAdmin, true)
  const paused = await ask(rig, 'POST', '/api/topics/t', { 'X-User': 'bob' }, '{"action":"pause"}')
  assert.equal(paused.status, 200)
  assert.equal(rig.nsqd.topics.get('t')?.paused, true)
  assert.ok(rig.lines.some(line => line.includes('pause_topic t, by bob (127.0.0.1)')))
})

test('the log says who has changed something, publishing and the configuration too', async t => {
  const rig = await startWithTopic(t, {})
  const user = { 'X-Forwarded-User': 'ann' }
  const published = await rig.send('POST', '/api/publish', { topic: 't', body: 'x', encoding: 'utf8' }, user)
  assert.equal(published.status, 200)
  assert.ok(rig.lines.some(line => /INFO: published 1 to t at \S+, by ann \(127\.0\.0\.1\)/.test(line)))
  const lookupds = rig.admin.cluster.lookupds
  assert.equal((await rig.send('PUT', '/config/nsqlookupd_http_addresses', lookupds)).status, 200)
  assert.ok(
    rig.lines.some(line => line.includes('INFO: nsqlookupd_http_addresses was changed, by 127.0.0.1')),
  )
})

test('--read-only: everybody looks and peeks, nobody changes anything', async t => {
  const rig = await startWithTopic(t, { readOnly: true })
  await refusesAll(rig, 'READ_ONLY', {})
  const peeked = await rig.get('/api/peek?topic=t&channel=c')
  assert.equal(peeked.status, 200)
  assert.equal(Object(await rig.json('/api/config')).readOnly, true)
})

test('--allowed-host: a name that leads here by a trick is no use', async t => {
  const rig = await startWithTopic(t, { allowedHost: ['localhost', '127.0.0.1', '[::1]', 'nsq.example:80'] })
  const unknown = 'UNKNOWN_HOST: --allowed-host has not the name by which this was asked'
  const refused = [403, JSON.stringify({ message: unknown })]
  for (const host of ['evil.example', 'localhost.evil.example', 'nsq.example:81', 'nsq.example', '[::2]']) {
    for (const path of ['/', '/ping', '/api/topics', '/api/config', '/metrics', '/nope']) {
      const reply = await ask(rig, 'GET', path, { Host: host })
      assert.deepEqual([reply.status, reply.body], refused, `${host} ${path}`)
    }
  }
  await refusesAll(rig, unknown, {
    Host: 'evil.example',
    Origin: 'http://evil.example',
    'X-Forwarded-Host': 'localhost',
  })
  for (const host of [
    'localhost',
    'LOCALHOST:4171',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:4171',
    'nsq.example:80',
  ]) {
    assert.equal((await ask(rig, 'GET', '/ping', { Host: host })).status, 200, host)
  }
  assert.match(await converse(rig, 'GET /ping HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 403 /)
  const emptyHost = 'GET /ping HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'
  assert.match(await converse(rig, emptyHost), /^HTTP\/1.1 403 /)
  assert.match(
    await converse(
      rig,
      'GET http://localhost/ping HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    ),
    /^HTTP\/1.1 403 /,
  )
  assert.match(
    await converse(
      rig,
      'GET /ping HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    ),
    /^HTTP\/1.1 4/,
  )
})

test('every reply has the headers that keep browsers careful', async t => {
  const rig = await start(t, { graphiteUrl: 'https://graphite.example/base' })
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/ping'],
    ['GET', '/api/topics'],
    ['GET', '/nope'],
    ['POST', '/nope'],
    ['POST', '/api/topics'],
    ['GET', '/api/topics?inactive=%zz'],
  ] as const) {
    const { headers } = await ask(rig, method, path)
    const name = `${method} ${path}`
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /, name)
    assert.match(policy, /img-src 'self' data: https:\/\/graphite\.example;/, name)
    assert.doesNotMatch(policy, /unsafe/, name)
    assert.equal(headers['x-content-type-options'], 'nosniff', name)
    assert.equal(headers['referrer-policy'], 'same-origin', name)
    assert.equal(headers['x-frame-options'], 'DENY', name)
    assert.ok(headers['cache-control'], name)
  }
})
