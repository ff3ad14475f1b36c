/** The page's files, from a folder of the test's own. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import http from 'node:http'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { ask } from './raw-request.ts'
import { type Rig, start } from './rig.ts'

const HTML = '<!doctype html><html><head><base href="/" /><title>x</title></head></html>'

/** An nsqadmin with a page of these files. */
async function withPage(t: TestContext, basePath = '/'): Promise<Rig & { folder: string }> {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'page'))
  writeFileSync(join(folder, 'secret.js'), 'secret')
  writeFileSync(join(folder, 'page', 'index.html'), HTML)
  writeFileSync(join(folder, 'page', 'main-ABCD1234.js'), 'x'.repeat(5000))
  writeFileSync(join(folder, 'page', 'icon.svg'), '<svg/>')
  writeFileSync(join(folder, 'page', '.hidden.js'), 'secret')
  writeFileSync(join(folder, 'page', 'notes'), 'secret')
  mkdirSync(join(folder, 'page', 'folder.js'))
  symlinkSync(join(folder, 'secret.js'), join(folder, 'page', 'link.js'))
  const rig = await start(t, { devStaticDir: join(folder, 'page'), basePath })
  return Object.assign(rig, { folder: join(folder, 'page') })
}

test('every address of the page is the page, with the base that its links need', async t => {
  for (const basePath of ['', '/nsq', '/a/b']) {
    const rig = await withPage(t, basePath)
    for (const path of [
      '/',
      '/topics',
      '/topics/t',
      '/topics/t/c',
      '/topics/a%2Fb/%3Cscript%3E',
      '/nodes',
      '/nodes/127.0.0.1:4151',
      '/lookup',
      '/counter?x=1',
    ]) {
      const response = await rig.get(path)
      assert.equal(response.status, 200, path)
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.equal(await response.text(), HTML.replace('<base href="/" />', `<base href="${basePath}/">`))
    }
    if (basePath !== '') {
      assert.equal((await ask(rig, 'GET', basePath)).status, 200)
      for (const path of ['/', '/ping', '/api/topics', '/main-ABCD1234.js', `${basePath}x`]) {
        assert.equal((await ask(rig, 'GET', path)).status, 404, path)
      }
    }
  }
})

test('files are served as what they are, and compressed where that is accepted', async t => {
  const rig = await withPage(t)
  const response = await rig.get('/main-ABCD1234.js', { 'Accept-Encoding': 'identity' })
  assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8')
  assert.equal(response.headers.get('vary'), 'Accept-Encoding')
  assert.equal(await response.text(), 'x'.repeat(5000))
  const { host, port } = rig.admin.httpAddress
  const headers = { 'Accept-Encoding': 'gzip' }
  const request = http.get({ host, port, path: '/main-ABCD1234.js', headers, agent: false })
  const [raw]: http.IncomingMessage[] = await once(request, 'response')
  assert.ok(raw !== undefined)
  assert.equal(raw.headers['content-encoding'], 'gzip')
  assert.equal(gunzipSync(await buffer(raw)).toString(), 'x'.repeat(5000))
  assert.equal((await rig.get('/icon.svg')).headers.get('content-type'), 'image/svg+xml')
})

test('nothing else of the disk can be had', async t => {
  const rig = await withPage(t)
  for (const path of [
    '/../secret.js',
    '/..%2Fsecret.js',
    '/%2e%2e/secret.js',
    '/%2e%2e%2fsecret.js',
    '/..%5Csecret.js',
    '/main-ABCD1234.js/../../secret.js',
    '/%2fetc%2fpasswd',
    '//etc/passwd',
    '/.hidden.js',
    '/notes',
    '/folder.js',
    '/link.js',
    '/index.html',
    '/main-ABCD1234.js%00',
    '/%',
    '/constructor',
    '/__proto__',
    '/topics/',
    '/topics/a/b/c',
  ]) {
    const reply = await ask(rig, 'GET', path)
    assert.deepEqual([reply.status, reply.body], [404, '{"message":"NOT_FOUND"}'], path)
  }
})

test('a folder that is worked on is read anew; without the page it is said what to do', async t => {
  const rig = await withPage(t)
  writeFileSync(join(rig.folder, 'main-ABCD1234.js'), 'changed')
  const response = await rig.get('/main-ABCD1234.js')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(await response.text(), 'changed')
  const empty = await start(t, { devStaticDir: temporaryFolder() })
  const reply = await empty.get('/topics')
  assert.equal(reply.status, 503)
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain/)
  assert.match(await reply.text(), /npm run build/)
  assert.equal((await empty.get('/api/topics')).status, 200)
})
