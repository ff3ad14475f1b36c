/** Each side has its own certificates, compression and secret. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startSecuredNsqd } from '../../support/secured-nsqd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { numbers, Side, startMirror } from './rig.ts'

test('to a secured nsqd by --producer-opt or --destination-context, and from one by the flags', async t => {
  const [from, to] = [await Side.start(t), await Side.start(t)]
  const secured = await startSecuredNsqd()
  t.after(() => secured.close())
  const file = (name: string): string => join(secured.folder, name)

  await from.publish('a', numbers(10))
  const options = [
    `tls_root_ca_file,${file('ca.pem')}`,
    `tls_cert,${file('client.pem')}`,
    `tls_key,${file('client.key')}`,
    `auth_secret,${secured.secret}`,
    'snappy',
  ].flatMap(option => ['--producer-opt', option])
  const source = ['--nsqd-tcp-address', from.tcp]
  const destination = ['--destination-nsqd-tcp-address', secured.address]
  const byOptions = startMirror(t, ['a', ...source, ...destination, ...options])
  await from.left('a', 0)
  assert.equal((await byOptions.stop()).code, 0)

  // The contexts of this user, and not of who runs the test.
  const env = { NSQ_CONFIG_DIR: temporaryFolder() }
  const context = {
    'nsqd-tcp-address': secured.address,
    'tls-ca': file('ca.pem'),
    'tls-cert': file('client.pem'),
    'tls-key': file('client.key'),
    'auth-secret': secured.secret,
  }
  const lines = Object.entries(context).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
  writeFileSync(join(env.NSQ_CONFIG_DIR, 'contexts.toml'), `[contexts.prod]\n${lines.join('')}`)
  await from.publish('b', numbers(10))
  const byContext = startMirror(t, ['b', ...source, '--destination-context', 'prod'], { env })
  await from.left('b', 0)
  assert.equal((await byContext.stop()).code, 0)

  // And back, all of it: these flags are not those of the destination, which knows no TLS.
  const flags = [
    '--tls-ca',
    file('ca.pem'),
    '--tls-cert',
    file('client.pem'),
    '--tls-key',
    file('client.key'),
  ]
  const back = ['--nsqd-tcp-address', secured.address, '--destination-nsqd-tcp-address', to.tcp]
  const secret = { ...env, NSQ_AUTH_SECRET: secured.secret }
  const backward = startMirror(t, ['a,b', ...back, ...flags], { env: secret })
  assert.deepEqual(await to.bodies('a', 10), numbers(10))
  assert.deepEqual(await to.bodies('b', 10), numbers(10))
  assert.equal((await backward.stop()).code, 0)
})

test('a destination that wants a secret which it does not get: nothing is taken', async t => {
  const from = await Side.start(t)
  const secured = await startSecuredNsqd()
  t.after(() => secured.close())
  await from.publish('a', ['1'])
  const flags = ['--nsqd-tcp-address', from.tcp, '--destination-nsqd-tcp-address', secured.address]
  const { code, err } = await startMirror(t, ['a', ...flags, '--auth-secret', secured.secret]).done
  assert.equal(code, 1)
  assert.match(err, /destination: nsqd \S+ wants to know who connects\n.*--producer-opt with auth_secret/)
  assert.equal(await from.channel('a'), undefined)
})
