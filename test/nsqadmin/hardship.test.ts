/** Many requests at once, peers that are slow or send nonsense, and what comes while it closes. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import { until } from '../support/wait.ts'
import { ask, converse } from './raw-request.ts'
import { start } from './rig.ts'

test('hundreds of requests, many at once', async t => {
  const rig = await start(t)
  await rig.publish('t', 'x')
  const paths = [
    '/ping',
    '/api/topics',
    '/api/topics/t',
    '/api/nodes',
    '/nope',
    '/api/topics/t/nope',
    '/metrics',
  ]
  const statuses = new Map<string, Set<number>>()
  let sent = 0
  const worker = async (): Promise<void> => {
    while (sent < 350) {
      const path = paths[sent++ % paths.length] ?? ''
      const response = await rig.get(path)
      await response.arrayBuffer()
      statuses.set(path, (statuses.get(path) ?? new Set()).add(response.status))
    }
  }
  await Promise.all(Array.from({ length: 50 }, worker))
  assert.deepEqual(
    [...statuses]
      .map(([path, all]) => [path, ...all])
      .sort((a, b) => paths.indexOf(String(a[0])) - paths.indexOf(String(b[0]))),
    [
      ['/ping', 200],
      ['/api/topics', 200],
      ['/api/topics/t', 200],
      ['/api/nodes', 200],
      ['/nope', 404],
      ['/api/topics/t/nope', 500],
      ['/metrics', 200],
    ],
  )
  assert.match(await (await rig.get('/metrics')).text(), /\nnsqadmin_requests_total 35\d\n/)
})

test('peers that are slow, or send nonsense, are in nobody else’s way', async t => {
  const rig = await start(t)
  const { host, port } = rig.admin.httpAddress
  const slow = [
    '',
    'GET /',
    'GET /ping HTTP/1.1\r\nHost: x\r\n',
    'POST /api/topics HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{',
  ].map(bytes => {
    const socket = net.connect(port, host)
    socket.on('error', () => {})
    socket.write(bytes)
    t.after(() => socket.destroy())
    return socket
  })
  for (const nonsense of [
    '\x00\x01\x02\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /ping HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n',
    `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    'POST /api/topics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST /api/topics HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
  ]) {
    assert.match(await converse(rig, nonsense), /^(HTTP\/1\.1 4\d\d .*|)/s)
  }
  assert.equal((await rig.get('/ping')).status, 200)
  // What is begun does not hold up its end, either.
  await rig.admin.close()
  await until(() => slow.every(socket => socket.destroyed || socket.closed))
})

test('a body without an end is refused, and not kept', async t => {
  const rig = await start(t)
  const { host, port } = rig.admin.httpAddress
  const socket = net.connect(port, host)
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.write('POST /api/topics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  let got = ''
  socket.setEncoding('latin1').on('data', text => (got += String(text)))
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  let sent = 0
  const pump = (): void => {
    while (!socket.destroyed && sent++ < 100 && socket.write(chunk));
  }
  socket.on('drain', pump)
  pump()
  await until(() => got.includes('413'))
  assert.match(got, /BODY_TOO_BIG/)
})

test('names of all kinds come through, or are refused, and do nothing else', async t => {
  const rig = await start(t)
  await rig.publish('t', 'x')
  for (const name of [
    'a%2Fb',
    '..',
    '%2e%2e',
    '%00',
    '%F0%9F%98%80',
    '%22%3E%3Cscript%3E',
    'a%26topic=t',
    'a%3Fb%23c',
    'x'.repeat(5000),
  ]) {
    for (const path of [`/api/topics/${name}`, `/api/topics/t/${name}`, `/api/nodes/${name}`]) {
      const reply = await ask(rig, 'GET', path)
      assert.ok([404, 500, 502].includes(reply.status), `${path}: ${reply.status}`)
      assert.ok(JSON.parse(reply.body))
      const removed = await ask(rig, 'DELETE', path, {}, '{"topic":"t"}')
      assert.ok([400, 404, 500, 502].includes(removed.status), `${path}: ${removed.status} ${removed.body}`)
    }
  }
  assert.deepEqual([...rig.nsqd.topics.keys()], ['t'])
  assert.deepEqual(rig.lookupd.registry.topics(), ['t'])
})
