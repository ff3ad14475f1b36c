import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDeflateRaw } from 'node:zlib'
import { fin, identify, mpub, pub, rdy, sub } from '../../src/protocol/command.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import type { RawClient } from './raw-client.ts'
import { type Running, start } from './running.ts'
import { tlsFiles } from './tls-fixtures.ts'
import { type Layers, upgrade } from './upgrades.ts'

async function connect(running: Running, layers: Layers): Promise<RawClient> {
  const client = await running.connect()
  await upgrade(client, layers)
  return client
}

const { ca } = await certificates()
const combinations: [name: string, layers: Layers][] = [
  ['snappy', { snappy: true }],
  ['deflate', { deflate: 0 }],
  ['deflate, fastest', { deflate: 1 }],
  ['TLS', { tls: { ca: ca.cert } }],
  ['TLS and snappy', { tls: { ca: ca.cert }, snappy: true }],
  ['TLS and deflate', { tls: { ca: ca.cert }, deflate: 6 }],
]

// One that compresses well, one of several blocks, and one that hardly compresses at all.
const bodies = ['x'.repeat(500_000), `${'abcdefghij'.repeat(20_000)}!`, randomText(300_000), 'small']
/** And small ones: more than RDY. */
const SMALL = 300

describe('messages go both ways', () => {
  for (const [name, layers] of combinations) {
    test(name, async t => {
      const running = await start(t, await tlsFiles(temporaryFolder()))
      const producer = await connect(running, layers)
      const consumer = await connect(running, layers)
      assert.equal(await consumer.ask(sub('t', 'c')), 'OK')
      for (const body of bodies) assert.equal(await producer.ask(pub('t', body)), 'OK')
      assert.equal(
        await producer.ask(
          mpub(
            't',
            Array.from({ length: SMALL }, (_, i) => `${i}`),
          ),
        ),
        'OK',
      )
      consumer.send(rdy(200))
      for (let i = 0; i < bodies.length + SMALL; i++) {
        const { id, body } = await consumer.message()
        assert.equal(body, bodies[i] ?? `${i - bodies.length}`)
        consumer.send(fin(id))
      }
      await consumer.settled()
      assert.deepEqual([running.channel().depth, running.channel().inFlightCount], [0, 0])
      const [first] = running.channel().sessions
      assert.deepEqual(
        [first?.snappy, first?.deflate, first?.tls !== undefined],
        [layers.snappy ?? false, layers.deflate !== undefined, layers.tls !== undefined],
      )
    })
  }

  test('with heartbeats', async t => {
    const running = await start(t)
    const client = await running.connect()
    await upgrade(client, { deflate: 0 }, { heartbeat_interval: 1000 })
    await until(() => client.heartbeats > 2)
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
  })
})

describe('granting', () => {
  test('the answer says what is granted, and how', async t => {
    const running = await start(t, { maxDeflateLevel: 3 })
    const answer = await upgrade(await running.connect(), { deflate: 9 })
    assert.deepEqual(
      [answer['tls_v1'], answer['deflate'], answer['deflate_level'], answer['snappy']],
      [false, true, 3, false],
    )
  })

  test('what flags switch off is not granted, and the connection stays plain', async t => {
    const running = await start(t, { deflate: false, snappy: false })
    for (const asked of [{ deflate: true }, { snappy: true }, { deflate: true, snappy: true }]) {
      const client = await running.connect()
      const answer = await client.ask(identify({ feature_negotiation: true, tls_v1: true, ...asked }))
      assert.match(answer, /"tls_v1":false,"deflate":false,.*"snappy":false/)
      assert.equal(await client.ask(pub('t', 'a')), 'OK')
    }
  })

  test('both compressions at once are refused', async t => {
    const running = await start(t)
    const client = await running.connect()
    const both = identify({ feature_negotiation: true, deflate: true, snappy: true })
    const text = 'E_IDENTIFY_FAILED cannot enable both deflate and snappy compression'
    assert.equal(await client.ask(both), text)
    await client.closed()
  })

  test('nothing is put over a connection twice', async t => {
    const running = await start(t)
    const client = await connect(running, { deflate: 6 })
    const again = identify({ feature_negotiation: true, deflate: true, client_id: 'me' })
    assert.match(await client.ask(again), /"deflate":false/)
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
  })

  test('publishes that came before are answered in plain, before the switch', async t => {
    const running = await start(t, { durability: 'power' })
    const client = await running.connect()
    await upgrade(client, { deflate: 6 }, {}, [pub('t', 'a'), pub('t', 'b')])
    assert.equal(await client.ask(pub('t', 'c')), 'OK')
    assert.equal(running.topic().depth, 3)
  })

  test('what comes with IDENTIFY belongs to the compressed stream', async t => {
    const running = await start(t)
    const client = await running.connect()
    client.stopsAt = '{'
    const encoder = createDeflateRaw()
    const compressed: Buffer[] = []
    encoder.on('data', (chunk: Buffer) => compressed.push(chunk))
    encoder.end(Buffer.concat([pub('t', 'a'), pub('t', 'b')]))
    await until(() => encoder.readableEnded)
    client.send(identify({ feature_negotiation: true, deflate: true }), ...compressed)
    await until(() => running.nsqd.topics.get('t')?.depth === 2)
  })
})

describe('what is not compressed right', () => {
  for (const [name, layers] of combinations.slice(0, 2)) {
    test(`${name}: ends the connection, and is logged`, async t => {
      const running = await start(t)
      const client = await connect(running, layers)
      assert.equal(await client.ask(sub('t', 'c')), 'OK')
      client.socket.write(Buffer.from('this is nonsense, however it is read'.repeat(100)))
      await client.closed()
      await until(() => running.nsqd.sessions.size === 0)
      assert.equal(running.channel().sessions.size, 0)
      assert.match(running.log.join(''), new RegExp(`client 127.0.0.1:\\d+: .*${name}`))
    })
  }

  test('a bomb costs no memory: the limits are those of the plain stream', async t => {
    const running = await start(t, { maxMsgSize: 1000, maxBodySize: 2000 })
    const client = await connect(running, { deflate: 9 })
    assert.equal(
      await client.ask(pub('t', 'x'.repeat(50_000_000))),
      'E_BAD_MESSAGE PUB message too big 50000000 > 1000',
    )
    await client.closed()
  })
})

function randomText(length: number): string {
  return Array.from({ length }, () => Math.floor(Math.random() * 36).toString(36)).join('')
}
