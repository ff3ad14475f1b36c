/** What nsq_stat prints; the widths are those of nsqio/nsq 1.3.0. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OfficialReport } from '../../../src/cli/stat/official.ts'
import type { NsqdStats } from '../../../src/cluster/stats.ts'
import { channel, nsqd, topic } from './fixtures.ts'

const HEAD = [
  '------rate------+----------------depth----------------+--------------metadata---------------',
  'ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs clients',
]

function at(seconds: number, messages: number, depth: number, startTime = 0): NsqdStats {
  return nsqd('a', seconds, [topic('t', [channel('c', { messages, depth })])], startTime)
}

describe('nsq_stat', () => {
  test('prints a head, and then a line a look', () => {
    const report = new OfficialReport('t', 'c')
    assert.deepEqual(report.next([at(0, 100, 10)]), HEAD)
    const numbers = {
      messages: 1300,
      depth: 500,
      backendDepth: 120,
      inFlight: 3,
      deferred: 4,
      requeued: 5,
      timedOut: 6,
      clientCount: 7,
    }
    const next = nsqd('a', 2.5, [topic('t', [channel('c', numbers), channel('other', { depth: 9 })])])
    assert.deepEqual(report.next([next]), [
      '    480     284 |     500     380     120     3     4 |       5       6         1300       7',
    ])
  })

  test('sums nsqds, each over the time between its answers', () => {
    const report = new OfficialReport('t', 'c')
    const b = (seconds: number, messages: number) => ({ ...at(seconds, messages, 0), node: 'b' })
    report.next([at(0, 0, 0), b(1, 0)])
    const [line] = report.next([at(2, 20, 20), b(5, 40)])
    assert.equal(
      line,
      '     20      10 |      20      20       0     0     0 |       0       0           60       0',
    )
  })

  test('an nsqd that was restarted says nothing of rates until the next look', () => {
    const report = new OfficialReport('t', 'c')
    report.next([at(0, 1000, 0, 1)])
    assert.match(report.next([at(1, 10, 0, 2)])[0] ?? '', /^ {6}0 {7}0 \|/)
    assert.match(report.next([at(2, 30, 0, 2)])[0] ?? '', /^ {5}20 {6}20 \|/)
  })

  test('a look that was in vain is left out', () => {
    const report = new OfficialReport('t', 'c')
    report.next([at(0, 0, 0)])
    assert.deepEqual(report.next(undefined), [])
    assert.match(report.next([at(4, 40, 0)])[0] ?? '', /^ {5}10 /)
  })

  test('the head comes again', () => {
    const report = new OfficialReport('t', 'c')
    for (let look = 0; look <= 50; look++) {
      const lines = report.next([at(look, 0, 0)])
      assert.equal(lines.length, look === 0 ? 2 : look % 25 === 0 ? 3 : 1)
    }
  })
})
