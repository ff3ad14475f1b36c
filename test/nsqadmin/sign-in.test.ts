/** --auth-token: who gets in. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask, CHANGES, type RawReply } from './raw-request.ts'
import { type Given, type Rig, start } from './rig.ts'

const TOKEN = 'correct-horse-battery'

async function withToken(t: TestContext, given: Given = {}): Promise<Rig> {
  return start(t, { authToken: TOKEN, ...given })
}

async function signIn(rig: Rig, form: Record<string, string>, headers = {}): Promise<RawReply> {
  const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(form).toString()
  return ask(rig, 'POST', `${rig.admin.options.basePath}/login`, { ...type, ...headers }, body)
}

test('without it there is nothing but /ping and /metrics', async t => {
  const rig = await withToken(t)
  for (const path of [
    '/',
    '/topics',
    '/api/topics',
    '/api/config',
    '/api/live?view=topics',
    '/nope',
    '//ping',
  ]) {
    const reply = await ask(rig, 'GET', path)
    assert.deepEqual([reply.status, reply.body], [401, '{"message":"UNAUTHORIZED"}'], path)
    assert.equal(reply.headers['www-authenticate'], 'Bearer realm="nsqadmin"')
  }
  for (const [method, path, body] of CHANGES) {
    assert.equal((await ask(rig, method, path, {}, body)).status, 401)
  }
  for (const path of ['/ping', '/ping?x', '/metrics']) assert.equal((await ask(rig, 'GET', path)).status, 200)
})

test('it opens everything, as a bearer token', async t => {
  const rig = await withToken(t)
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
    assert.equal((await ask(rig, 'GET', '/api/topics', { Authorization: authorization })).status, 200)
  }
  for (const authorization of [
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN} x`,
  ]) {
    assert.equal((await ask(rig, 'GET', '/api/topics', { Authorization: authorization })).status, 401)
  }
})

test('a browser signs in with it, and comes to the page that it wanted', async t => {
  const rig = await withToken(t, { basePath: '/nsq' })
  const page = await ask(rig, 'GET', '/nsq/topics/t?a="><b>', { Accept: 'text/html,*/*' })
  assert.equal(page.status, 401)
  assert.match(page.body, /action="\/nsq\/login"/)
  assert.match(page.body, /value="\/nsq\/topics\/t\?a=&quot;&gt;&lt;b&gt;"/)
  assert.doesNotMatch(page.body, /<b>|<script|style=/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'.*form-action 'self'/)
  assert.equal((await ask(rig, 'GET', '/nsq/login.css')).headers['content-type'], 'text/css; charset=utf-8')

  const wrong = await signIn(rig, { token: `${TOKEN}x`, next: '/nsq/topics/t' })
  assert.equal(wrong.status, 401)
  assert.match(wrong.body, /That is not the token\./)
  assert.equal(wrong.headers['set-cookie'], undefined)

  const right = await signIn(rig, { token: TOKEN, next: '/nsq/topics/t' })
  assert.deepEqual([right.status, right.headers.location], [303, '/nsq/topics/t'])
  const [cookie = ''] = right.headers['set-cookie'] ?? []
  assert.match(cookie, /^nsqadmin=[\w-]{43}; Path=\/nsq\/; HttpOnly; SameSite=Strict$/)
  assert.ok(!cookie.includes(TOKEN))
  const [pair = ''] = cookie.split(';')
  const cookies = { Cookie: `other=1; ${pair}` }
  assert.equal((await ask(rig, 'GET', '/nsq/api/topics', cookies)).status, 200)
  const created = await ask(rig, 'POST', '/nsq/api/topics', cookies, '{"topic":"t"}')
  assert.equal(created.status, 200)
  assert.equal((await ask(rig, 'GET', '/nsq/api/topics', { Cookie: `${pair}x` })).status, 401)
  assert.equal((await ask(rig, 'GET', '/nsq/api/topics', { Cookie: `x${pair}` })).status, 401)

  const https = await signIn(rig, { token: TOKEN }, { 'X-Forwarded-Proto': 'https' })
  assert.match(https.headers['set-cookie']?.[0] ?? '', /; Secure$/)
  // Signed in, a page of another site still changes nothing.
  const crossed = await ask(
    rig,
    'POST',
    '/nsq/api/topics',
    { ...cookies, Origin: 'http://evil.example' },
    '{}',
  )
  assert.deepEqual([crossed.status, crossed.body], [403, '{"message":"CROSS_ORIGIN"}'])
})

test('signing in leads to no other site', async t => {
  const rig = await withToken(t)
  for (const next of [
    '//evil.example',
    'http://evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    '/日本',
    '/a\nb',
    '/ü',
    '\\',
    '',
  ]) {
    const { status, headers } = await signIn(rig, { token: TOKEN, next })
    assert.deepEqual([status, headers.location], [303, '/'], next)
  }
  for (const [method, path] of CHANGES) {
    const reply = await ask(rig, method, path, { Accept: 'text/html' })
    if (method === 'GET') assert.match(reply.body, /<form/)
    else assert.equal(reply.body, '{"message":"UNAUTHORIZED"}')
  }
  const huge = await signIn(rig, { token: 'x'.repeat(20_000) })
  assert.equal(huge.status, 413)
})

test('it is in no log, no configuration and no metrics', async t => {
  const rig = await withToken(t, {
    graphiteUrl: 'http://user:gr4phite@127.0.0.1:1/?key=gr4phite',
    notificationHttpEndpoint: 'http://127.0.0.1:1/h00k?x=h00k',
  })
  const authorization = { Authorization: `Bearer ${TOKEN}` }
  const said: string[] = []
  for (const path of [
    '/api/config',
    '/config/auth_token',
    '/config/graphite_url',
    '/config/notification_http_endpoint',
    '/api/graphite?metric=rate&target=x',
    '/metrics',
    '/',
  ]) {
    said.push((await ask(rig, 'GET', path, authorization)).body)
  }
  await signIn(rig, { token: TOKEN })
  await signIn(rig, { token: `${TOKEN}y` })
  await ask(rig, 'POST', '/api/topics', authorization, '{"topic":"t"}')
  await rig.admin.close()
  said.push(...rig.lines)
  assert.ok(rig.lines.some(line => line.includes('POST /login')))
  for (const line of said) {
    assert.ok(!line.includes(TOKEN), line)
    assert.doesNotMatch(line, /gr4phite|h00k\?|x=h00k/)
  }
  assert.equal(said[1], '{"message":"INVALID_OPTION"}')
})
