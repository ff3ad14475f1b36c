import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Authorizations, type Permission } from '../../src/nsqd/authorizations.ts'
import {
  auth as authCommand,
  cls,
  dpub,
  fin,
  identify,
  mpub,
  pub,
  rdy,
  sub,
} from '../../src/protocol/command.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { ALL, type FakeAuth, startAuth } from './fake-auth.ts'
import { RawClient } from './raw-client.ts'
import { type Given, type Running, start } from './running.ts'
import { tlsFiles } from './tls-fixtures.ts'
import { upgrade } from './upgrades.ts'

const SECRET = 'open sesame'

interface Guarded {
  running: Running
  server: FakeAuth
  /** A new connection that has said AUTH. */
  admitted: () => Promise<RawClient>
}

async function startGuarded(t: TestContext, given: Given = {}): Promise<Guarded> {
  const server = await startAuth(t)
  const running = await start(t, { authHttpAddress: [server.address], ...given })
  // Whatever happens: the secret is never logged.
  t.after(() => assert.doesNotMatch(running.log.join(''), /sesame/))
  const admitted = async (): Promise<RawClient> => {
    const client = await running.connect()
    assert.match(await client.ask(authCommand(SECRET)), /^\{/)
    return client
  }
  return { running, server, admitted }
}

/** A client whose permissions have expired. */
async function expired({ running, admitted }: Guarded): Promise<RawClient> {
  const client = await admitted()
  const session = [...running.nsqd.sessions].at(-1)
  assert.ok(session)
  const rule = { topic: /(?:)/, channels: [], permissions: new Set<Permission>() }
  session.authorizations = new Authorizations({ identity: '', identityUrl: '', rules: [rule], expires: 0 })
  return client
}

describe('AUTH', () => {
  test('is announced, and answered with who the client is', async t => {
    const { running, server } = await startGuarded(t)
    const client = await running.connect()
    const answer = await client.ask(identify({ feature_negotiation: true }))
    assert.match(answer, /"auth_required":true/)
    const reply = await client.ask(authCommand(SECRET))
    assert.equal(reply, '{"identity":"me","identity_url":"http://me","permission_count":1}')
    assert.deepEqual(server.asked[0]?.query, {
      remote_ip: '127.0.0.1',
      tls: 'false',
      common_name: '',
      secret: SECRET,
    })
  })

  test('tells of TLS and the name in the certificate', async t => {
    const { ca, client: worker } = await certificates()
    const flags = await tlsFiles(temporaryFolder())
    const { running, server } = await startGuarded(t, { ...flags, tlsClientAuthPolicy: 'require-verify' })
    const client = await running.connect()
    await upgrade(client, { tls: { ca: ca.cert, ...worker }, snappy: true })
    assert.match(await client.ask(authCommand(SECRET)), /^\{/)
    assert.equal(server.asked[0]?.query['tls'], 'true')
    assert.equal(server.asked[0].query['common_name'], 'worker')
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
  })

  test('tells an IPv4 address as one, also where IPv6 is listened for', async t => {
    const { running, server } = await startGuarded(t, { tcpAddress: ':0' })
    const client = new RawClient({ host: '127.0.0.1', port: running.nsqd.tcpAddress.port })
    t.after(() => client.destroy())
    assert.match(await client.ask(authCommand(SECRET)), /^\{/)
    assert.equal(server.asked[0]?.query['remote_ip'], '127.0.0.1')
  })

  test('is not possible when there is nobody to ask', async t => {
    const client = await (await start(t)).connect()
    assert.equal(await client.ask(authCommand(SECRET)), 'E_AUTH_DISABLED AUTH disabled')
    await client.closed()
  })

  test('is possible once, and before SUB', async t => {
    const { admitted } = await startGuarded(t)
    const twice = await admitted()
    assert.equal(await twice.ask(authCommand(SECRET)), 'E_INVALID AUTH already set')
    await twice.closed()
    const late = await admitted()
    assert.equal(await late.ask(sub('t', 'c')), 'OK')
    assert.equal(await late.ask(authCommand(SECRET)), 'E_INVALID cannot AUTH in current state')
  })

  test('fails without a reason for the client; the log has it', async t => {
    const { running, server } = await startGuarded(t)
    server.status = 403
    const client = await running.connect()
    assert.equal(await client.ask(authCommand(SECRET)), 'E_AUTH_FAILED AUTH failed')
    await client.closed()
    const lines = running.log.filter(line => line.includes('AUTH failed'))
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /client 127\.0\.0\.1:\d+: E_AUTH_FAILED AUTH failed: .*answered 403/)
  })

  test('grants nothing: is refused', async t => {
    const { running, server } = await startGuarded(t)
    server.reply = { ttl: 60 }
    const client = await running.connect()
    assert.equal(await client.ask(authCommand(SECRET)), 'E_UNAUTHORIZED AUTH no authorizations found')
    await client.closed()
  })

  test('keeps what comes behind it waiting, in order', async t => {
    const { running, server } = await startGuarded(t)
    const letGo = server.hold()
    const client = await running.connect()
    client.send(authCommand(SECRET), pub('t', 'a'), mpub('t', ['b', 'c']), Buffer.from('NONSENSE\n'))
    await until(() => server.asked.length === 1)
    assert.equal(running.nsqd.topics.size, 0)
    letGo()
    assert.match(await client.reply(), /^\{"identity"/)
    assert.deepEqual([await client.reply(), await client.reply()], ['OK', 'OK'])
    assert.equal(await client.reply(), 'E_INVALID invalid command NONSENSE')
    assert.equal(running.topic().depth, 3)
  })

  test('a client that has said all it had gets its replies', async t => {
    const { running, server } = await startGuarded(t)
    const letGo = server.hold()
    const client = await running.connect()
    client.send(authCommand(SECRET), pub('t', 'a'), mpub('t', ['b', 'c']))
    client.socket.end()
    await until(() => server.asked.length === 1)
    await pause(5)
    letGo()
    assert.match(await client.reply(), /^\{"identity"/)
    assert.deepEqual([await client.reply(), await client.reply()], ['OK', 'OK'])
    await client.closed()
    assert.equal(running.topic().depth, 3)
  })

  test('a client that leaves meanwhile leaves nothing behind', async t => {
    const { running, server } = await startGuarded(t)
    const letGo = server.hold()
    const client = await running.connect()
    client.send(authCommand(SECRET), pub('t', 'a'))
    await until(() => server.asked.length === 1)
    client.socket.resetAndDestroy()
    letGo()
    await until(() => running.nsqd.sessions.size === 0)
  })

  test('that takes long gets no client taken for dead', async t => {
    const { running, server } = await startGuarded(t)
    const client = await running.connect({ heartbeat_interval: 1000 })
    const letGo = server.hold()
    const reply = client.ask(authCommand(SECRET))
    await until(() => client.heartbeats >= 4)
    letGo()
    assert.match(await reply, /^\{/)
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
  })

  test('under way does not keep nsqd from closing', async t => {
    const { running, server } = await startGuarded(t)
    t.after(server.hold())
    const client = await running.connect()
    client.send(authCommand(SECRET))
    await until(() => server.asked.length === 1)
    await running.nsqd.close()
    await client.closed()
  })

  test('shows in /stats, without the secret', async t => {
    const { running, admitted } = await startGuarded(t)
    const client = await admitted()
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    const stats = await running.http('GET', '/stats?format=json')
    const [producer] = JSON.parse(stats).producers
    const { authed, auth_identity, auth_identity_url } = producer
    assert.deepEqual([authed, auth_identity, auth_identity_url], [true, 'me', 'http://me'])
    assert.doesNotMatch(stats + (await running.http('GET', '/stats')), /sesame/)
  })
})

describe('without AUTH', () => {
  test('publishing and subscribing are refused', async t => {
    const { running } = await startGuarded(t)
    const refused: [command: Buffer, name: string][] = [
      [pub('t', 'a'), 'PUB'],
      [mpub('t', ['a']), 'MPUB'],
      [dpub('t', 1, 'a'), 'DPUB'],
      [sub('t', 'c'), 'SUB'],
    ]
    for (const [command, name] of refused) {
      const client = await running.connect()
      assert.equal(await client.ask(command), `E_AUTH_FIRST AUTH required before ${name}`)
      await client.closed()
    }
    assert.equal(running.nsqd.topics.size, 0)
  })

  test('what is wrong with a command itself comes first', async t => {
    const { running } = await startGuarded(t, { maxReqTimeout: 1000 })
    const late = await running.connect()
    assert.equal(await late.ask(dpub('t', 1001, 'a')), 'E_INVALID DPUB timeout 1001 out of range 0-1000')
    const silent = await running.connect({ heartbeat_interval: -1 })
    assert.equal(await silent.ask(sub('t', 'c')), 'E_INVALID cannot SUB with heartbeats disabled')
  })

  test('the HTTP API is open, as in the official nsqd', async t => {
    const { running } = await startGuarded(t)
    assert.equal(await running.http('POST', '/pub?topic=t', 'a'), 'OK')
  })
})

describe('permissions', () => {
  test('allow a whole conversation', async t => {
    const { admitted } = await startGuarded(t)
    const producer = await admitted()
    assert.equal(await producer.ask(pub('t', 'a')), 'OK')
    assert.equal(await producer.ask(mpub('t', ['b', 'c'])), 'OK')
    assert.equal(await producer.ask(dpub('t', 0, 'd')), 'OK')
    const consumer = await admitted()
    assert.equal(await consumer.ask(sub('t', 'c')), 'OK')
    consumer.send(rdy(10))
    for (const { id } of await consumer.messages(4)) consumer.send(fin(id))
    await consumer.settled()
    assert.equal(await consumer.ask(cls()), 'CLOSE_WAIT')
  })

  test('are kept to by topic, channel and kind', async t => {
    const { running, server, admitted } = await startGuarded(t)
    server.reply = {
      ttl: 60,
      authorizations: [
        { topic: '^in$', channels: ['.*'], permissions: ['publish'] },
        { topic: '^out$', channels: ['^mine$'], permissions: ['subscribe'] },
      ],
    }
    const refused: [command: Buffer, text: string][] = [
      [pub('out', 'a'), 'AUTH failed for PUB on "out" ""'],
      [mpub('out', ['a']), 'AUTH failed for MPUB on "out" ""'],
      [dpub('other', 1, 'a'), 'AUTH failed for DPUB on "other" ""'],
      [sub('out', 'theirs'), 'AUTH failed for SUB on "out" "theirs"'],
      [sub('in', 'mine'), 'AUTH failed for SUB on "in" "mine"'],
    ]
    for (const [command, text] of refused) {
      const client = await admitted()
      assert.equal(await client.ask(command), `E_UNAUTHORIZED ${text}`)
      await client.closed()
    }
    assert.equal(running.nsqd.topics.size, 0)
    const client = await admitted()
    assert.equal(await client.ask(pub('in', 'a')), 'OK')
    assert.equal(await client.ask(sub('out', 'mine')), 'OK')
    assert.equal(await client.ask(pub('in', 'a')), 'OK')
  })

  test('of an MPUB are asked for before its body', async t => {
    const { server, admitted } = await startGuarded(t)
    server.reply = { ttl: 60, authorizations: [{ ...ALL, topic: '^mine$' }] }
    const client = await admitted()
    assert.equal(
      await client.ask(Buffer.from('MPUB theirs\n')),
      'E_UNAUTHORIZED AUTH failed for MPUB on "theirs" ""',
    )
  })
})

describe('when the ttl is over', () => {
  const commands: [name: string, command: Buffer, refusal: string][] = [
    ['PUB', pub('t', 'a'), 'AUTH failed for PUB on "t" ""'],
    ['MPUB', mpub('t', ['a', 'b']), 'AUTH failed for MPUB on "t" ""'],
    ['DPUB', dpub('t', 1, 'a'), 'AUTH failed for DPUB on "t" ""'],
    ['SUB', sub('t', 'c'), 'AUTH failed for SUB on "t" "c"'],
  ]

  for (const [name, command, refusal] of commands) {
    test(`${name} asks again, and waits for the answer`, async t => {
      const guarded = await startGuarded(t)
      const client = await expired(guarded)
      const letGo = guarded.server.hold()
      // Sent apart, too: what comes meanwhile waits.
      client.send(command, Buffer.from('TOUCH ~~~~'))
      await until(() => guarded.server.asked.length === 2)
      client.send(Buffer.from('~~~~~~~~~~~~\n'))
      assert.equal(guarded.running.nsqd.topics.size, 0)
      assert.deepEqual(guarded.server.asked[1], guarded.server.asked[0])
      letGo()
      assert.equal(await client.reply(), 'OK')
      assert.match(await client.reply(), name === 'SUB' ? /^E_TOUCH_FAILED/ : /^E_INVALID cannot TOUCH/)
    })

    test(`${name} is refused when it is no longer allowed`, async t => {
      for (const authorizations of [[], [{ ...ALL, topic: '^other$' }]]) {
        const guarded = await startGuarded(t)
        const client = await expired(guarded)
        guarded.server.reply = { ttl: 60, authorizations }
        assert.equal(await client.ask(command), `E_UNAUTHORIZED ${refusal}`)
        await client.closed()
        assert.equal(guarded.running.nsqd.topics.size, 0)
      }
    })

    test(`${name} fails when nobody answers`, async t => {
      const guarded = await startGuarded(t)
      const client = await expired(guarded)
      guarded.server.status = 500
      assert.equal(await client.ask(command), 'E_AUTH_FAILED AUTH failed')
      await client.closed()
    })
  }

  test('a consumer goes on with what it has subscribed to', async t => {
    const { running, server, admitted } = await startGuarded(t)
    server.reply = { ttl: 1, authorizations: [ALL] }
    const consumer = await admitted()
    assert.equal(await consumer.ask(sub('t', 'c')), 'OK')
    consumer.send(rdy(1))
    await until(() => [...running.nsqd.sessions][0]?.authorizations?.isExpired === true)
    await running.publish('a')
    consumer.send(fin((await consumer.message()).id))
    await consumer.settled()
    assert.equal(server.asked.length, 1)
  })
})
