import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { writeLookupdMetrics } from '../../src/nsqlookupd/metrics.ts'
import { resolveNsqlookupdOptions } from '../../src/nsqlookupd/options.ts'
import { type Producer, Registry } from '../../src/nsqlookupd/registry.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { MetricsWriter } from '../../src/util/prometheus.ts'
import { readMetrics } from '../support/metrics.ts'
import { checkMetrics, checkOpenMetrics, promtoolMissing } from '../support/promtool.ts'

function producer(httpPort: number): Producer {
  return {
    id: `127.0.0.1:${httpPort + 10_000}`,
    hostname: 'box',
    broadcastAddress: '127.0.0.1',
    tcpPort: httpPort - 1,
    httpPort,
    version: '1.3.0',
    topologyZone: '',
    topologyRegion: '',
    lastUpdate: 0,
  }
}

/** Two nsqds with topics, of which one has gone quiet, and one topic is hidden. */
function registry(): Registry {
  let now = 1000
  const registry = new Registry({ inactiveTimeoutMs: 100, tombstoneLifetimeMs: 1000, now: () => now })
  const [quiet, active] = [producer(4151), producer(4251)]
  registry.seen(quiet)
  now += 200
  registry.seen(active)
  for (const each of [quiet, active]) registry.register(each, 'both', 'one')
  registry.register(active, 'both', 'two')
  registry.register(active, 'hidden')
  registry.createTopic('empty')
  registry.tombstone('hidden', '127.0.0.1:4251')
  return registry
}

function written(format: 'text' | 'openmetrics' = 'text'): string {
  const writer = new MetricsWriter(format)
  writeLookupdMetrics(writer, registry())
  return writer.finish()
}

test('/metrics of nsqlookupd tells what is registered', () => {
  const seen = readMetrics(written())
  const expected: Record<string, number> = {
    nsqlookupd_topics: 3,
    nsqlookupd_channels: 2,
    nsqlookupd_producers: 1,
    nsqlookupd_inactive_producers: 1,
    nsqlookupd_tombstones: 1,
    'nsqlookupd_topic_producers{topic="both"}': 1,
    'nsqlookupd_topic_producers{topic="hidden"}': 0,
    'nsqlookupd_topic_producers{topic="empty"}': 0,
    'nsqlookupd_topic_channels{topic="both"}': 2,
    'nsqlookupd_topic_channels{topic="empty"}': 0,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(seen.get(name), value, name)
})

test('nsqlookupd answers /metrics', async t => {
  const options = resolveNsqlookupdOptions({ tcpAddress: '127.0.0.1:0', httpAddress: '127.0.0.1:0' })
  const daemon = new Nsqlookupd(options, new Logger({ prefix: '', level: LogLevel.fatal }))
  await daemon.start()
  t.after(() => daemon.close())
  daemon.registry.createChannel('t', 'c')
  const response = await fetch(`http://${formatAddress(daemon.httpAddress)}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(readMetrics(await response.text()).get('nsqlookupd_channels'), 1)
})

test('/metrics of nsqlookupd is what Prometheus reads', { skip: promtoolMissing }, () => {
  checkMetrics(written())
  checkOpenMetrics(written('openmetrics'))
})
