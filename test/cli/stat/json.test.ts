import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportJson } from '../../../src/cli/stat/json.ts'
import { channel, losing, nsqd, report, topic } from './fixtures.ts'

const NO_THRESHOLDS = { warn: undefined, critical: undefined }
/** As official nsqds answer. */
const official = report([nsqd('a', 1, [topic('t', [channel('c', { depth: 1 })])])])

const lossesOf = ({ refused, dropped, expired, orphaned }: Record<string, unknown>) => ({
  refused,
  dropped,
  expired,
  orphaned,
})

test('what was lost is in the JSON of whoever lost it, and nowhere else', () => {
  const { topics, totals } = JSON.parse(reportJson(report(losing()), NO_THRESHOLDS, 0))
  const none = { refused: undefined, dropped: undefined, expired: undefined, orphaned: undefined }
  assert.deepEqual(lossesOf(topics[0]), { ...none, refused: 7, dropped: 1 })
  assert.deepEqual(topics[0].channels.map(lossesOf), [
    { ...none, dropped: 5, expired: 4, orphaned: true },
    none,
  ])
  assert.deepEqual(lossesOf(totals), { ...none, refused: 7, dropped: 6, expired: 4 })
  assert.doesNotMatch(reportJson(official, NO_THRESHOLDS, 0), /refused|dropped|expired|orphaned/)
})
