import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { serve } from '../support/serve.ts'
import { start } from './rig.ts'

interface Fake {
  url: string
  asked: { url: string; authorization: string | undefined }[]
  reply: { status: number; type: string; body: string }
}

async function fakeGraphite(t: TestContext): Promise<Fake> {
  const fake: Fake = { url: '', asked: [], reply: { status: 200, type: 'image/png', body: 'png' } }
  const address = await serve(t, ({ url = '', headers: { authorization } }, response) => {
    fake.asked.push({ url, authorization })
    const { status, type, body } = fake.reply
    response.writeHead(status, { 'Content-Type': type }).end(body)
  })
  fake.url = `${address}/g/`
  return fake
}

test('images go through us, with the password that only we know', async t => {
  const fake = await fakeGraphite(t)
  const rig = await start(t, {
    graphiteUrl: `http://user:s3cret@${fake.url}`,
    proxyGraphite: true,
    basePath: '/nsq',
  })
  const response = await rig.get('/render?target=a%20b&width=10')
  assert.deepEqual(
    [response.status, response.headers.get('content-type'), await response.text()],
    [200, 'image/png', 'png'],
  )
  const basic = `Basic ${Buffer.from('user:s3cret').toString('base64')}`
  assert.deepEqual(fake.asked, [{ url: '/g/render?target=a%20b&width=10', authorization: basic }])
  // A page of Graphite's would be a page of ours.
  fake.reply = { status: 404, type: 'text/html', body: '<script>' }
  const page = await rig.get('/render')
  assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/plain; charset=utf-8'])
  const { graphite } = Object(await rig.json('/api/config'))
  assert.deepEqual(graphite, {
    url: '/nsq',
    prefix: 'nsq.%s',
    counterFormat: 'stats.counters.%s.count',
    gaugeFormat: 'stats.gauges.%s',
    interval: 60,
  })
})

test('without --proxy-graphite browsers go there themselves', async t => {
  const rig = await start(t, { graphiteUrl: 'http://user:s3cret@graphite.example/g/?key=s3cret' })
  assert.equal((await rig.get('/render')).status, 404)
  assert.equal(Object(await rig.json('/api/config')).graphite.url, 'http://graphite.example/g')
  assert.equal(Object(await (await start(t)).json('/api/config')).graphite, null)
})

test('the rate of a counter', async t => {
  const fake = await fakeGraphite(t)
  const rig = await start(t, { graphiteUrl: `http://${fake.url}`, statsdInterval: 30_000 })
  const rate = async (body: string, status = 200): Promise<unknown> => {
    fake.reply = { status, type: 'application/json', body }
    return rig.json('/api/graphite?metric=rate&target=stats.x')
  }
  assert.deepEqual(await rate('[{"target":"x","datapoints":[[45,1]]}]'), { rate: '1.50' })
  assert.equal(fake.asked[0]?.url, '/g/render?from=-60sec&until=-30sec&format=json&target=stats.x')
  for (const none of [
    '[{"target":"x","datapoints":[[-1,1]]}]',
    '[{"datapoints":[[null,1]]}]',
    '[]',
    '{}',
    '[{}]',
  ]) {
    assert.deepEqual(await rate(none), { rate: 'N/A' }, none)
  }
  assert.deepEqual(await rate('<html>'), { message: 'INTERNAL_ERROR' })
  for (const [query, message] of [
    ['', 'INVALID_ARG_METRIC'],
    ['?metric=x', 'INVALID_ARG_METRIC'],
    ['?metric=rate', 'INVALID_ARG_TARGET'],
  ] as const) {
    const response = await rig.get(`/api/graphite${query}`)
    assert.deepEqual([response.status, await response.json()], [400, { message }])
  }
})

test('a Graphite that is not there', async t => {
  const rig = await start(t, { graphiteUrl: 'http://user:s3cret@127.0.0.1:1', proxyGraphite: true })
  assert.equal((await rig.get('/render')).status, 502)
  assert.equal((await rig.get('/api/graphite?metric=rate&target=x')).status, 500)
  assert.ok(rig.lines.some(line => /graphite: .*ECONNREFUSED/.test(line)))
  assert.ok(rig.lines.every(line => !line.includes('s3cret')))
})
