import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  collectStats,
  type SessionSource,
  type Stats,
  type StatsFilter,
  type StatsSource,
} from '../../src/nsqd/stats.ts'
import { LatencyQuantiles } from '../../src/util/quantile.ts'
import { version } from '../../src/util/version.ts'
import { channel, daemon, session, topic } from './sources.ts'

function collect(source: StatsSource, filter: Partial<StatsFilter> = {}): Stats {
  return collectStats(source, {
    topic: '',
    channel: '',
    includeClients: true,
    includeMemory: false,
    ...filter,
  })
}

/** What a client like this shows. */
function shown(fields: Partial<SessionSource>): Record<string, unknown> {
  const sessions = new Set([session({ pubCounts: new Map([['t', 1]]), ...fields })])
  const { producers } = collect(daemon([], { sessions }))
  return { ...producers?.[0] }
}

const NO_LATENCY = { count: 0, percentiles: null }

describe('collectStats', () => {
  test('tells of TLS, compression and who was authorized, in the official words', () => {
    const tls = {
      version: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      protocol: 'h2',
      commonName: 'x',
      authorized: true,
    }
    const secured = shown({ tls, snappy: true })
    assert.deepEqual(
      [
        secured['tls'],
        secured['tls_version'],
        secured['tls_cipher_suite'],
        secured['tls_negotiated_protocol'],
      ],
      [true, 'TLS1.3', 'TLS_AES_128_GCM_SHA256', 'h2'],
    )
    assert.deepEqual(
      [secured['tls_negotiated_protocol_is_mutual'], secured['snappy'], secured['deflate']],
      [true, true, false],
    )
    assert.equal(shown({ tls: { ...tls, version: 'TLSv1' } })['tls_version'], 'TLS1.0')
    const whole = shown({ authorizations: { identity: 'me', identityUrl: 'http://me', count: 1 } })
    assert.deepEqual(
      [whole['authed'], whole['auth_identity'], whole['auth_identity_url']],
      [true, 'me', 'http://me'],
    )
    const bare = shown({ authorizations: { identity: '', identityUrl: '', count: 0 } })
    for (const key of ['authed', 'auth_identity', 'auth_identity_url']) assert.equal(key in bare, false, key)
  })

  test('answers the official JSON, key for key and in its order', () => {
    const client = session({ pubCounts: new Map([['t', 7]]) })
    const source = daemon([
      topic('t', [channel('c', { messageCount: 4, globalCount: 4, sessions: new Set([client]) })], {
        messageCount: 4,
        messageBytes: 40,
      }),
    ])
    const clientStats = {
      client_id: 'me',
      hostname: 'box',
      version: 'V2',
      remote_address: '127.0.0.1:5555',
      state: 3,
      ready_count: 5,
      in_flight_count: 1,
      message_count: 4,
      finish_count: 3,
      requeue_count: 2,
      connect_ts: 1_700_000_000,
      sample_rate: 0,
      deflate: false,
      snappy: false,
      user_agent: 'ua/9',
      topology_zone: '',
      topology_region: '',
      pub_counts: [{ topic: 't', count: 7 }],
      tls: false,
      tls_cipher_suite: '',
      tls_version: '',
      tls_negotiated_protocol: '',
      tls_negotiated_protocol_is_mutual: false,
    }
    const expected = {
      version,
      health: 'OK',
      start_time: 1_700_000_000,
      topics: [
        {
          topic_name: 't',
          channels: [
            {
              channel_name: 'c',
              depth: 0,
              backend_depth: 0,
              in_flight_count: 0,
              deferred_count: 0,
              message_count: 4,
              global_msg_count: 4,
              requeue_count: 0,
              timeout_count: 0,
              client_count: 1,
              clients: [clientStats],
              paused: false,
              e2e_processing_latency: NO_LATENCY,
            },
          ],
          depth: 0,
          backend_depth: 0,
          message_count: 4,
          message_bytes: 40,
          paused: false,
          e2e_processing_latency: NO_LATENCY,
        },
      ],
      producers: [clientStats],
    }
    assert.equal(JSON.stringify(collect(source), null, 1), JSON.stringify(expected, null, 1))
  })

  test('counts deliveries by nearness, and leaves zeros out', () => {
    const near = channel('c', { zoneLocalCount: 1, regionLocalCount: 2, globalCount: 3 })
    const [stats] = collect(daemon([topic('t', [near])])).topics[0]?.channels ?? []
    assert.deepEqual(
      [stats?.zone_local_msg_count, stats?.region_local_msg_count, stats?.global_msg_count],
      [1, 2, 3],
    )
    const [none] = collect(daemon([topic('t', [channel('c')])])).topics[0]?.channels ?? []
    assert.ok(none !== undefined && !('global_msg_count' in none))
  })

  test('sorts topics and channels by name', () => {
    const stats = collect(daemon([topic('b', [channel('z'), channel('y')]), topic('a')]))
    assert.deepEqual(
      stats.topics.map(({ topic_name, channels }) => [topic_name, channels.map(c => c.channel_name)]),
      [
        ['a', []],
        ['b', ['y', 'z']],
      ],
    )
  })

  test('filters by topic, and by channel', () => {
    const source = daemon([topic('a', [channel('x'), channel('y')]), topic('b', [channel('y')]), topic('c')])
    const names = (filter: Partial<StatsFilter>): string[] =>
      collect(source, filter).topics.flatMap(({ topic_name, channels }) => [
        topic_name,
        ...channels.map(({ channel_name }) => channel_name),
      ])
    assert.deepEqual(names({ topic: 'a' }), ['a', 'x', 'y'])
    assert.deepEqual(names({ channel: 'y' }), ['a', 'y', 'b', 'y'])
    assert.deepEqual(names({ topic: 'a', channel: 'x' }), ['a', 'x'])
    assert.deepEqual(names({ topic: 'c', channel: 'x' }), [])
    assert.deepEqual(names({ topic: 'nope' }), [])
  })

  test('lists as producers those who have published, with their counts for the topic asked about', () => {
    const producer = session({
      pubCounts: new Map([
        ['a', 1],
        ['b', 2],
      ]),
    })
    const source = daemon([topic('a')], { sessions: new Set([producer, session()]) })
    assert.equal(collect(source).producers?.length, 1)
    assert.deepEqual(collect(source).producers?.[0]?.pub_counts, [
      { topic: 'a', count: 1 },
      { topic: 'b', count: 2 },
    ])
    assert.deepEqual(collect(source, { topic: 'b' }).producers?.[0]?.pub_counts, [{ topic: 'b', count: 2 }])
    assert.equal(collect(daemon([], { sessions: new Set([session()]) })).producers, null)
  })

  test('leaves clients out when they are not asked for, but counts them', () => {
    const client = session({ pubCounts: new Map([['t', 1]]) })
    const source = daemon([topic('t', [channel('c', { sessions: new Set([client]) })])])
    const stats = collect(source, { includeClients: false })
    assert.equal(stats.topics[0]?.channels[0]?.clients, null)
    assert.equal(stats.topics[0]?.channels[0]?.client_count, 1)
    assert.equal(stats.producers, null)
  })

  test('adds memory on request', () => {
    assert.ok(!('memory' in collect(daemon([]))))
    const { memory } = collect(daemon([]), { includeMemory: true })
    assert.deepEqual(Object.keys(memory ?? {}), [
      'heap_objects',
      'heap_idle_bytes',
      'heap_in_use_bytes',
      'heap_released_bytes',
      'gc_pause_usec_100',
      'gc_pause_usec_99',
      'gc_pause_usec_95',
      'next_gc_bytes',
      'gc_total_runs',
    ])
    for (const value of Object.values(memory ?? {})) assert.ok(Number.isSafeInteger(value) && value >= 0)
    assert.ok((memory?.heap_in_use_bytes ?? 0) > 0)
  })

  test('answers latency percentiles where they are tracked', () => {
    const latency = new LatencyQuantiles(60_000)
    latency.insert(5_000_000, Date.now())
    const source = daemon([topic('t', [channel('c', { latency }), channel('d')])], {
      options: { e2eProcessingLatencyPercentile: [0.99] },
    })
    const [stats] = collect(source).topics
    for (const { count, percentiles } of [stats, stats?.channels[0]].map(
      each => each?.e2e_processing_latency ?? NO_LATENCY,
    )) {
      assert.equal(count, 1)
      assert.equal(percentiles?.[0]?.quantile, 0.99)
      assert.ok(Math.abs((percentiles?.[0]?.value ?? 0) - 5_000_000) <= 50_000)
    }
  })
})
