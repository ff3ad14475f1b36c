import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { commands } from '../../src/cli/commands.ts'
import { connectionOptions } from '../../src/cli/connection-options.ts'
import { runProgram } from '../../src/cli/program.ts'
import { secureOptions, settingsOf } from '../../src/cli/secure-settings.ts'
import type { ConnectionOptions } from '../../src/client/options.ts'
import { NsqError } from '../../src/util/errors.ts'
import { type GivenOptions, resolveOptions } from '../../src/util/option-values.ts'
import { certificates } from '../support/certificates.ts'
import { fakeSurroundings } from './fakes.ts'

const { ca, client, stranger } = await certificates()
const SECRET = 'hunter2hunter2'
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
  const { privateKey: encrypted } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: SECRET },
  })
  const files = {
    'ca.pem': ca.cert,
    'client.pem': client.cert,
    'client.key': client.key,
    'other.key': stranger.key,
    'encrypted.key': encrypted,
    'text.pem': 'Dear diary,\n',
    'broken.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
})

after(() => rm(folder, { recursive: true }))

function resolve(
  given: GivenOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<ConnectionOptions> {
  return secureOptions(settingsOf(resolveOptions(connectionOptions, given, env)))
}

test('without a flag there is nothing', async () => {
  assert.deepEqual(await resolve({}), {})
})

test('files are read, and any flag of TLS implies TLS', async () => {
  const [caFile, cert, key] = ['ca.pem', 'client.pem', 'client.key'].map(name => join(folder, name))
  assert.deepEqual(await resolve({ tls: 'true' }), { tls: {} })
  assert.deepEqual(await resolve({ 'tls-ca': caFile }), { tls: { ca: ca.cert } })
  assert.deepEqual(await resolve({ 'tls-insecure': 'true' }), { tls: { verify: false } })
  assert.deepEqual(await resolve({ 'tls-server-name': 'nsqd' }), { tls: { serverName: 'nsqd' } })
  assert.deepEqual(await resolve({ 'tls-cert': cert, 'tls-key': key }), {
    tls: { cert: client.cert, key: client.key },
  })
})

test('but --no-tls is stronger, so that a variable can be overruled', async () => {
  assert.deepEqual(await resolve({ tls: 'false' }, { NSQ_TLS_CA: '/none/such' }), {})
})

test('compression', async () => {
  assert.deepEqual(await resolve({ snappy: 'true' }), { snappy: true })
  assert.deepEqual(await resolve({ deflate: 'true' }), { deflate: true })
  assert.deepEqual(await resolve({ 'deflate-level': '9' }), { deflate: 9 })
  assert.deepEqual(await resolve({ deflate: 'false', 'deflate-level': '9' }), {})
  await assert.rejects(resolve({ snappy: 'true', deflate: 'true' }), {
    code: 'E_USAGE',
    message: '--snappy and --deflate exclude each other',
  })
})

test('a secret may come from the environment', async () => {
  assert.deepEqual(await resolve({}, { NSQ_AUTH_SECRET: SECRET }), { authSecret: SECRET })
  assert.deepEqual(await resolve({ 'auth-secret': 'b' }, { NSQ_AUTH_SECRET: SECRET }), { authSecret: 'b' })
})

test('a secret with a line end is refused, and not shown', async () => {
  await assert.rejects(resolve({}, { NSQ_AUTH_SECRET: `${SECRET}\n` }), (error: unknown) => {
    assert.ok(error instanceof NsqError)
    assert.match(error.message, /^--auth-secret .*line end/)
    assert.ok(!inspect(error).includes(SECRET))
    return true
  })
})

describe('what is wrong with a file is said with its flag, its name and a remedy', () => {
  const bad: [files: Record<string, string>, message: RegExp, remedy: RegExp][] = [
    [{ 'tls-ca': 'missing.pem' }, /^--tls-ca: \S+missing\.pem cannot be read: ENOENT/, /Check the path/],
    [{ 'tls-ca': '.' }, /^--tls-ca: \S+ cannot be read: EISDIR/, /Check the path/],
    [{ 'tls-ca': 'text.pem' }, /^--tls-ca: \S+text\.pem holds no certificate in PEM form/, /BEGIN CERT/],
    [{ 'tls-ca': 'broken.pem' }, /^--tls-ca: \S+broken\.pem holds no certificate/, /BEGIN CERT/],
    [{ 'tls-ca': 'client.key' }, /^--tls-ca: \S+client\.key holds no certificate/, /BEGIN CERT/],
    [
      { 'tls-cert': 'client.key', 'tls-key': 'client.key' },
      /^--tls-cert: \S+client\.key holds no certificate/,
      /BEGIN CERT/,
    ],
    [
      { 'tls-cert': 'client.pem', 'tls-key': 'client.pem' },
      /^--tls-key: \S+client\.pem holds no private key/,
      /BEGIN PRIVATE KEY/,
    ],
    [
      { 'tls-cert': 'client.pem', 'tls-key': 'other.key' },
      /^--tls-key: \S+other\.key is not the key of \S+client\.pem/,
      /one pair/,
    ],
    [
      { 'tls-cert': 'client.pem', 'tls-key': 'encrypted.key' },
      /^--tls-key: \S+encrypted\.key is encrypted/,
      /openssl pkey/,
    ],
  ]
  for (const [files, message, remedy] of bad) {
    test(inspect(files), async () => {
      const given = Object.fromEntries(
        Object.entries(files).map(([flag, name]) => [flag, join(folder, name)] as const),
      )
      await assert.rejects(resolve(given), (error: unknown) => {
        assert.ok(error instanceof NsqError)
        assert.equal(error.code, 'E_TLS_FILE')
        assert.match(error.message, message)
        assert.match(error.remedy ?? '', remedy)
        return true
      })
    })
  }

  test('half a pair', async () => {
    await assert.rejects(resolve({ 'tls-cert': 'x' }), {
      message: '--tls-cert needs a private key with it',
      remedy: 'Name its file: --tls-key=FILE.',
    })
    await assert.rejects(resolve({ 'tls-key': 'x' }), {
      message: '--tls-key needs a certificate with it',
      remedy: 'Name its file: --tls-cert=FILE.',
    })
  })
})

describe('in the commands', () => {
  test('an empty value, as of a variable that is not set, is no way back to plain', async () => {
    for (const flag of ['--tls-ca', '--tls-cert', '--tls-key', '--tls-server-name']) {
      const [code, , err] = await run(['pub', 't', flag, ''], {})
      assert.equal(code, 2)
      assert.match(err, new RegExp(`${flag} is empty`))
    }
  })

  test('a bad file ends them before anything is connected', async () => {
    for (const command of ['pub', 'tail']) {
      const [code, out, err] = await run([command, 't', '--tls-ca', join(folder, 'missing.pem')], {})
      assert.equal(code, 1)
      assert.equal(out, '')
      assert.match(err, /^nsq-ts \w+: --tls-ca: \S+missing\.pem cannot be read: .*\n {2}Check the path/)
    }
  })

  test('one way to compress on the command line hides the other one in the environment', async () => {
    // What fails then is only that nobody listens.
    const [, , err] = await run(['pub', 't', '--deflate', '--nsqd-tcp-address=127.0.0.1:1'], {
      NSQ_SNAPPY: 'true',
    })
    assert.match(err, /cannot connect/)
    const [code, , both] = await run(['pub', 't', '--no-tls'], { NSQ_SNAPPY: '1', NSQ_DEFLATE_LEVEL: '3' })
    assert.equal(code, 2)
    assert.match(both, /--snappy and --deflate exclude each other/)
  })

  test('no text shows a secret', async () => {
    const env = { NSQ_AUTH_SECRET: SECRET, NSQ_LOG_LEVEL: 'debug' }
    for (const args of [
      ['--help'],
      ['--auth-secret', SECRET, '--help'],
      ['--auth-secrt', SECRET],
      [`--auth-secrt=${SECRET}`],
      ['--auth-secret', `${SECRET}\n`],
      ['--auth-secret', SECRET, '--nsqd-tcp-address', '127.0.0.1:1'],
    ]) {
      for (const command of ['pub', 'tail']) {
        const [, out, err] = await run([command, 't', ...args], env)
        assert.ok(!`${out}${err}`.includes(SECRET), `${command} ${args.join(' ')}: ${out}${err}`)
      }
    }
  })
})

async function run(
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<[code: number, out: string, err: string]> {
  const around = fakeSurroundings(env)
  const code = await runProgram('nsq-ts', args, commands, around)
  return [code, around.out(), around.err()]
}
