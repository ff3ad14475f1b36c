import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportMetrics } from '../../../src/cli/stat/prometheus.ts'
import { select } from '../../../src/cli/stat/selection.ts'
import { channel, losing, nsqd, report, topic } from './fixtures.ts'

/** As official nsqds answer. */
const official = report([nsqd('a', 1, [topic('t', [channel('c', { depth: 1 })])])])

test('metrics have what was lost of each nsqd, and nothing of those that do not say', async () => {
  const text = await reportMetrics(report(losing()), select([], []))
  const samples = text.split('\n').filter(line => /^nsqd_.*_(refused|dropped|expired|orphaned)/.test(line))
  assert.deepEqual(samples, [
    'nsqd_topic_refused_total{nsqd="a",topic="t"} 7',
    'nsqd_topic_dropped_total{nsqd="a",topic="t"} 1',
    'nsqd_channel_dropped_total{nsqd="a",topic="t",channel="lost"} 5',
    'nsqd_channel_expired_total{nsqd="a",topic="t",channel="lost"} 4',
    'nsqd_channel_orphaned{nsqd="a",topic="t",channel="lost"} 1',
  ])
  assert.doesNotMatch(await reportMetrics(official, select([], [])), /refused|dropped|expired|orphaned/)
})
