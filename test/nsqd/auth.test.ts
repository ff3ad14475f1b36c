import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { AuthServers, type AuthServersOptions } from '../../src/nsqd/auth.ts'
import { NsqError } from '../../src/util/errors.ts'
import { certificates } from '../support/certificates.ts'
import { pause, until } from '../support/wait.ts'
import { ALL, type FakeAuth, startAuth } from './fake-auth.ts'

const query = { remoteIp: '10.0.0.1', tls: true, commonName: 'worker', secret: 's3cret & more' }
const fields = { remote_ip: '10.0.0.1', tls: 'true', common_name: 'worker', secret: 's3cret & more' }

function servers(addresses: readonly string[], options: Partial<AuthServersOptions> = {}): AuthServers {
  return new AuthServers({
    addresses,
    method: 'get',
    connectTimeout: 2000,
    requestTimeout: 5000,
    tls: { verify: true, minVersion: 'TLSv1.2' },
    ...options,
  })
}

/** The text of the error that asking ends with. */
async function failure(asking: AuthServers): Promise<string> {
  let text = ''
  await assert.rejects(asking.ask(query), error => {
    assert.ok(error instanceof NsqError)
    assert.equal(error.code, 'E_AUTH')
    text = error.message
    assert.doesNotMatch(`${error.stack} ${String(error.cause)} ${error.remedy}`, /s3cret/)
    return true
  })
  return text
}

async function reply(t: TestContext, value: unknown): Promise<FakeAuth> {
  const auth = await startAuth(t)
  auth.reply = value
  return auth
}

describe('the question', () => {
  test('is a GET with the four facts', async t => {
    const auth = await startAuth(t)
    const { identity, identityUrl, count } = await servers([auth.address]).ask(query)
    assert.deepEqual([identity, identityUrl, count], ['me', 'http://me', 1])
    assert.deepEqual(auth.asked, [{ method: 'GET', path: '/auth', type: '', query: fields }])
  })

  test('is a POST of the same as JSON, with nothing in the URL', async t => {
    const auth = await startAuth(t)
    await servers([auth.address], { method: 'post' }).ask({ ...query, tls: false, commonName: '' })
    const posted = { ...fields, tls: 'false', common_name: '' }
    assert.deepEqual(auth.asked, [{ method: 'POST', path: '/auth', type: 'application/json', query: posted }])
  })

  test('goes to a URL as it is written', async t => {
    const auth = await startAuth(t)
    await servers([`http://${auth.address}/who?realm=1`]).ask(query)
    assert.deepEqual(auth.asked[0]?.path, '/who')
    assert.deepEqual(auth.asked[0]?.query, { realm: '1', ...fields })
  })

  test('goes over https to a server whose authority is trusted, and to no other', async t => {
    const { ca, server } = await certificates()
    const auth = await startAuth(t, server)
    const address = `https://${auth.address}/auth`
    const tls = { verify: true, minVersion: 'TLSv1.2' as const }
    const { identity } = await servers([address], { tls: { ...tls, ca: ca.cert } }).ask(query)
    assert.equal(identity, 'me')
    assert.match(await failure(servers([address])), /cannot be reached/)
    assert.equal(auth.asked.length, 1)
  })

  test('leaves no connection behind', async t => {
    const auth = await startAuth(t)
    const asking = servers([auth.address])
    for (let i = 0; i < 3; i++) await asking.ask(query)
    for (let i = 0; (await auth.connections()) > 0; i++) {
      assert.ok(i < 1000, 'a connection is still open')
      await pause(10)
    }
  })
})

describe('several servers', () => {
  test('the first to be asked is a random one', async t => {
    const all = [await startAuth(t), await startAuth(t), await startAuth(t)]
    const asking = servers(all.map(({ address }) => address))
    for (let i = 0; i < 100; i++) await asking.ask(query)
    for (const { asked } of all) assert.ok(asked.length > 5, `${asked.length}`)
    assert.equal(
      all.reduce((sum, { asked }) => sum + asked.length, 0),
      100,
    )
  })

  test('the next is asked when one fails, however it does', async t => {
    const [good, refusing, broken] = [await startAuth(t), await startAuth(t), await startAuth(t)]
    refusing.status = 500
    broken.reply = { ttl: 0 }
    const asking = servers(['127.0.0.1:1', refusing.address, broken.address, good.address])
    for (let i = 0; i < 40; i++) assert.equal((await asking.ask(query)).identity, 'me')
    assert.equal(good.asked.length, 40)
    assert.ok(refusing.asked.length > 0 && broken.asked.length > 0)
  })

  test('when all fail, the error says what was wrong with each', async t => {
    const refusing = await startAuth(t)
    refusing.status = 403
    refusing.reply = { message: 'no such secret: s3cret & more' }
    const text = await failure(servers([refusing.address, '127.0.0.1:1']))
    assert.ok(text.includes(`http://${refusing.address}/auth answered 403`), text)
    assert.match(text, /http:\/\/127\.0\.0\.1:1\/auth cannot be reached/)
    const named = await failure(servers([`http://user:pass@${refusing.address}/x?key=k`]))
    assert.ok(named.includes(`http://${refusing.address}/x answered 403`), named)
    assert.doesNotMatch(named, /pass|key/)
  })
})

describe('time', () => {
  test('a server that does not answer is given up', async t => {
    const auth = await startAuth(t)
    t.after(auth.hold())
    assert.match(
      await failure(servers([auth.address], { requestTimeout: 50 })),
      /did not answer within 50 ms/,
    )
  })

  test('so is one whose reply has no end', async t => {
    const endless = createServer(socket => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{'))
    })
    endless.listen(0, '127.0.0.1')
    await once(endless, 'listening')
    t.after(() => endless.close())
    const bound = endless.address()
    assert.ok(bound !== null && typeof bound === 'object')
    const asking = servers([`127.0.0.1:${bound.port}`], { requestTimeout: 50 })
    assert.match(await failure(asking), /did not answer within 50 ms/)
  })

  test('closing gives up what is being asked', async t => {
    const auth = await startAuth(t)
    t.after(auth.hold())
    const asking = servers([auth.address])
    const failed = failure(asking)
    await until(() => auth.asked.length === 1)
    asking.close()
    await failed
  })
})

describe('the reply', () => {
  test('may leave out or null everything but the ttl', async t => {
    for (const value of [{ ttl: 1 }, { ttl: 1, identity: null, identity_url: null, authorizations: null }]) {
      const { identity, identityUrl, count } = await servers([(await reply(t, value)).address]).ask(query)
      assert.deepEqual([identity, identityUrl, count], ['', '', 0])
    }
  })

  const refused: [value: unknown, reason: RegExp][] = [
    ['', /did not answer in JSON/],
    ['<html>', /did not answer in JSON/],
    [[], /not a JSON object/],
    [{}, /invalid ttl/],
    [{ ttl: 0 }, /invalid ttl/],
    [{ ttl: -1 }, /invalid ttl/],
    [{ ttl: 1.5 }, /invalid ttl/],
    [{ ttl: '60' }, /invalid ttl/],
    [{ ttl: 60, identity: 1 }, /identity is not a string/],
    [{ ttl: 60, authorizations: {} }, /authorizations is not a list/],
    [{ ttl: 60, authorizations: ['x'] }, /an authorization is not a JSON object/],
    [{ ttl: 60, authorizations: [{ ...ALL, channels: '.*' }] }, /channels is not a list/],
    [{ ttl: 60, authorizations: [{ ...ALL, topic: 7 }] }, /topic is not a string/],
    [{ ttl: 60, authorizations: [{ ...ALL, permissions: ['read'] }] }, /unknown permission "read"/],
    [{ ttl: 60, authorizations: [ALL, { ...ALL, topic: '(' }] }, /topic "\(" is no regular expression/],
    [{ ttl: 60, authorizations: [{ ...ALL, channels: ['a', '*'] }] }, /channel "\*" is no regular/],
    [{ ttl: 60, authorizations: [{ ...ALL, topic: 'a(?=b)' }] }, /is no regular expression/],
    [{ ttl: 60, identity: 'x'.repeat(1024 * 1024) }, /more than 1048576 bytes/],
  ]
  for (const [value, reason] of refused) {
    test(`is refused when it is ${JSON.stringify(value).slice(0, 70)}`, async t => {
      assert.match(await failure(servers([(await reply(t, value)).address])), reason)
    })
  }
})

describe('permissions', () => {
  test('are those of rules whose topic and one of whose channels match, anywhere in the name', async t => {
    const auth = await reply(t, {
      ttl: 60,
      authorizations: [
        { topic: '^orders$', channels: ['^billing$', 'ship'], permissions: ['subscribe'] },
        { topic: 'log', channels: ['.*'], permissions: ['publish'] },
        { topic: '^only-named$', channels: ['named'], permissions: ['publish', 'subscribe'] },
        { topic: '^nothing$', channels: [], permissions: ['publish', 'subscribe'] },
      ],
    })
    const granted = await servers([auth.address]).ask(query)
    assert.equal(granted.count, 4)
    const subscribable = new Set([
      'orders/billing',
      'orders/shipping',
      'only-named/named',
      'only-named/x-named-y',
    ])
    const topics = ['orders', 'orders2', 'app.log', 'only-named', 'nothing']
    for (const topic of topics) {
      for (const channel of ['billing', 'billing2', 'shipping', 'named', 'x-named-y']) {
        const name = `${topic}/${channel}`
        assert.equal(granted.maySubscribe(topic, channel), subscribable.has(name), name)
      }
    }
    assert.deepEqual(
      topics.map(topic => granted.mayPublish(topic)),
      [false, false, true, false, false],
    )
    // The second time it is known.
    assert.deepEqual(
      topics.map(topic => granted.mayPublish(topic)),
      [false, false, true, false, false],
    )
  })

  test('expire after the ttl, in seconds', async t => {
    const asking = servers([(await reply(t, { ttl: 1, authorizations: [ALL] })).address])
    const granted = await asking.ask(query)
    assert.equal(granted.isExpired, false)
    await until(() => granted.isExpired)
    await pause(1)
    assert.equal((await asking.ask(query)).isExpired, false)
  })

  test('do not take longer to check where an expression is wicked', async t => {
    const rule = { topic: '^(\\w+)+$', channels: ['.*'], permissions: ['publish'] }
    const granted = await servers([(await reply(t, { ttl: 60, authorizations: [rule] })).address]).ask(query)
    assert.equal(granted.mayPublish(`${'a'.repeat(63)}.`), false)
  })
})
