import { formatDuration } from '../util/duration.ts'
import type { ChannelStats, ClientStats, Stats, TopicStats } from './stats.ts'

/** The text form of `/stats`, laid out as the official nsqd does, for people and for scripts that cut it up. */
export function statsText(stats: Stats, startTime: Date, nowMs = Date.now()): string {
  const { topics } = stats
  const producers = stats.producers ?? []
  const lines = [
    `nsqd v${stats.version} (built w/node${process.versions.node})`,
    `start_time ${formatTime(startTime)}`,
    `uptime ${formatDuration(Math.max(0, nowMs - startTime.getTime()))}`,
    '',
    `Health: ${stats.health}`,
  ]
  if (stats.memory) {
    lines.push('', 'Memory:')
    for (const [name, value] of Object.entries(stats.memory)) lines.push(`   ${name.padEnd(25)}\t${value}`)
  }
  lines.push('', topics.length === 0 ? 'Topics: None' : 'Topics:')
  for (const [index, topic] of topics.entries()) {
    if (index > 0) lines.push('')
    lines.push(topicLine(topic))
    for (const channel of topic.channels) {
      lines.push(channelLine(channel))
      for (const client of channel.clients ?? []) lines.push(`        ${clientText(client, nowMs)}`)
    }
  }
  lines.push('', producers.length === 0 ? 'Producers: None' : 'Producers:')
  for (const client of producers) lines.push(`   ${clientText(client, nowMs)}`)
  return `${lines.join('\n')}\n`
}

function topicLine(topic: TopicStats): string {
  return (
    `${topic.paused ? '*P ' : '   '}[${topic.topic_name.padEnd(15)}] depth: ${pad(topic.depth, 5)} ` +
    `be-depth: ${pad(topic.backend_depth, 5)} msgs: ${pad(topic.message_count, 8)} e2e%: ${latencyText(topic)}` +
    count('refused', topic.refused_count) +
    count('dropped', topic.dropped_count) +
    count('expired', topic.expired_count)
  )
}

function channelLine(channel: ChannelStats): string {
  return (
    `${channel.paused ? '   *P ' : '      '}[${channel.channel_name.padEnd(25)}] depth: ${pad(channel.depth, 5)} ` +
    `be-depth: ${pad(channel.backend_depth, 5)} inflt: ${pad(channel.in_flight_count, 4)} ` +
    `def: ${pad(channel.deferred_count, 4)} re-q: ${pad(channel.requeue_count, 5)} ` +
    `timeout: ${pad(channel.timeout_count, 5)} msgs: ${pad(channel.message_count, 8)} e2e%: ${latencyText(channel)}` +
    count('dropped', channel.dropped_count) +
    count('expired', channel.expired_count) +
    (channel.orphaned === true ? ' orphaned' : '')
  )
}

/** Ours, behind all that is official, and only where there is something to say. */
function count(name: string, value = 0): string {
  return value > 0 ? ` ${name}: ${value}` : ''
}

/** A client that has published is shown as a producer, even where it is listed as a consumer. */
function clientText(client: ClientStats, nowMs: number): string {
  const port = client.remote_address.slice(client.remote_address.lastIndexOf(':') + 1)
  const who = `[${client.version} ${`${client.hostname}:${port} ${client.user_agent}`.padEnd(21)}]`
  const connected = formatDuration(Math.max(0, Math.floor(nowMs / 1000) - client.connect_ts) * 1000)
  const counts = client.pub_counts ?? []
  if (counts.length > 0) {
    const total = counts.reduce((sum, { count }) => sum + count, 0)
    const topics = counts.map(({ topic, count }) => `${topic}=${count}`).join(',')
    return `${who} msgs: ${pad(total, 8)} topics: ${topics} connected: ${connected}`
  }
  return (
    `${who} state: ${client.state} inflt: ${pad(client.in_flight_count, 4)} rdy: ${pad(client.ready_count, 4)} ` +
    `fin: ${pad(client.finish_count, 8)} re-q: ${pad(client.requeue_count, 8)} ` +
    `msgs: ${pad(client.message_count, 8)} connected: ${connected}`
  )
}

function latencyText({ e2e_processing_latency: { percentiles } }: TopicStats | ChannelStats): string {
  return (percentiles ?? []).map(({ value }) => nanosecondsText(value)).join(', ')
}

function nanosecondsText(ns: number): string {
  if (ns > 1e9) return `${(ns / 1e9).toFixed(1)}s`
  if (ns > 1e6) return `${(ns / 1e6).toFixed(1)}ms`
  if (ns > 1e3) return `${(ns / 1e3).toFixed(1)}us`
  return `${ns.toFixed(1)}ns`
}

function pad(value: number, width: number): string {
  return String(value).padEnd(width)
}

/** RFC 3339 in local time, without fractions: `2026-01-02T15:04:05+01:00`, or `Z` for UTC. */
function formatTime(date: Date): string {
  const offset = -date.getTimezoneOffset()
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19)
  if (offset === 0) return `${local}Z`
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}
