import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { identify, nop, pub, rdy, sub } from '../../src/protocol/command.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { type Given, type Running, start } from './running.ts'
import { tlsFiles } from './tls-fixtures.ts'
import { upgrade } from './upgrades.ts'

const { ca, client: worker, stranger } = await certificates()
const trusting = { ca: ca.cert }
const named = { ...trusting, ...worker }
const wantsTls = identify({ feature_negotiation: true, tls_v1: true })

async function startTls(t: TestContext, given: Given = {}): Promise<Running> {
  return start(t, { ...(await tlsFiles(temporaryFolder())), ...given })
}

/** The connection's facts in /stats. */
async function stats(running: Running): Promise<unknown> {
  const { producers } = JSON.parse(await running.http('GET', '/stats?format=json'))
  return producers
}

interface Answer {
  status: number | undefined
  type: string | undefined
  body: string
}

async function get(url: string, options: https.RequestOptions = {}): Promise<Answer> {
  const request = (url.startsWith('https') ? https : http).get(url, { agent: false, ...options })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this event gives
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return { status: response.statusCode, type: response.headers['content-type'], body }
}

function httpsUrl(running: Running, path: string): string {
  return `https://127.0.0.1:${running.nsqd.httpsAddress.port}${path}`
}

describe('TLS on the TCP port', () => {
  test('is offered, and the rest of the connection goes through it', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    const answer = await upgrade(client, { tls: trusting })
    assert.equal(answer['tls_v1'], true)
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    const [session] = running.nsqd.sessions
    assert.deepEqual(
      [session?.tls?.version, session?.tls?.commonName, session?.tls?.authorized],
      ['TLSv1.3', '', false],
    )
  })

  test('is not forced on clients, nor promised without a certificate', async t => {
    const running = await startTls(t)
    const plain = await running.connect()
    assert.match(await plain.ask(identify({ feature_negotiation: true })), /"tls_v1":false/)
    assert.equal(await plain.ask(pub('t', 'a')), 'OK')
    const bare = await (await start(t)).connect()
    assert.match(await bare.ask(wantsTls), /"tls_v1":false/)
    assert.equal(await bare.ask(pub('t', 'a')), 'OK')
  })

  test('shows in /stats', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    await upgrade(client, {
      tls: { ...trusting, maxVersion: 'TLSv1.2', ALPNProtocols: ['nsq'] },
      snappy: true,
    })
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    const [shown] = JSON.parse(JSON.stringify(await stats(running)))
    assert.deepEqual(
      [shown.tls, shown.tls_version, shown.tls_negotiated_protocol, shown.tls_negotiated_protocol_is_mutual],
      [true, 'TLS1.2', '', true],
    )
    assert.match(shown.tls_cipher_suite, /^TLS_ECDHE_ECDSA_WITH_AES_\d+_GCM_SHA\d+$/)
    assert.deepEqual([shown.snappy, shown.deflate], [true, false])
    assert.equal('authed' in shown, false)
  })

  test('what comes right behind IDENTIFY is the handshake', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    client.stopsAt = '{'
    // The client's hello follows without waiting for the answer.
    const hello = await firstBytes(trusting)
    client.send(wantsTls, hello)
    assert.match(await client.reply(), /"tls_v1":true/)
    const stream = client.release()
    stream.resume()
    // TLS answers with a handshake record.
    const [chunk]: unknown[] = await once(stream, 'data')
    assert.ok(Buffer.isBuffer(chunk) && chunk[0] === 0x16)
  })

  test('a client that has sent all it had still gets its replies', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    await upgrade(client, { tls: trusting })
    client.send(pub('t', 'a'), pub('t', 'b'), sub('t', 'c'))
    client.end()
    for (let i = 0; i < 3; i++) assert.equal(await client.reply(), 'OK')
    await client.closed()
    await until(() => running.nsqd.sessions.size === 0)
  })

  test('a client that does not read is not read either', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    await upgrade(client, { tls: trusting })
    const stream = client.release()
    const commands = Buffer.concat(Array.from({ length: 2000 }, () => pub('t', 'x')))
    let isFull = false
    for (let i = 0; i < 2000 && !isFull; i++) {
      isFull = !stream.write(commands)
      for (let waits = 0; isFull && waits < 200; waits++) {
        await pause(1)
        isFull = stream.writableNeedDrain
      }
    }
    assert.ok(isFull, 'everything was read')
    const { messageCount } = running.topic()
    await pause(50)
    assert.equal(running.topic().messageCount, messageCount)
    client.through(stream)
    stream.resume()
    assert.equal(await client.reply(), 'OK')
    await until(() => !stream.writableNeedDrain)
  })
})

describe('a handshake that fails', () => {
  test('ends the connection, and is logged once with the address', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    assert.match(await client.ask(wantsTls), /"tls_v1":true/)
    client.socket.write('this is no handshake')
    await client.closed()
    await until(() => running.nsqd.sessions.size === 0)
    assert.equal(logged(running).length, 1)
    assert.match(
      logged(running)[0] ?? '',
      /client 127\.0\.0\.1:\d+: no upgrade to TLS: the TLS handshake failed/,
    )
  })

  test('because the client goes away in the middle', async t => {
    const running = await startTls(t)
    for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const client = await running.connect()
      assert.match(await client.ask(wantsTls), /"tls_v1":true/)
      client.socket.write((await firstBytes(trusting)).subarray(0, 50))
      client.socket[leave]()
    }
    await until(() => running.nsqd.sessions.size === 0)
    await until(() => logged(running).length === 3)
  })

  test('because it takes too long', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    assert.match(await client.ask(wantsTls), /"tls_v1":true/)
    await client.closed()
    await until(() => running.nsqd.sessions.size === 0)
    assert.equal(logged(running).length, 1)
  })

  test('because the client trusts somebody else', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    await assert.rejects(upgrade(client, { tls: {} }), /self-signed certificate|unable to/)
    await until(() => running.nsqd.sessions.size === 0)
    assert.equal(logged(running).length, 1)
  })

  test('does not keep nsqd from closing', async t => {
    const running = await startTls(t)
    const client = await running.connect()
    assert.match(await client.ask(wantsTls), /"tls_v1":true/)
    await running.nsqd.close()
    await client.closed()
  })
})

describe('--tls-min-version', () => {
  test('refuses older clients', async t => {
    const running = await startTls(t, { tlsMinVersion: 'tls1.3' })
    const older = await running.connect()
    await assert.rejects(upgrade(older, { tls: { ...trusting, maxVersion: 'TLSv1.2' } }))
    const client = await running.connect()
    await upgrade(client, { tls: trusting })
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    await assert.rejects(get(httpsUrl(running, '/ping'), { ...trusting, maxVersion: 'TLSv1.2' }))
    assert.equal((await get(httpsUrl(running, '/ping'), trusting)).body, 'OK')
  })
})

describe('--tls-client-auth-policy', () => {
  const cases = [
    ['', [true, true, true]],
    ['require', [false, true, true]],
    ['require-verify', [false, false, true]],
  ] as const

  for (const [policy, expected] of cases) {
    test(policy === '' ? 'none: takes everybody' : policy, async t => {
      const running = await startTls(t, { tlsClientAuthPolicy: policy })
      for (const [i, options] of [trusting, { ...trusting, ...stranger }, named].entries()) {
        assert.equal(await isLetIn(running, options), expected[i], `TCP ${i}`)
        assert.equal(await isServed(running, options), expected[i], `HTTPS ${i}`)
      }
      await until(() => running.nsqd.sessions.size === expected.filter(Boolean).length)
    })
  }

  test("tells the client's name", async t => {
    const running = await startTls(t, { tlsClientAuthPolicy: 'require-verify' })
    const client = await running.connect()
    await upgrade(client, { tls: named })
    const [session] = running.nsqd.sessions
    assert.deepEqual([session?.tls?.commonName, session?.tls?.authorized], ['worker', true])
  })

  test('implies --tls-required', async t => {
    const running = await startTls(t, { tlsClientAuthPolicy: 'require' })
    const client = await running.connect()
    assert.equal(await client.ask(pub('t', 'a')), 'E_INVALID cannot PUB in current state (TLS required)')
  })
})

describe('--tls-required', () => {
  test('refuses every command but IDENTIFY before TLS', async t => {
    const running = await startTls(t, { tlsRequired: 'tcp-https' })
    const id = '0'.repeat(16)
    const commands = [
      `AUTH\n\0\0\0\u0001x`,
      'PUB t\n\0\0\0\u0001x',
      'MPUB t\n',
      'DPUB t 1\n\0\0\0\u0001x',
      'SUB t c\n',
      'RDY 1\n',
      `FIN ${id}\n`,
      `REQ ${id} 1\n`,
      `TOUCH ${id}\n`,
      'CLS\n',
      'NOP\n',
    ]
    for (const command of commands) {
      const client = await running.connect()
      const [name] = command.split(/[ \n]/, 1)
      const expected = `E_INVALID cannot ${name} in current state (TLS required)`
      assert.equal(await client.ask(Buffer.from(command)), expected)
      await client.closed()
    }
    assert.equal(running.nsqd.topics.size, 0)
  })

  test('refuses them after an IDENTIFY that did not ask for TLS, too', async t => {
    const running = await startTls(t, { tlsRequired: 'true' })
    for (const request of [{}, { feature_negotiation: true }, { tls_v1: true }]) {
      const client = await running.connect()
      await client.ask(identify(request))
      assert.match(await client.ask(nop()), /^E_INVALID cannot NOP .*TLS required/)
    }
  })

  test('lets everything pass through TLS', async t => {
    const running = await startTls(t, { tlsRequired: 'true' })
    const client = await running.connect()
    await upgrade(client, { tls: trusting, deflate: 6 })
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    assert.equal(await client.ask(sub('t', 'c')), 'OK')
    client.send(rdy(1))
    assert.equal((await client.message()).body, 'a')
  })

  test('=true refuses plain HTTP, whatever is asked, and says where HTTPS is', async t => {
    const running = await startTls(t, { tlsRequired: 'true' })
    const { host, port } = running.nsqd.httpAddress
    const https_port = running.nsqd.httpsAddress.port
    const response = await fetch(`http://${host}:${port}/pub?topic=t`, { method: 'POST', body: 'x' })
    assert.equal(response.status, 403)
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    assert.equal(response.headers.get('x-nsq-content-type'), 'nsq; version=1.0')
    assert.equal(await response.text(), `{"message": "TLS_REQUIRED", "https_port": ${https_port}}`)
    for (const path of ['/ping', '/nonsense']) {
      assert.equal((await get(`http://${host}:${port}${path}`)).status, 403)
    }
    assert.equal(running.nsqd.topics.size, 0)
    assert.equal((await get(httpsUrl(running, '/ping'), trusting)).body, 'OK')
  })

  test('=tcp-https leaves plain HTTP open', async t => {
    const running = await startTls(t, { tlsRequired: 'tcp-https' })
    assert.equal(await running.http('GET', '/ping'), 'OK')
  })
})

describe('HTTPS', () => {
  test('serves the API when there is a certificate', async t => {
    const running = await startTls(t)
    const answer = await get(httpsUrl(running, '/info'), trusting)
    assert.deepEqual([answer.status, answer.type], [200, 'application/json; charset=utf-8'])
    assert.match(running.log.join(''), /HTTPS: listening on 127\.0\.0\.1:\d+/)
  })

  test('is not there without one, nor with an empty --https-address', async t => {
    for (const running of [await start(t), await startTls(t, { httpsAddress: '' })]) {
      assert.throws(() => running.nsqd.httpsAddress, /does not listen/)
      assert.doesNotMatch(running.log.join(''), /HTTPS/)
    }
  })

  test('a handshake that is never finished does not keep nsqd from closing', async t => {
    const running = await startTls(t)
    const socket = connectTcp(running.nsqd.httpsAddress.port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    await until(() => !socket.pending)
    const closed = once(socket, 'close')
    socket.resume()
    await running.nsqd.close()
    await closed
  })

  test('plain HTTP may be switched off', async t => {
    const running = await startTls(t, { httpAddress: '' })
    assert.throws(() => running.nsqd.httpAddress, /does not listen/)
    const { http_port } = JSON.parse((await get(httpsUrl(running, '/info'), trusting)).body)
    assert.equal(http_port, 0)
  })
})

/** Whether a client with these options gets to publish. TLS 1.3 tells it of a refusal only after the handshake. */
async function isLetIn(running: Running, options: ConnectionOptions): Promise<boolean> {
  const client = await running.connect()
  try {
    await upgrade(client, { tls: options })
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    return true
  } catch {
    await client.closed()
    return false
  }
}

async function isServed(running: Running, options: ConnectionOptions): Promise<boolean> {
  return get(httpsUrl(running, '/ping'), options).then(
    ({ body }) => body === 'OK',
    () => false,
  )
}

function logged(running: Running): string[] {
  return running.log.filter(line => line.includes('no upgrade to TLS'))
}

/** What a TLS client sends first. */
async function firstBytes(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  assert.ok(bound !== null && typeof bound === 'object')
  const client = connect({ port: bound.port, host: '127.0.0.1', ...options })
  client.on('error', () => undefined)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this event gives
  const [socket] = (await once(server, 'connection')) as [Socket]
  socket.on('error', () => undefined)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this event gives
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}
