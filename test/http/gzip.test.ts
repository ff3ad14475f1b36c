import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { acceptsGzip, compressed } from '../../src/http/gzip.ts'
import { json, text } from '../../src/http/reply.ts'
import { closeHttpServer, createHttpServer } from '../../src/http/server.ts'
import { listenTcp } from '../../src/net/listen.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'

test('which clients take gzip', () => {
  for (const header of [
    'gzip',
    'gzip, deflate, br',
    'br;q=1.0, gzip;q=0.8',
    '*',
    'deflate,GZIP',
    'gzip;q=0.01',
  ]) {
    assert.equal(acceptsGzip(header), true, header)
  }
  for (const header of ['', 'br', 'gzip;q=0', 'gzip; q=0.00 , br', 'identity', 'xgzip', 'gzipx', undefined]) {
    assert.equal(acceptsGzip(header), false, header)
  }
})

test('a large body is compressed, and said to be', async () => {
  const reply = await compressed({ ...json('é'.repeat(2000), 404), headers: { 'X-A': 'b' } })
  assert.equal(reply.status, 404)
  assert.equal(reply.contentType, 'application/json; charset=utf-8')
  assert.deepEqual(reply.headers, { 'X-A': 'b', 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' })
  assert.equal(gunzipSync(reply.body).toString(), JSON.stringify('é'.repeat(2000)))
  assert.ok(reply.body.length < 200)
})

test('what is small, encoded already, or a stream stays as it is', async () => {
  const body = 'x'.repeat(2000)
  for (const reply of [
    text('x'.repeat(1024)),
    { ...text(body), headers: { 'Content-Encoding': 'br' } },
    { ...text(body), stream: () => {} },
  ]) {
    assert.equal(await compressed(reply), reply)
  }
})

test('a server that may compress does so for those who ask, and others see no difference', async t => {
  const routes = [{ method: 'GET', path: '/large', handle: () => json('x'.repeat(5000)) }]
  for (const gzip of [true, false]) {
    const logger = new Logger({ prefix: '', level: LogLevel.fatal })
    const server = createHttpServer({ routes, logger, gzip })
    t.after(() => closeHttpServer(server))
    const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
    for (const encoding of ['gzip', 'identity']) {
      const response = await fetch(`http://127.0.0.1:${port}/large`, {
        headers: { 'Accept-Encoding': encoding },
      })
      const isCompressed = gzip && encoding === 'gzip'
      assert.equal(response.headers.get('content-encoding'), isCompressed ? 'gzip' : null)
      assert.equal(Number(response.headers.get('content-length')) < 5000, isCompressed)
      assert.equal(await response.text(), `"${'x'.repeat(5000)}"`)
    }
  }
})
