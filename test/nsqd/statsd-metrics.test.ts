import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { collectStats, type Stats, type StatsSource } from '../../src/nsqd/stats.ts'
import { StatsdMetrics, statsdPrefix } from '../../src/nsqd/statsd-metrics.ts'
import { LatencyQuantiles } from '../../src/util/quantile.ts'
import { channel, daemon, session, topic } from './sources.ts'

function stats(source: StatsSource, includeMemory = false): Stats {
  return collectStats(source, { topic: '', channel: '', includeClients: false, includeMemory })
}

function lines(text: Iterable<string>): string[] {
  return Array.from(text, line => line.trimEnd())
}

/** A topic whose every counter is at this. */
function at(count: number): ReturnType<typeof topic> {
  const c = channel('c', { messageCount: count, requeueCount: count, timeoutCount: count })
  return topic('t', [c], { messageCount: count, messageBytes: 10 * count })
}

/** What is told of it when all has grown by this. */
function grown(count: number): string[] {
  return [
    `topic.t.message_count:${count}|c`,
    `topic.t.message_bytes:${10 * count}|c`,
    `topic.t.channel.c.message_count:${count}|c`,
    `topic.t.channel.c.requeue_count:${count}|c`,
    `topic.t.channel.c.timeout_count:${count}|c`,
  ]
}

describe('StatsdMetrics', () => {
  test('tells everything under the official names', () => {
    const sessions = new Set([session(), session()])
    const c = channel('c', {
      depth: 3,
      backendDepth: 2,
      inFlightCount: 4,
      deferredCount: 5,
      messageCount: 60,
      requeueCount: 7,
      timeoutCount: 8,
      sessions,
    })
    const source = daemon([
      topic('t', [c], { depth: 1, backendDepth: 9, messageCount: 60, messageBytes: 600 }),
    ])
    assert.deepEqual(lines(new StatsdMetrics('nsq.me.', false).lines(stats(source))), [
      'nsq.me.topic.t.message_count:60|c',
      'nsq.me.topic.t.message_bytes:600|c',
      'nsq.me.topic.t.depth:1|g',
      'nsq.me.topic.t.backend_depth:9|g',
      'nsq.me.topic.t.channel.c.message_count:60|c',
      'nsq.me.topic.t.channel.c.depth:3|g',
      'nsq.me.topic.t.channel.c.backend_depth:2|g',
      'nsq.me.topic.t.channel.c.in_flight_count:4|g',
      'nsq.me.topic.t.channel.c.deferred_count:5|g',
      'nsq.me.topic.t.channel.c.requeue_count:7|c',
      'nsq.me.topic.t.channel.c.timeout_count:8|c',
      'nsq.me.topic.t.channel.c.clients:2|g',
    ])
  })

  test('tells how much counters have grown, and all of one that began anew', () => {
    const metrics = new StatsdMetrics('', false)
    const counters = (topics: Parameters<typeof daemon>[0]): string[] =>
      lines(metrics.lines(stats(daemon(topics)))).filter(line => line.endsWith('|c'))
    assert.deepEqual(counters([at(5)]), grown(5))
    assert.deepEqual(counters([at(7)]), grown(2))
    assert.deepEqual(counters([at(7)]), grown(0))
    assert.deepEqual(counters([at(3)]), grown(3))
    assert.deepEqual(counters([]), [])
    assert.deepEqual(counters([at(4)]), grown(4))
  })

  test('leaves ephemeral topics and channels out on request', () => {
    const source = daemon([
      topic('t', [channel('c'), channel('d#ephemeral')]),
      topic('u#ephemeral', [channel('c')]),
    ])
    const names = (exclude: boolean): Set<string | undefined> =>
      new Set(
        Array.from(new StatsdMetrics('', exclude).lines(stats(source)), line => /(.*)\.\w+:/.exec(line)?.[1]),
      )
    assert.deepEqual([...names(true)], ['topic.t', 'topic.t.channel.c'])
    assert.equal(names(false).size, 5)
  })

  test('names percentiles as Go does', () => {
    const latency = new LatencyQuantiles(60_000)
    latency.insert(5_000_000, Date.now())
    const source = daemon([topic('t', [channel('c', { latency })])], {
      options: { e2eProcessingLatencyPercentile: [0.99, 0.995, 0.985, 0.5] },
    })
    const all = lines(new StatsdMetrics('', false).lines(stats(source))).filter(line => line.includes('e2e'))
    const names = all.map(line => line.slice(0, line.indexOf(':')))
    const last = ['99', '100', '98', '50'].map(percent => `e2e_processing_latency_${percent}`)
    assert.deepEqual(names, [
      ...last.map(name => `topic.t.${name}`),
      ...last.map(name => `topic.t.channel.c.${name}`),
    ])
    for (const line of all) assert.match(line, /:(49|50)\d{5}\|g$/)
  })

  test('tells of memory on request', () => {
    const metrics = new StatsdMetrics('p.', false)
    const all = lines(metrics.lines(stats(daemon([]), true)))
    assert.deepEqual(
      all.map(line => line.replace(/:\d+\|/, ':N|')),
      [
        'p.mem.heap_objects:N|g',
        'p.mem.heap_idle_bytes:N|g',
        'p.mem.heap_in_use_bytes:N|g',
        'p.mem.heap_released_bytes:N|g',
        'p.mem.gc_pause_usec_100:N|g',
        'p.mem.gc_pause_usec_99:N|g',
        'p.mem.gc_pause_usec_95:N|g',
        'p.mem.next_gc_bytes:N|g',
        'p.mem.gc_runs:N|c',
      ],
    )
  })
})

test('statsdPrefix puts this nsqd in, and ends with a dot', () => {
  assert.equal(statsdPrefix('nsq.%s', 'box.example.org:4151'), 'nsq.box_example_org_4151.')
  assert.equal(statsdPrefix('%s.nsq.%s.', '::1:4151'), '__1_4151.nsq.__1_4151.')
  assert.equal(statsdPrefix('plain', 'box:1'), 'plain.')
  assert.equal(statsdPrefix('', 'box:1'), '')
})
