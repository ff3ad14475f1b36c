import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Result } from '../../../src/cli/bench/job.ts'
import type { Percentiles } from '../../../src/cli/bench/latencies.ts'
import { CSV_NAMES, csvLine, printReport, record, remarks } from '../../../src/cli/bench/report.ts'
import { fakeSurroundings } from '../fakes.ts'

const LATENCIES: Percentiles = {
  count: 1000,
  min: 0.05,
  mean: 0.2,
  p50: 0.1,
  p90: 0.5,
  p99: 1.5,
  'p99.9': 12,
  'p99.99': 150,
  max: 2500,
}

const LOAD: Result['load'] = {
  mode: 'pub',
  size: 200,
  batch: 10,
  connections: 2,
  pipeline: 1,
  rate: undefined,
  warmupMs: 0,
  durationMs: 2000,
  messages: Number.POSITIVE_INFINITY,
}

function resultOf(given: Partial<Result> = {}, load: Partial<Result['load']> = {}): Result {
  return {
    load: { ...LOAD, ...load },
    startedAt: new Date(0),
    seconds: 2,
    messages: 2_000_000,
    latencies: LATENCIES,
    lost: 0,
    duplicates: 0,
    unanswered: 0,
    busy: 0.5,
    lateMs: undefined,
    isWhole: true,
    ...given,
  }
}

function said(given: Partial<Result>, load: Partial<Result['load']> = {}): string {
  return remarks({ result: resultOf(given, load), ceiling: undefined }).join('\n')
}

describe('report', () => {
  test('a table for people', async () => {
    const around = fakeSurroundings()
    const ceiling = { messagesPerSecond: 8_000_000, latencies: undefined }
    await printReport(around, '10.0.0.1:4150', [
      { result: resultOf(), ceiling },
      { result: resultOf({ latencies: undefined, lost: 3 }, { mode: 'sub' }), ceiling: undefined },
    ])
    assert.deepEqual(around.out().split('\n'), [
      'nsqd 10.0.0.1:4150: messages of 200 bytes, 2 connections, 1 command under way on each',
      '',
      '                     MESSAGES/S  MB/S     P50     P90      P99    P99.9  P99.99     MAX  LOST',
      'publish, MPUB of 10   1,000,000   200  100 us  500 us  1.50 ms  12.0 ms  150 ms  2.50 s     0',
      '  without NSQ         8,000,000  1600       -       -        -        -       -       -     -',
      'subscribe             1,000,000   200       -       -        -        -       -       -     3',
      '',
    ])
  })

  test('the same figures as JSON and as CSV', () => {
    const measured = {
      result: resultOf({ busy: undefined, lateMs: 0.25 }, { rate: 1_000_000 }),
      ceiling: { messagesPerSecond: 1_000_000, latencies: LATENCIES },
    }
    const { count: _, ...latency } = LATENCIES
    assert.deepEqual(record('a,b', measured), {
      time: '1970-01-01T00:00:00.000Z',
      mode: 'pub',
      nsqd: 'a,b',
      size: 200,
      batch: 10,
      connections: 2,
      pipeline: 1,
      rate: 1_000_000,
      complete: true,
      seconds: 2,
      messages: 2_000_000,
      messages_per_second: 1_000_000,
      bytes_per_second: 200_000_000,
      latency_ms: latency,
      lost: 0,
      duplicates: 0,
      unanswered: 0,
      bench_busy: null,
      bench_late_ms: 0.25,
      ceiling: { messages_per_second: 1_000_000, latency_ms: latency },
    })
    const line = csvLine('a,b', measured)
    const cells = line.replace('"a,b"', 'ab').split(',')
    assert.equal(cells.length, CSV_NAMES.length)
    const byName = Object.fromEntries(CSV_NAMES.map((name, index) => [name, cells[index]]))
    assert.equal(byName['nsqd'], 'ab')
    assert.equal(byName['latency_p99.9_ms'], '12')
    assert.equal(byName['ceiling_latency_max_ms'], '2500')
    assert.equal(byName['ceiling_messages_per_second'], '1000000')
    assert.equal(byName['bench_busy'], '')
    assert.equal(byName['lost'], '0')
  })

  test('says what is to be known of the figures', () => {
    assert.equal(said({}), '')
    assert.equal(said({ lost: undefined }), '')
    assert.match(said({ lost: 1 }), /^publish: 1 message that nsqd has acknowledged is lost$/)
    assert.match(said({ lost: 2 }), /^publish: 2 messages that nsqd has acknowledged are lost$/)
    assert.match(said({ duplicates: 2 }), /2 messages came more than once/)
    assert.match(said({ unanswered: 3 }), /3 commands got no answer/)
    assert.match(said({ busy: 0.97 }), /bench itself was busy 97 % of the time/)
    assert.match(said({ busy: undefined, lateMs: 4 }), /bench itself was late by 4.00 ms/)
    assert.match(said({ busy: undefined }, { rate: 2_000_000 }), /did not keep up with 2,000,000 messages\/s/)
    assert.equal(said({ busy: undefined }, { rate: 1_000_000 }), '')
    // What is under way at the end is not behind.
    assert.equal(said({ messages: 5 }, { rate: 3, batch: 1 }), '')
    assert.equal(said({ messages: 0 }, { rate: 100, batch: 300 }), '')
    assert.match(said({ isWhole: false }, { rate: 2_000_000 }), /^publish: stopped after 2.0 s$/)
  })
})
