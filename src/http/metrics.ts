import { metricsFormat, MetricsWriter } from '../util/prometheus.ts'
import { acceptsGzip, compressed } from './gzip.ts'
import type { Route } from './router.ts'

/**
 * `GET /metrics`, with what `write` writes: in OpenMetrics for those who ask for it, else in Prometheus' own format;
 * compressed where that is accepted.
 */
export function metricsRoute(write: (writer: MetricsWriter) => void | Promise<void>): Route {
  return {
    method: 'GET',
    path: '/metrics',
    async handle({ headers }) {
      const writer = new MetricsWriter(metricsFormat(headers.accept))
      await write(writer)
      const reply = { status: 200, contentType: writer.contentType, body: writer.finish() }
      return acceptsGzip(headers['accept-encoding']) ? compressed(reply) : reply
    },
  }
}
