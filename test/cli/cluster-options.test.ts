import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { clusterOptions, findCluster, type FoundCluster } from '../../src/cli/cluster-options.ts'
import { resolveOptions } from '../../src/util/option-values.ts'
import { Daemons } from '../client/daemons.ts'
import { FakeLookupd } from '../client/fake-lookupd.ts'
import { certificates } from '../support/certificates.ts'

const files = new Daemons()
after(() => files.close())

function find(given: Record<string, string>, env: Record<string, string> = {}): Promise<FoundCluster> {
  const { signal } = new AbortController()
  return findCluster(resolveOptions(clusterOptions, given, env), { env, signal })
}

describe('findCluster', () => {
  test('takes addresses with or without a port, and URLs', async () => {
    const { cluster, assumed } = await find({ 'lookupd-http-address': 'a,b:1,https://c,[::1]' })
    assert.equal(assumed, undefined)
    assert.deepEqual(cluster.lookupds, ['a:4161', 'b:1', 'https://c', '[::1]:4161'])
    assert.deepEqual((await find({ 'nsqd-http-address': 'a' })).cluster.nsqds, ['a:4151'])
  })

  test('both kinds contradict each other on the command line, not in the environment that dev makes', async () => {
    const both = { 'lookupd-http-address': 'a', 'nsqd-http-address': 'b' }
    await assert.rejects(find(both), { code: 'E_USAGE', message: /exclude each other/ })
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: 'a:1', NSQ_NSQD_HTTP_ADDRESS: 'b:1' }
    assert.deepEqual((await find({}, env)).cluster.lookupds, ['a:1'])
  })

  test('names what is no address', async () => {
    for (const text of ['a:b', 'http://', '1:2:3']) {
      await assert.rejects(
        async () => find({ 'lookupd-http-address': text }),
        (error: Error) => error.message.includes(text),
      )
    }
  })

  test('asks over https, and trusts whom it is told to', async t => {
    const { ca, server } = await certificates()
    const lookupd = await FakeLookupd.startSecure(server)
    t.after(() => lookupd.close())
    const flags = { 'lookupd-http-address': `https://localhost:${lookupd.address.split(':')[1]}` }
    await assert.rejects((await find(flags)).cluster.nodes(), { code: 'E_LOOKUP' })
    const trusting = await find({ ...flags, 'tls-ca': await files.file(ca.cert) })
    assert.deepEqual((await trusting.cluster.nodes()).value, [])
    assert.deepEqual((await (await find({ ...flags, 'tls-insecure': 'true' })).cluster.nodes()).value, [])
    await assert.rejects(find({ ...flags, 'tls-ca': '/nowhere' }), { code: 'E_TLS_FILE' })
  })
})
