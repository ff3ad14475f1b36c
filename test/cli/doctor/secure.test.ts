import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { formatAddress } from '../../../src/util/address.ts'
import { certificates } from '../../support/certificates.ts'
import { type SecuredNsqd, startSecuredNsqd } from '../../support/secured-nsqd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { diagnose, type Found, startNsqd } from './rig.ts'

describe('doctor, with TLS and secrets', () => {
  let secured: SecuredNsqd
  before(async () => (secured = await startSecuredNsqd({ tlsRequired: 'tcp-https' })))
  after(() => secured.close())

  const file = (name: string): string => join(secured.folder, name)
  const to = (...words: string[]): string[] => ['--nsqd-tcp-address', secured.address, ...words]
  const withPair = (...words: string[]): string[] =>
    to(
      '--tls-ca',
      file('ca.pem'),
      '--tls-cert',
      file('client.pem'),
      '--tls-key',
      file('client.key'),
      ...words,
    )

  test('TLS that is demanded', async () => {
    const { code, wrong } = await diagnose(to())
    assert.equal(code, 1)
    // Nor can it ask for the secret before.
    assert.deepEqual(checksOf(wrong), ['auth', 'tls'])
    assert.match(wrong.find(({ check }) => check === 'tls')?.remedy ?? '', /--tls/)
  })

  test('an authority that is not trusted', async () => {
    const { wrong } = await diagnose(to('--tls'))
    assert.deepEqual(checksOf(wrong), ['tls'])
    assert.match(wrong[0]?.message ?? '', /not signed by an authority/)
    assert.match(wrong[0]?.remedy ?? '', /--tls-ca/)
  })

  test('another name', async () => {
    const { wrong } = await diagnose(
      withPair('--tls-server-name', 'elsewhere', '--auth-secret', secured.secret),
    )
    assert.deepEqual(checksOf(wrong), ['tls'])
    assert.match(wrong[0]?.message ?? '', /for DNS:localhost/)
    assert.match(wrong[0]?.remedy ?? '', /--tls-server-name/)
  })

  test('a client certificate that is missing', async () => {
    const { wrong } = await diagnose(to('--tls-ca', file('ca.pem')))
    assert.deepEqual(checksOf(wrong), ['tls'])
    assert.match(wrong[0]?.remedy ?? '', /--tls-cert/)
  })

  test('a secret that is missing, wrong, and right', async () => {
    const missing = await diagnose(withPair())
    // The certificate is made for a day, which is said, too.
    assert.deepEqual(checksOf(missing.wrong), ['auth', 'tls'])
    assert.match(missing.wrong.find(({ check }) => check === 'auth')?.remedy ?? '', /NSQ_AUTH_SECRET/)
    const wrong = await diagnose(withPair(), { NSQ_AUTH_SECRET: 'a guess' })
    assert.deepEqual(checksOf(wrong.wrong), ['auth', 'tls'])
    assert.ok(!JSON.stringify(wrong.findings).includes('a guess'))
    const right = await diagnose(withPair(), { NSQ_AUTH_SECRET: secured.secret })
    assert.deepEqual([right.code, checksOf(right.wrong)], [0, ['tls']])
    assert.match(
      right.wrong[0]?.message ?? '',
      /TLSv1\.3, certificate of CN=localhost.* valid for less than a day/,
    )
  })

  test('files that cannot be used', async () => {
    const { code, err } = await diagnose(to('--tls-ca', file('client.key')))
    assert.equal(code, 1)
    assert.match(err, /--tls-ca: .*client\.key holds no certificate/)
  })

  test('a certificate that has expired, of nsqd and over https', async t => {
    const folder = temporaryFolder()
    const { ca, expired } = await certificates()
    for (const [name, text] of Object.entries({
      'cert.pem': expired.cert,
      'key.pem': expired.key,
      'ca.pem': ca.cert,
    })) {
      await writeFile(join(folder, name), text)
    }
    const nsqd = await startNsqd(t, { tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') })
    const server = createServer(expired, (_, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { wrong } = await diagnose([
      '--nsqd-tcp-address',
      formatAddress(nsqd.tcpAddress),
      '--lookupd-http-address',
      `https://127.0.0.1:${address.port}`,
      '--tls-ca',
      join(folder, 'ca.pem'),
    ])
    assert.deepEqual(checksOf(wrong), ['tls', 'tls'])
    for (const { message } of wrong) assert.match(message, /has expired/)
  })

  test('TLS that is not offered', async t => {
    const nsqd = await startNsqd(t, {})
    const { wrong } = await diagnose(['--nsqd-tcp-address', formatAddress(nsqd.tcpAddress), '--tls'])
    assert.deepEqual(checksOf(wrong), ['tls'])
    assert.match(wrong[0]?.message ?? '', /does not offer TLS/)
  })
})

function checksOf(findings: readonly Found[]): string[] {
  return findings.map(({ check }) => check).sort()
}
