import { writeNsqdMetrics } from '../../src/nsqd/metrics.ts'
import { writeAdminMetrics } from '../../src/nsqadmin/metrics.ts'
import { writeLookupdMetrics } from '../../src/nsqlookupd/metrics.ts'
import { Registry } from '../../src/nsqlookupd/registry.ts'
import { MetricsWriter } from '../../src/util/prometheus.ts'
import { LatencyQuantiles } from '../../src/util/quantile.ts'
import { channel, daemon, topic } from '../nsqd/sources.ts'

/** All that a daemon can export, in Prometheus' text format: every family has a sample. */
export async function exported(daemonName: 'nsqd' | 'nsqlookupd' | 'nsqadmin'): Promise<string> {
  const writer = new MetricsWriter()
  if (daemonName === 'nsqd') await writeNsqd(writer)
  else if (daemonName === 'nsqlookupd') writeLookupd(writer)
  else writeAdminMetrics(writer, { requests: 1, refused: 1, streams: 1, watches: 1, looks: 1, ageMs: 1 })
  return writer.finish()
}

async function writeNsqd(writer: MetricsWriter): Promise<void> {
  const latency = new LatencyQuantiles(60_000)
  latency.insert(5e6, Date.now())
  const known = {
    ...topic('t', [channel('c', { latency, globalCount: 1 })], { retainedBytes: 1 }),
    diskBytes: 1,
  }
  await writeNsqdMetrics(writer, {
    ...daemon([]),
    topics: new Map([[known.name, known]]),
    options: { e2eProcessingLatencyPercentile: [0.5] },
    memory: { used: 1, limit: 2 },
    refusedConnections: 0,
  })
}

function writeLookupd(writer: MetricsWriter): void {
  const registry = new Registry({ inactiveTimeoutMs: 1000, tombstoneLifetimeMs: 1000 })
  registry.createTopic('t')
  writeLookupdMetrics(writer, registry)
}
