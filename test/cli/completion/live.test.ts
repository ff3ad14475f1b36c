/** Names that are asked of a cluster. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { Cluster } from '../../../src/cli/dev/cluster.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { NOWHERE, offered, startCluster } from './rig.ts'

let cluster: Cluster
let lookupd = ''
let nsqd = { tcp: '', http: '' }

before(async () => {
  cluster = await startCluster()
  lookupd = cluster.lookupds[0]?.http ?? ''
  nsqd = cluster.nsqds[0] ?? nsqd
})

after(() => cluster.close())

/** A server that answers in this way; its port. */
async function serve(t: TestContext, reply: (path: string) => Promise<string>): Promise<number> {
  const server: Server = createServer((request, response) => {
    void reply(request.url ?? '').then(text => response.end(text))
  })
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return (server.address() as AddressInfo).port
}

describe('completion asks the cluster', () => {
  test('of the flags that were typed', async () => {
    const flag = ['tail', '--lookupd-http-address', lookupd]
    assert.deepEqual(await offered([...flag, '--topic', '']), ['events', 'orders'])
    assert.deepEqual(await offered([...flag, '--topic=o']), ['events', 'orders'])
    assert.deepEqual(await offered([...flag, '']), ['events', 'orders'])
    assert.deepEqual(await offered(['topic', 'delete', `-nsqd-http-address=${nsqd.http}`, 'orders', '']), [
      'events',
    ])
  })

  test('of the environment, unless a flag names another', async () => {
    const env = { NSQ_NSQD_HTTP_ADDRESS: nsqd.http }
    assert.deepEqual(await offered(['stat', ''], env), ['events', 'orders'])
    assert.deepEqual(await offered(['stat', '--lookupd-http-address', NOWHERE, '--topic', ''], env), [])
  })

  test('of the context', async () => {
    const folder = temporaryFolder()
    mkdirSync(folder, { recursive: true })
    const text = `current = "here"\n[contexts.here]\nlookupd-http-address = ["${lookupd}"]\n[contexts.there]\nlookupd-http-address = ["${NOWHERE}"]\n`
    writeFileSync(join(folder, 'contexts.toml'), text)
    const env = { NSQ_CONFIG_DIR: folder }
    assert.deepEqual(await offered(['tail', '--topic', ''], env), ['events', 'orders'])
    assert.deepEqual(await offered(['tail', '--context', 'there', '--topic', ''], env), [])
    const other = { ...env, NSQ_LOOKUPD_HTTP_ADDRESS: NOWHERE }
    assert.deepEqual(await offered(['tail', '--topic', ''], other), [])
    assert.deepEqual(await offered(['tail', '--context', 'here', '--topic', ''], other), ['events', 'orders'])
  })

  test('for the channels of the topic, wherever it stands', async () => {
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: lookupd }
    assert.deepEqual(await offered(['tail', '--topic', 'orders', '--channel', ''], env), [
      'billing',
      'shipping',
    ])
    assert.deepEqual(await offered(['tail', 'events', '-channel='], env), ['mail#ephemeral'])
    assert.deepEqual(await offered(['channel', 'pause', 'orders', 'billing', ''], env), ['shipping'])
    assert.deepEqual(await offered(['stat', '--channel', ''], env), ['billing', 'mail#ephemeral', 'shipping'])
    assert.deepEqual(await offered(['tail', '--topic', 'orders,events', '--channel', ''], env), [
      'billing',
      'mail#ephemeral',
      'shipping',
    ])
  })

  test('for several in one word', async () => {
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: lookupd }
    assert.deepEqual(await offered(['tail', '--topic', 'orders,'], env), ['orders,events'])
  })

  test('for its nsqds, by the address that is meant', async () => {
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: lookupd }
    assert.deepEqual(await offered(['tail', '--nsqd-tcp-address', ''], env), [nsqd.tcp])
    assert.deepEqual(await offered(['stat', '--nsqd-http-address', ''], env), [nsqd.http])
    assert.deepEqual(await offered(['tombstone', 'orders', ''], env), [nsqd.http])
    const nowhere = { NSQ_LOOKUPD_HTTP_ADDRESS: NOWHERE }
    assert.deepEqual(await offered(['tail', '--nsqd-tcp-address', ''], nowhere), ['127.0.0.1:4150'])
  })

  test('of the destination, for its own flags', async () => {
    const words = ['mirror', '--destination-lookupd-http-address', lookupd, '--destination-topic']
    const env = { NSQ_LOOKUPD_HTTP_ADDRESS: NOWHERE }
    assert.deepEqual(await offered([...words, ''], env), ['events', 'orders'])
  })

  test('of an nsqd that is known by its TCP address, beside it', async t => {
    const port = await serve(t, async path => (await fetch(`http://${nsqd.http}${path}`)).text())
    const words = ['tail', '--nsqd-tcp-address', `127.0.0.1:${port - 1}`, '--topic', '']
    assert.deepEqual(await offered(words), ['events', 'orders'])
    assert.deepEqual(await offered(['tail', '--nsqd-tcp-address', '/run/nsqd.sock', '--topic', '']), [])
  })

  test('and takes nothing from it that is not a name', async t => {
    const topics = ['fine', '$(reboot)', 'a b', '\u001b[2J', 'x\ty', 'x'.repeat(99)]
    const port = await serve(t, async () => JSON.stringify({ topics }))
    const words = ['tail', '--lookupd-http-address', `127.0.0.1:${port}`, '--topic', '']
    assert.deepEqual(await offered(words), ['fine'])
  })

  test('and does without daemons that say nothing, or flags that make no sense', async t => {
    const silent = `127.0.0.1:${await serve(t, () => new Promise(() => {}))}`
    const impatient = { NSQ_COMPLETION_TIMEOUT: '50ms' }
    assert.deepEqual(await offered(['tail', '--lookupd-http-address', silent, '--topic', ''], impatient), [])
    assert.deepEqual(await offered(['tail', '--lookupd-http-address', '::::', '--topic', '']), [])
    assert.deepEqual(await offered(['tail', '--context', 'unknown', '--topic', '']), [])
  })
})
