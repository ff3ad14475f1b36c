/** Daemons that go while `stat` looks at one topic, in this process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { http } from '../../client/daemons.ts'
import { daemons, eventually } from '../../cluster/rig.ts'
import { until } from '../../support/wait.ts'
import { run } from '../admin/rig.ts'
import { fakeSurroundings } from '../fakes.ts'

interface Json {
  nsqds: unknown[]
  errors: { message: string }[]
}

test('an nsqd of the topic that is gone is a line; one that has the topic no more is none', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
  const [, two] = nsqds
  assert.ok(two)
  for (const nsqd of nsqds) nsqd.topic('orders')
  await eventually(async () => (await cluster.producersOf('orders')).value.length === 2)
  const around = fakeSurroundings()
  const [lookupd = ''] = cluster.lookupds
  const words = ['stat', 'orders', '--json', '--interval', '20ms', '--lookupd-http-address', lookupd]
  const done = run(words, around)
  const reports = (): Json[] =>
    around
      .out()
      .split('\n')
      .slice(0, -1)
      .map((line): Json => JSON.parse(line))
  const sees = (count: number): Promise<void> => until(() => reports().at(-1)?.nsqds.length === count)
  await sees(2)
  await fetch(`http://${http(two)}/topic/delete?topic=orders`, { method: 'POST' })
  await sees(1)
  two.topic('orders')
  await sees(2)
  assert.deepEqual(
    reports().flatMap(({ errors }) => errors),
    [],
  )
  await two.close()
  await until(() =>
    reports().some(({ errors }) =>
      errors.some(({ message }) => message === `nsqd ${http(two)} has left nsqlookupd`),
    ),
  )
  around.stop.abort()
  assert.equal((await done).code, 0)
})
