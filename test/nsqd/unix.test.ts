import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { auth, fin, identify, pub, rdy, sub } from '../../src/protocol/command.ts'
import { NsqError } from '../../src/util/errors.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startAuth } from './fake-auth.ts'
import { RawClient } from './raw-client.ts'
import { start } from './running.ts'
import { tlsFiles } from './tls-fixtures.ts'
import { upgrade } from './upgrades.ts'

async function textOf(sent: ReturnType<typeof request>): Promise<string> {
  sent.end()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this event gives
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return text
}

test('all three addresses may be Unix sockets', async t => {
  const folder = temporaryFolder()
  const [tcp, http, secure] = ['tcp.sock', 'http.sock', 'https.sock'].map(name => join(folder, name))
  assert.ok(tcp && http && secure)
  const { ca } = await certificates()
  const running = await start(t, {
    ...(await tlsFiles(folder)),
    tcpAddress: tcp,
    httpAddress: http,
    httpsAddress: secure,
  })
  const log = running.log.join('')
  for (const line of [
    `TCP: listening on ${tcp}`,
    `HTTP: listening on ${http}`,
    `HTTPS: listening on ${secure}`,
  ]) {
    assert.ok(log.includes(line), line)
  }
  assert.throws(() => running.nsqd.tcpAddress, /does not listen on a port/)

  const client = new RawClient({ path: tcp })
  t.after(() => client.destroy())
  assert.equal(await client.ask(pub('t', 'a')), 'OK')
  assert.equal(await client.ask(sub('t', 'c')), 'OK')
  client.send(rdy(1))
  const { id, body } = await client.message()
  assert.equal(body, 'a')
  client.send(fin(id))
  await client.settled()
  const secured = new RawClient({ path: tcp })
  t.after(() => secured.destroy())
  await upgrade(secured, { tls: { ca: ca.cert }, deflate: 6 })
  assert.equal(await secured.ask(pub('t', 'b')), 'OK')

  assert.equal(await textOf(request({ socketPath: http, path: '/ping' })), 'OK')
  const info = JSON.parse(
    await textOf(https.request({ socketPath: secure, path: '/info', ca: ca.cert, servername: 'localhost' })),
  )
  // As in the official nsqd there are no ports to tell of.
  assert.deepEqual([info.tcp_port, info.http_port], [0, 0])
  const stats = JSON.parse(await textOf(request({ socketPath: http, path: '/stats?format=json' })))
  const [consumer] = stats.topics[0].channels[0].clients
  assert.deepEqual([consumer.remote_address, consumer.client_id, consumer.hostname], ['@', '', ''])

  await running.stop()
  for (const path of [tcp, http, secure]) assert.equal(existsSync(path), false, path)
})

test('a client of a Unix socket has no IP address to tell an authorization server', async t => {
  const server = await startAuth(t)
  const tcpAddress = join(temporaryFolder(), 'nsqd.sock')
  await start(t, { tcpAddress, authHttpAddress: [server.address] })
  const client = new RawClient({ path: tcpAddress })
  t.after(() => client.destroy())
  assert.equal(await client.ask(identify({})), 'OK')
  assert.match(await client.ask(auth('s')), /^\{/)
  assert.equal(server.asked[0]?.query['remote_ip'], '')
})

test('a socket in use is refused, and one that was left behind is taken', async t => {
  const tcpAddress = join(temporaryFolder(), 'nsqd.sock')
  const first = await start(t, { tcpAddress })
  await assert.rejects(
    start(t, { tcpAddress }),
    error =>
      error instanceof NsqError && error.code === 'E_LISTEN_IN_USE' && error.message.includes(tcpAddress),
  )
  await first.stop()
  await start(t, { tcpAddress })
})
