import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { readTlsFiles } from '../../src/nsqd/tls-files.ts'
import { NsqError } from '../../src/util/errors.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { file, tlsFiles } from './tls-fixtures.ts'

const { ca, server, client } = await certificates()

describe('readTlsFiles', () => {
  test('reads nothing when there is nothing', () => {
    const { server, client } = readTlsFiles(resolveNsqdOptions({ tlsMinVersion: 'tls1.2' }))
    assert.equal(server, undefined)
    assert.deepEqual(client, { verify: true, minVersion: 'TLSv1.2' })
  })

  test('reads certificate, key and authorities', async () => {
    const flags = await tlsFiles(temporaryFolder())
    const read = readTlsFiles(resolveNsqdOptions({ ...flags, tlsClientAuthPolicy: 'require' }))
    assert.deepEqual(read.server, {
      cert: server.cert,
      key: server.key,
      rootCa: ca.cert,
      clientAuth: 'require',
      minVersion: 'TLSv1',
    })
    assert.deepEqual(read.client, { ca: ca.cert, verify: true, minVersion: 'TLSv1' })
  })

  test('takes a chain of certificates, and several authorities with words in between', async () => {
    const folder = temporaryFolder()
    const flags = {
      tlsCert: file(folder, 'chain.pem', server.cert + ca.cert),
      tlsKey: file(folder, 'key.pem', server.key),
      tlsRootCaFile: file(folder, 'ca.pem', `# ours\n${ca.cert}\n# théirs\n${client.cert}`),
    }
    assert.equal(readTlsFiles(resolveNsqdOptions(flags)).server?.cert, server.cert + ca.cert)
  })

  test('warns of a certificate that has expired', async () => {
    const folder = temporaryFolder()
    const { expired } = await certificates()
    const flags = {
      tlsCert: file(folder, 'cert.pem', expired.cert),
      tlsKey: file(folder, 'key.pem', expired.key),
    }
    const { warnings } = readTlsFiles(resolveNsqdOptions(flags))
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /--tls-cert=\S+cert.pem has expired on .*GMT/)
  })

  test('maps the versions, the oldest to the oldest that there is', () => {
    const versions = (['ssl3.0', 'tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'] as const).map(
      tlsMinVersion => readTlsFiles(resolveNsqdOptions({ tlsMinVersion })).client.minVersion,
    )
    assert.deepEqual(versions, ['TLSv1', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
  })
})

describe('refuses, naming the flag and the file', () => {
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey
  const broken = server.cert.replace(/MII.{40}/, '')
  const cases: [
    name: string,
    flag: 'tlsCert' | 'tlsKey' | 'tlsRootCaFile',
    text: string | undefined,
    reason: RegExp,
  ][] = [
    ['a certificate that is not there', 'tlsCert', undefined, /--tls-cert=.*ENOENT/],
    ['a certificate that is none', 'tlsCert', 'nonsense', /--tls-cert=.*no certificate in it/],
    ['a certificate that is damaged', 'tlsCert', broken, /--tls-cert=.* cannot be used/],
    ['a key in place of the certificate', 'tlsCert', server.key, /--tls-cert=.*no certificate in it/],
    ['a key that is not there', 'tlsKey', undefined, /--tls-key=.*ENOENT/],
    ['a key that is none', 'tlsKey', 'nonsense', /--tls-key=.* cannot be used/],
    ['an encrypted key', 'tlsKey', encrypted, /--tls-key=.*the key is encrypted/],
    ['the key of another certificate', 'tlsKey', client.key, /--tls-key=\S+ is not that of .*--tls-cert=\S+/],
    ['authorities that are not there', 'tlsRootCaFile', undefined, /--tls-root-ca-file=.*ENOENT/],
    ['authorities that are none', 'tlsRootCaFile', 'nonsense', /--tls-root-ca-file=.*no certificate in it/],
    ['authorities one of which is damaged', 'tlsRootCaFile', ca.cert + broken, /--tls-root-ca-file=/],
    ['a folder', 'tlsRootCaFile', '', /--tls-root-ca-file=/],
  ]
  for (const [name, flag, text, reason] of cases) {
    test(name, async () => {
      const folder = temporaryFolder()
      const path = text === undefined ? join(folder, 'missing.pem') : file(folder, 'given.pem', text)
      const flags = { ...(await tlsFiles(folder)), [flag]: name === 'a folder' ? folder : path }
      const log: string[] = []
      const nsqd = new Nsqd(
        resolveNsqdOptions({ ...flags, dataPath: join(folder, 'data'), tcpAddress: '127.0.0.1:0' }),
        new Logger({ prefix: '', level: LogLevel.debug, write: line => void log.push(line) }),
      )
      await assert.rejects(nsqd.start(), error => {
        assert.ok(error instanceof NsqError)
        assert.equal(error.code, 'E_TLS_FILE')
        assert.match(error.message, reason)
        assert.ok(error.remedy)
        return true
      })
      await nsqd.close()
      // Nothing was begun.
      assert.equal(existsSync(join(folder, 'data')), false)
      assert.doesNotMatch(log.join(''), /listening/)
    })
  }
})
