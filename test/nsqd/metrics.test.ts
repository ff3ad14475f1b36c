import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fin, rdy, req } from '../../src/protocol/command.ts'
import { writeNsqdMetrics } from '../../src/nsqd/metrics.ts'
import { MetricsWriter } from '../../src/util/prometheus.ts'
import { readMetrics } from '../support/metrics.ts'
import { checkMetrics, checkOpenMetrics, promtoolMissing } from '../support/promtool.ts'
import { until } from '../support/wait.ts'
import { type Running, start } from './running.ts'

async function get({ nsqd }: Running, accept: string, encoding = 'identity'): Promise<Response> {
  const { host, port } = nsqd.httpAddress
  return fetch(`http://${host}:${port}/metrics`, { headers: { accept, 'accept-encoding': encoding } })
}

async function metrics(running: Running): Promise<Map<string, number>> {
  return readMetrics(await (await get(running, '*/*')).text())
}

/** An nsqd of which every family has a sample. */
async function busy(...[t]: Parameters<typeof start>): Promise<Running> {
  const running = await start(t, { e2eProcessingLatencyPercentile: [0.5, 0.99], msgTimeout: 100 })
  const idle = await running.subscribe(1)
  await running.publish('one', 'two', 'three', 'four', 'five')
  await until(() => running.channel().timeoutCount > 0)
  idle.destroy()
  await until(() => running.channel().sessions.size === 0)
  const consumer = await running.subscribe(3, { msg_timeout: 60_000 })
  const [one, two] = await consumer.messages(3)
  consumer.send(rdy(0), fin(one?.id ?? ''), req(two?.id ?? '', 1_200_000))
  await consumer.settled()
  running.nsqd.topic('t').channel('paused').pause()
  running.nsqd.topic('waits')
  await running.nsqd.publish('waits', [Buffer.from('12'), Buffer.from('3')], 0)
  running.topic('waits').pause()
  await running.nsqd.publish('gone#ephemeral', [Buffer.from('x')], 0)
  return running
}

describe('/metrics of nsqd', () => {
  test('tells what topics and channels have', async t => {
    const running = await busy(t)
    const { timeoutCount, globalCount } = running.channel()
    const seen = await metrics(running)
    const expected: Record<string, number> = {
      nsqd_healthy: 1,
      nsqd_connections: 1,
      nsqd_message_memory_limit_bytes: 64 * 1024 * 1024,
      'nsqd_topic_messages_total{topic="t"}': 5,
      'nsqd_topic_message_bytes_total{topic="t"}': 19,
      'nsqd_topic_depth{topic="t"}': 0,
      'nsqd_topic_depth{topic="waits"}': 2,
      'nsqd_topic_backend_depth{topic="waits"}': 0,
      'nsqd_topic_disk_bytes{topic="waits"}': 2 * 34 + 3,
      'nsqd_topic_paused{topic="t"}': 0,
      'nsqd_topic_paused{topic="waits"}': 1,
      'nsqd_topic_messages_total{topic="gone#ephemeral"}': 1,
      'nsqd_channel_messages_total{topic="t",channel="c"}': 5,
      'nsqd_channel_depth{topic="t",channel="c"}': 2,
      'nsqd_channel_backend_depth{topic="t",channel="c"}': 0,
      'nsqd_channel_in_flight{topic="t",channel="c"}': 1,
      'nsqd_channel_deferred{topic="t",channel="c"}': 1,
      'nsqd_channel_requeued_total{topic="t",channel="c"}': 1,
      'nsqd_channel_timed_out_total{topic="t",channel="c"}': timeoutCount,
      'nsqd_channel_clients{topic="t",channel="c"}': 1,
      'nsqd_channel_paused{topic="t",channel="c"}': 0,
      'nsqd_channel_paused{topic="t",channel="paused"}': 1,
      'nsqd_channel_delivered_total{topic="t",channel="c",locality="global"}': globalCount,
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(seen.get(name), value, name)
    assert.ok((seen.get('nsqd_message_memory_bytes') ?? 0) > 0)
    const age = Date.now() / 1000 - (seen.get('nsqd_start_time_seconds') ?? 0)
    assert.ok(age >= 0 && age < 3600)
    for (const quantile of [0.5, 0.99]) {
      const name = `nsqd_channel_e2e_latency_seconds{topic="t",channel="c",quantile="${quantile}"}`
      const seconds = seen.get(name) ?? 0
      assert.ok(seconds > 0 && seconds < 60, name)
    }
    const missing = [
      'nsqd_topic_disk_bytes{topic="gone#ephemeral"}',
      'nsqd_channel_delivered_total{topic="t",channel="paused",locality="global"}',
    ]
    for (const name of missing) assert.equal(seen.has(name), false, name)
    assert.equal([...seen.keys()].filter(name => name.includes('e2e') && name.includes('paused')).length, 0)
  })

  test('is what Prometheus reads', { skip: promtoolMissing }, async t => {
    const running = await busy(t)
    const text = await get(running, 'text/plain')
    assert.equal(text.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    checkMetrics(await text.text())
    const open = await get(running, 'application/openmetrics-text; version=1.0.0, text/plain;q=0.5', 'gzip')
    assert.equal(
      open.headers.get('content-type'),
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    assert.equal(open.headers.get('content-encoding'), 'gzip')
    checkOpenMetrics(await open.text())
  })

  test('says when the disk refuses', async t => {
    const running = await start(t)
    running.nsqd.diskResult(new Error('no space'))
    assert.equal((await metrics(running)).get('nsqd_healthy'), 0)
    running.nsqd.diskResult(null)
    assert.equal((await metrics(running)).get('nsqd_healthy'), 1)
  })

  test('a topic that is deleted and made again meanwhile is told of once', async t => {
    const running = await start(t)
    for (let i = 0; i < 150; i++) running.nsqd.topic(`t${i}`)
    const writer = new MetricsWriter()
    const writing = writeNsqdMetrics(writer, running.nsqd)
    running.nsqd.deleteTopic('t0')
    running.nsqd.topic('t0')
    await writing
    const samples = writer.finish().match(/^nsqd_topic_depth\{topic="t\d+"\}/gm) ?? []
    assert.equal(new Set(samples).size, 150)
    assert.equal(samples.length, 150)
  })

  test('lets others have their turn while it tells of many channels', async t => {
    const running = await start(t)
    for (let i = 0; i < 1000; i++) {
      const topic = running.nsqd.topic(`topic-${i}#ephemeral`)
      for (const name of ['a', 'b', 'c', 'd', 'e']) topic.channel(name)
    }
    const writer = new MetricsWriter()
    const work = { turns: 0, isDone: false }
    const count = (): void => {
      work.turns++
      if (!work.isDone) setImmediate(count)
    }
    count()
    await writeNsqdMetrics(writer, running.nsqd)
    work.isDone = true
    const text = writer.finish()
    assert.equal(text.match(/^nsqd_channel_depth\{/gm)?.length, 5000)
    // One for each of the families, and of the topics.
    assert.ok(work.turns > 20, `${work.turns} turns`)
    if (promtoolMissing === false) checkMetrics(text)
  })
})
