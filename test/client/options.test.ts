import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  type ConnectionOptions,
  lookupOptions,
  nsqdAddresses,
  resolveConnectionOptions,
} from '../../src/client/options.ts'
import { NsqError } from '../../src/util/errors.ts'
import { certificates } from '../support/certificates.ts'

const { ca, client, stranger } = await certificates()
const SECRET = 'hunter2hunter2'

/** What is thrown for these options; a program in JavaScript may give anything. */
function refusal(options: object): NsqError {
  try {
    resolveConnectionOptions(options)
  } catch (error) {
    assert.ok(error instanceof NsqError)
    return error
  }
  throw new Error(`taken: ${inspect(options)}`)
}

function encryptedKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey
}

test('without options connections are plain', () => {
  const { tls, snappy, deflate, authSecret } = resolveConnectionOptions({})
  assert.deepEqual(
    { tls, snappy, deflate, authSecret },
    { tls: undefined, snappy: false, deflate: 0, authSecret: undefined },
  )
})

test('tls, snappy, deflate and a secret are taken', () => {
  assert.deepEqual(resolveConnectionOptions({ tls: true }).tls, { verify: true, minVersion: 'TLSv1.2' })
  assert.equal(resolveConnectionOptions({ tls: false }).tls, undefined)
  const tls = {
    ca: [Buffer.from(ca.cert), stranger.cert],
    ...client,
    serverName: 'nsqd',
    verify: false,
    minVersion: 'TLSv1.3',
  } as const
  const resolved = resolveConnectionOptions({ tls, snappy: true, authSecret: SECRET })
  assert.deepEqual(resolved.tls, { ...tls, ca: `${ca.cert}\n${stranger.cert}` })
  assert.equal(resolved.snappy, true)
  assert.equal(resolved.authSecret, SECRET)
  for (const [given, level] of [
    [true, 6],
    [false, 0],
    [1, 1],
    [9, 9],
  ] as const) {
    assert.equal(resolveConnectionOptions({ deflate: given }).deflate, level)
  }
})

test('what cannot be is E_OPTION, naming the option and what it may be', () => {
  const wrong: [object, RegExp][] = [
    [{ snappy: true, deflate: true }, /snappy and deflate cannot both/],
    [{ deflate: 0 }, /deflate must be true, false or an integer from 1 to 9, not 0/],
    [{ deflate: 10 }, /1 to 9, not 10/],
    [{ snappy: 'yes' }, /snappy must be true or false/],
    [{ tls: 'yes' }, /tls must be/],
    [{ tls: null }, /tls must be/],
    [{ tls: { verify: 1 } }, /tls\.verify/],
    [{ tls: { minVersion: 'SSLv3' } }, /tls\.minVersion must be one of TLSv1, /],
    [{ tls: { serverName: '' } }, /tls\.serverName/],
    [{ tls: { key: client.key } }, /tls\.key is of no use without tls\.cert/],
    [{ tls: { cert: client.cert } }, /tls\.cert is of no use without tls\.key/],
    [{ tls: { cert: client.cert, key: stranger.key } }, /tls\.cert and tls\.key do not belong together/],
    [{ tls: { cert: client.cert, key: encryptedKey() } }, /tls\.key is encrypted/],
    [{ tls: { cert: client.key, key: client.cert } }, /tls\.cert is not a certificate in PEM/],
    [{ tls: { ca: '/etc/ssl/ca.pem' } }, /tls\.ca is not a certificate in PEM/],
    [{ tls: { ca: 7 } }, /tls\.ca is not a text or Buffer/],
    [{ tls: { ca: ca.cert.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA') } }, /tls\.ca is not a certificate/],
    [{ authSecret: '' }, /authSecret must be a text/],
    [{ authSecret: 7 }, /authSecret must be a text/],
    [{ authSecret: `${SECRET}\n` }, /authSecret must not have a line end/],
    [{ lookupdAuthorization: 'no' }, /lookupdAuthorization must be true or false/],
  ]
  for (const [options, message] of wrong) {
    const error = refusal(options)
    assert.equal(error.code, 'E_OPTION')
    assert.match(error.message, message)
  }
})

test('no error shows a secret or a key', () => {
  const body = client.key.split('\n')[1] ?? ''
  for (const options of [
    { authSecret: `${SECRET}\n` },
    { tls: { key: client.key } },
    { tls: { cert: client.key, key: client.key } },
    { tls: { cert: client.cert, key: client.key.replace('A', 'B') } },
    { tls: { cert: client.cert, key: body } },
  ]) {
    const text = inspect(refusal(options), { depth: 10 })
    assert.ok(!text.includes(SECRET) && !text.includes(body.slice(0, 20)), text)
  }
})

test('IPv6 addresses parse; an nsqd may also be the path of a unix socket', () => {
  assert.deepEqual(nsqdAddresses(['[::1]:4150', '[::1]', ':4150', 'a', 'a:4150', '/run/nsqd.sock', './s']), [
    '[::1]:4150',
    '127.0.0.1:4150',
    'a:4150',
    '/run/nsqd.sock',
    './s',
  ])
  for (const text of ['::1', '[::1', 'a:b', 'a:70000', '', 'http://a:4151', 'tcp://a:4150']) {
    assert.throws(() => nsqdAddresses(text), { code: 'E_OPTION', message: /^nsqd: / })
  }
})

function ask(options: ConnectionOptions): object {
  return lookupOptions(resolveConnectionOptions(options))
}

test('nsqlookupds see the secret unless told otherwise, and the certificates', () => {
  assert.deepEqual(ask({ lookupTimeoutMs: 7 }), { requestTimeoutMs: 7 })
  assert.deepEqual(ask({ lookupTimeoutMs: 7, authSecret: SECRET }), { requestTimeoutMs: 7, bearer: SECRET })
  assert.deepEqual(ask({ lookupTimeoutMs: 7, authSecret: SECRET, lookupdAuthorization: false }), {
    requestTimeoutMs: 7,
  })
  assert.deepEqual(ask({ lookupTimeoutMs: 7, tls: { verify: false } }), {
    requestTimeoutMs: 7,
    tls: { verify: false, minVersion: 'TLSv1.2' },
  })
})
