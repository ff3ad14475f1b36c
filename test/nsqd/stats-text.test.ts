import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { collectStats, type StatsSource } from '../../src/nsqd/stats.ts'
import { statsText } from '../../src/nsqd/stats-text.ts'
import { LatencyQuantiles } from '../../src/util/quantile.ts'
import { version } from '../../src/util/version.ts'
import { channel, daemon, session, topic } from './sources.ts'

const NOW = 1_700_000_065_900
const FILTER = { topic: '', channel: '', includeClients: true, includeMemory: false }

function textOf(source: StatsSource): string {
  return statsText(collectStats(source, FILTER, NOW), source.startTime, NOW)
}

describe('statsText', () => {
  test('says that there is nothing', () => {
    const lines = textOf(daemon([], { health: 'NOK - disk full' })).split('\n')
    assert.equal(lines[0], `nsqd v${version} (built w/node${process.versions.node})`)
    const [, time = ''] =
      /^start_time (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))$/.exec(lines[1] ?? '') ?? []
    assert.equal(Date.parse(time), 1_700_000_000_000)
    const rest = ['uptime 1m5s', '', 'Health: NOK - disk full', '', 'Topics: None', '', 'Producers: None', '']
    assert.deepEqual(lines.slice(2), rest)
  })

  test('lays topics, channels and clients out as the official nsqd does', () => {
    const consumer = session()
    const producer = session({
      hostname: 'p',
      userAgent: '',
      pubCounts: new Map([
        ['t', 7],
        ['u', 3],
      ]),
    })
    const latency = new LatencyQuantiles(60_000)
    for (const ns of [100, 1500, 2.5e6, 3e9]) latency.insert(ns, NOW)
    const source = daemon(
      [
        topic('t', [channel('c', { depth: 12, paused: true, latency, sessions: new Set([consumer]) })], {
          messageCount: 100,
        }),
        topic('a-very-long-topic-name', [], { paused: true, depth: 123_456 }),
      ],
      {
        sessions: new Set([consumer, producer]),
        options: { e2eProcessingLatencyPercentile: [0.25, 0.5, 0.75, 1] },
      },
    )
    const text = textOf(source)
    const expected = `
Topics:
*P [a-very-long-topic-name] depth: 123456 be-depth: 0     msgs: 0        e2e%:${' '}

   [t              ] depth: 0     be-depth: 0     msgs: 100      e2e%: 100.0ns, 1.5us, 2.5ms, 3.0s
   *P [c                        ] depth: 12    be-depth: 0     inflt: 0    def: 0    re-q: 0     timeout: 0     msgs: 0        e2e%: 100.0ns, 1.5us, 2.5ms, 3.0s
        [V2 box:5555 ua/9        ] state: 3 inflt: 1    rdy: 5    fin: 3        re-q: 2        msgs: 4        connected: 1m5s

Producers:
   [V2 p:5555               ] msgs: 10       topics: t=7,u=3 connected: 1m5s
`
    assert.equal(text.slice(text.indexOf('\nTopics:')), expected)
  })

  test('shows memory when it was asked for', () => {
    const stats = collectStats(daemon([]), { ...FILTER, includeMemory: true }, NOW)
    assert.match(
      statsText(stats, new Date(), NOW),
      /\nMemory:\n {3}heap_objects {13}\t0\n {3}heap_idle_bytes/,
    )
  })
})
