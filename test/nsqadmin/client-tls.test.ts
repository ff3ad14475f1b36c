import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readClientTls } from '../../src/nsqadmin/client-tls.ts'
import { resolveNsqadminOptions } from '../../src/nsqadmin/options.ts'
import { formatEndpoint } from '../../src/util/address.ts'
import { NsqError } from '../../src/util/errors.ts'
import { file, tlsFiles } from '../nsqd/tls-fixtures.ts'
import { start as startNsqd } from '../nsqd/running.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { certificates } from '../support/certificates.ts'
import { type Given, start } from './rig.ts'

/** The URL of an nsqd with a topic, over https, and the file of the authority that has signed it. */
async function secured(t: TestContext): Promise<{ url: string; ca: string }> {
  const files = await tlsFiles(temporaryFolder())
  const running = await startNsqd(t, files)
  await running.publish('x')
  const { httpsAddress } = running.nsqd
  assert.ok(httpsAddress !== undefined)
  return { url: `https://${formatEndpoint(httpsAddress)}`, ca: files.tlsRootCaFile }
}

test('daemons of https are asked when their authority is trusted', async t => {
  const { url, ca } = await secured(t)
  const ask = async (given: Given): Promise<[number, string]> => {
    const rig = await start(t, { lookupdHttpAddress: [], nsqdHttpAddress: [url], ...given })
    const response = await rig.get('/api/topics')
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask({ httpClientTlsRootCaFile: ca }), [200, '{"topics":["t"],"message":""}'])
  assert.equal((await ask({ httpClientTlsInsecureSkipVerify: true }))[0], 200)
  const [status, text] = await ask({})
  assert.equal(status, 502)
  assert.match(text, /UPSTREAM_ERROR.*certificate/)
})

function read(given: Given): unknown {
  return readClientTls(resolveNsqadminOptions({ nsqdHttpAddress: ['h:1'], ...given }))
}

test('files that cannot be used are named', async () => {
  const folder = temporaryFolder()
  const { client, stranger } = await certificates()
  const cert = file(folder, 'cert.pem', client.cert)
  const key = file(folder, 'key.pem', client.key)
  const other = file(folder, 'other.pem', stranger.key)
  const text = file(folder, 'text', 'hello')
  const fails = (given: Given, message: RegExp): void => {
    assert.throws(
      () => read(given),
      (error: unknown) =>
        error instanceof NsqError && error.code === 'E_TLS_FILE' && message.test(error.message),
    )
  }
  assert.deepEqual(read({}), { verify: true, minVersion: 'TLSv1.2' })
  assert.deepEqual(read({ httpClientTlsCert: cert, httpClientTlsKey: key }), {
    verify: true,
    minVersion: 'TLSv1.2',
    ...client,
  })
  fails(
    { httpClientTlsRootCaFile: join(folder, 'none') },
    /--http-client-tls-root-ca-file: .*none cannot be read/,
  )
  fails(
    { httpClientTlsRootCaFile: text },
    /--http-client-tls-root-ca-file: .* holds no certificate in PEM form/,
  )
  fails({ httpClientTlsCert: cert, httpClientTlsKey: text }, /--http-client-tls-key: .* holds no private key/)
  fails(
    { httpClientTlsCert: cert, httpClientTlsKey: other },
    /--http-client-tls-key: .* cannot be used with /,
  )
})
