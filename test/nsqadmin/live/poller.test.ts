import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { Answers } from '../../../src/cluster/answers.ts'
import { Cluster, type Look as ClusterLook } from '../../../src/cluster/cluster.ts'
import { HttpRequestError } from '../../../src/http/request.ts'
import { WallClock } from '../../../src/nsqadmin/live/clock.ts'
import type { Look } from '../../../src/nsqadmin/live/look.ts'
import { Poller } from '../../../src/nsqadmin/live/poller.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { pause, until } from '../../support/wait.ts'

const late = new HttpRequestError('E_HTTP_TIMEOUT', 'late')

/** A cluster that says what it is told to, and notes how it was asked. */
class FakeCluster extends Cluster {
  /** How long each look was ready to wait; undefined: as long as it takes. */
  readonly asked: (number | undefined)[] = []
  answer: () => Promise<Answers<ClusterLook>> = () =>
    Promise.resolve({ value: { nodes: [], stats: [] }, warnings: [] })
  #patience: number | undefined

  constructor() {
    super({ lookupds: [], nsqds: ['127.0.0.1:1'] })
  }

  override look(): Promise<Answers<ClusterLook>> {
    this.asked.push(this.#patience)
    this.#patience = undefined
    return this.answer()
  }

  override impatient(ms: number): Cluster {
    this.#patience = ms
    return this
  }
}

function start(t: TestContext, cluster: FakeCluster, intervalMs: number): { poller: Poller; looks: Look[] } {
  const looks: Look[] = []
  const looked = (look: Look): void => void looks.push(look)
  const poller = new Poller({ cluster: () => cluster, intervalMs, clock: new WallClock(), looked })
  t.after(() => poller.close())
  poller.start()
  return { poller, looks }
}

test('it looks at once, and often only while somebody watches', async t => {
  const cluster = new FakeCluster()
  const { poller, looks } = start(t, cluster, 100)
  await until(() => looks.length === 1)
  assert.deepEqual(
    looks.map(({ number, failed }) => ({ number, failed })),
    [{ number: 1, failed: undefined }],
  )
  assert.equal(poller.last, looks[0])
  await pause(300)
  assert.equal(looks.length, 1)
  const [stop, stopToo] = [poller.watch(), poller.watch()]
  await until(() => looks.length > 3)
  stop()
  stop()
  const { length } = looks
  await until(() => looks.length > length + 2)
  stopToo()
  // One may be under way.
  await pause(300)
  const last = looks.length
  await pause(300)
  assert.ok(looks.length <= last + 1)
})

test('there is never more than one look, and none after the end', async t => {
  const cluster = new FakeCluster()
  const holding: (() => void)[] = []
  cluster.answer = () =>
    new Promise(resolve => {
      holding.push(() => resolve({ value: { nodes: [], stats: [] }, warnings: [] }))
    })
  const { poller, looks } = start(t, cluster, 100)
  poller.watch()
  await pause(250)
  assert.equal(cluster.asked.length, 1)
  holding[0]?.()
  await until(() => cluster.asked.length === 2)
  poller.close()
  holding[1]?.()
  await pause(250)
  assert.equal(looks.length, 1)
  assert.equal(cluster.asked.length, 2)
})

test('when nobody answers it says so, and goes on', async t => {
  const cluster = new FakeCluster()
  const remedy = 'Start it.'
  cluster.answer = () => Promise.reject(new NsqError('E_CLUSTER', 'nobody', { remedy }))
  const { poller, looks } = start(t, cluster, 100)
  poller.watch()
  await until(() => looks.length === 2)
  assert.deepEqual(looks[0]?.failed, { message: 'nobody', warnings: [{ message: 'nobody', remedy }] })
  cluster.answer = new FakeCluster().answer
  await until(() => looks.at(-1)?.failed === undefined)
})

test('a daemon that hangs is not waited for again, but for now and then', async t => {
  const cluster = new FakeCluster()
  cluster.answer = () => Promise.resolve({ value: { nodes: [], stats: [] }, warnings: [late] })
  const { poller } = start(t, cluster, 100)
  poller.watch()
  await until(() => cluster.asked.length === 12)
  assert.deepEqual(cluster.asked.slice(0, 12), [undefined, ...Array(9).fill(1000), undefined, 1000])
  // The same when it is the only one.
  cluster.answer = () => Promise.reject(new NsqError('E_CLUSTER', 'late', { cause: late }))
  await until(() => cluster.asked.length === 16)
  assert.deepEqual(cluster.asked.slice(13, 16), [1000, 1000, 1000])
  // And when it answers again, it may take its time.
  cluster.answer = new FakeCluster().answer
  await until(() => cluster.asked.length === 19)
  assert.deepEqual(cluster.asked.slice(17, 19), [undefined, undefined])
})

test('an impatient cluster does not wait for a daemon that hangs', async t => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const patient = new Cluster({
    lookupds: [],
    nsqds: [`127.0.0.1:${address.port}`],
    requestTimeoutMs: 600_000,
  })
  await assert.rejects(patient.impatient(30).look(), /did not answer within 30 ms/)
  const quick = new Cluster({ lookupds: [], nsqds: [`127.0.0.1:${address.port}`], requestTimeoutMs: 20 })
  await assert.rejects(quick.impatient(600_000).look(), /did not answer within 20 ms/)
})
