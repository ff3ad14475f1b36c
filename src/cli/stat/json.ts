import type { NsqError } from '../../util/errors.ts'
import type { Numbers, Report, Row } from './report.ts'
import { rowsOf, totalsOf } from './rows.ts'
import { judge, type Thresholds } from './thresholds.ts'

/**
 * A report as one JSON object, whose shape docs/stat.md has.
 *
 * @param minDepth - what is less deep is left out
 */
export function reportJson(report: Report, thresholds: Thresholds, minDepth: number): string {
  const topics = report.topics
    .map(topic => ({ topic, channels: topic.channels.filter(({ depth }) => depth >= minDepth) }))
    .filter(({ topic, channels }) => channels.length > 0 || topic.depth >= minDepth)
  const healths = new Map(report.stats.map(stats => [stats.node, stats]))
  return JSON.stringify({
    time: report.at.toISOString(),
    seconds: report.elapsedMs === undefined ? null : round(report.elapsedMs / 1000),
    status: judge(report, thresholds).level,
    nsqds: report.nodes.map(({ node, hostname, version, error }) => ({
      address: node,
      hostname,
      version,
      health: healths.get(node)?.health ?? null,
      error: error?.message ?? null,
    })),
    errors: report.warnings.map(errorJson),
    totals: {
      topics: topics.length,
      channels: topics.reduce((sum, { channels }) => sum + channels.length, 0),
      ...numbers(totalsOf(rowsOf(report, { sort: 'name', minDepth, filter: '' }))),
    },
    topics: topics.map(({ topic, channels }) => ({
      topic: topic.topic,
      ...state(topic),
      depth: topic.depth,
      memory: topic.depth - topic.disk,
      disk: topic.disk,
      in: rate(topic.in),
      messages: topic.messages,
      ...losses(topic),
      channels: channels.map(channel => ({
        channel: channel.channel,
        ...state(channel),
        ...numbers(channel),
        latency_ms: Object.fromEntries(
          channel.latency.map(({ quantile, ms }) => [String(quantile), round(ms)]),
        ),
      })),
    })),
  })
}

/** The same when nobody answered. */
export function failureJson(error: NsqError, at: Date): string {
  return JSON.stringify({
    time: at.toISOString(),
    seconds: null,
    status: 'unknown',
    nsqds: [],
    errors: [errorJson(error)],
    totals: null,
    topics: [],
  })
}

function errorJson({ code, message }: NsqError): { code: string; message: string } {
  return { code, message }
}

function state({ paused, growing, orphaned }: Row): Record<string, boolean> {
  return { paused, growing, ...(orphaned && { orphaned }) }
}

function numbers(of: Numbers): Record<string, number | null> {
  return {
    depth: of.depth,
    memory: of.depth - of.disk,
    disk: of.disk,
    in_flight: of.inFlight,
    deferred: of.deferred,
    in: rate(of.in),
    out: rate(of.out),
    requeued: of.requeued,
    timed_out: of.timedOut,
    connections: of.connections,
    messages: of.messages,
    ...losses(of),
  }
}

/** Left out when zero, as in nsqd's /stats. */
function losses({ refused, dropped, expired }: Numbers): Record<string, number> {
  return {
    ...(refused > 0 && { refused }),
    ...(dropped > 0 && { dropped }),
    ...(expired > 0 && { expired }),
  }
}

function rate(value: number | undefined): number | null {
  return value === undefined ? null : round(value)
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
