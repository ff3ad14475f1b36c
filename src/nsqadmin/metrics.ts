import { writeProcessMetrics } from '../util/process-metrics.ts'
import type { MetricFamily, MetricsWriter } from '../util/prometheus.ts'
import type { LiveStatus } from './live/routes.ts'

/** What nsqadmin counts. */
export interface AdminCounts extends LiveStatus {
  /** HTTP requests, those of refused ones among them. */
  requests: number
  /** Those without the token, or for a host that is not ours. */
  refused: number
}

const requests: MetricFamily = { name: 'nsqadmin_requests_total', type: 'counter', help: 'HTTP requests.' }
const refused: MetricFamily = {
  name: 'nsqadmin_refused_requests_total',
  type: 'counter',
  help: 'HTTP requests without the token of --auth-token, or for a host that is not of --allowed-host.',
}
const streams: MetricFamily = {
  name: 'nsqadmin_streams',
  type: 'gauge',
  help: 'Open streams of live numbers: about one for each page that somebody looks at.',
}
const watches: MetricFamily = {
  name: 'nsqadmin_watches',
  type: 'gauge',
  help: 'Topics that somebody watches the messages of.',
}
const looks: MetricFamily = { name: 'nsqadmin_looks_total', type: 'counter', help: 'Looks at the cluster.' }
const age: MetricFamily = {
  name: 'nsqadmin_last_look_age_seconds',
  type: 'gauge',
  help: 'Time since the last look at which a daemon answered.',
}

/** Writes what nsqadmin has to say of itself; the numbers of topics and channels are those of the nsqds. */
export function writeAdminMetrics(writer: MetricsWriter, counts: AdminCounts): void {
  writeProcessMetrics(writer, 'nsqadmin')
  writer.single(requests, counts.requests)
  writer.single(refused, counts.refused)
  writer.single(streams, counts.streams)
  writer.single(watches, counts.watches)
  writer.single(looks, counts.looks)
  if (counts.ageMs !== undefined) writer.single(age, counts.ageMs / 1000)
}
