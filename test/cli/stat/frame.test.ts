import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CellStyle } from '../../../src/cli/stat/columns.ts'
import { columnsFor } from '../../../src/cli/stat/columns.ts'
import { shorten } from '../../../src/cli/fit.ts'
import { drawFrame, type Scene, type Size } from '../../../src/cli/stat/frame.ts'
import { glyphsFor } from '../../../src/cli/stat/glyphs.ts'
import type { Report } from '../../../src/cli/stat/report.ts'
import { rowsOf, totalsOf } from '../../../src/cli/stat/rows.ts'
import { layOut, loadTable, printTable } from '../../../src/cli/stat/table.ts'
import type { View } from '../../../src/cli/stat/view.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { channel, losing, nsqd, report, style, topic } from './fixtures.ts'

const VIEW: View = { sort: 'name', filter: '', isTyping: false, isPaused: false, top: 0 }
const latency = { count: 5, percentiles: [{ quantile: 0.99, value: 123e6 }] }

const orders = (seconds: number, depth: number) => [
  nsqd('a', seconds, [
    topic('orders', [
      channel('mail', { depth, backendDepth: 1000, messages: depth, clientCount: 12, latency }),
      channel('stock', { depth: 5, paused: true }),
    ]),
    topic('a-topic-with-a-name-of-sixty-four-characters-which-is-the-longest', [
      channel('and-a-channel-that-has-as-many-characters-in-its-name-or-nearly', { depth: 1 }),
    ]),
  ]),
]

function some(): Report {
  return report(orders(1, 10_800), orders(3, 10_900), orders(5, 11_000), orders(7, 12_000))
}

async function scene(given: Partial<Scene> = {}): Promise<Scene> {
  return {
    report: some(),
    failure: undefined,
    view: VIEW,
    minDepth: 0,
    intervalMs: 2000,
    isOver: false,
    style: await style(),
    widths: new Map(),
    drawTable: await loadTable(),
    ...given,
  }
}

async function linesOf(given: Partial<Scene>, size: Size): Promise<readonly string[]> {
  return drawFrame(await scene(given), size).lines
}

function many(topics: number): Report {
  const names = Array.from({ length: topics }, (_, i) => `topic-${String(i).padStart(4, '0')}`)
  const all = names.map(name => topic(name, [channel('c', { depth: Number(name.slice(6)) })]))
  return report([nsqd('a', 1, all)])
}

/** The head of the table, with single spaces. */
async function heads(columns: number): Promise<string> {
  const [, head = ''] = await linesOf({}, { columns, rows: 20 })
  return head.replaceAll(/ +/g, ' ').trim()
}

describe('the live table', () => {
  test('shows what there is room for, the most telling first', async () => {
    assert.equal(await heads(30), 'TOPIC CHANNEL DEPTH')
    assert.equal(await heads(60), 'TOPIC CHANNEL DEPTH IN/S OUT/S STATE')
    assert.equal(await heads(80), 'TOPIC CHANNEL DEPTH TREND IN/S OUT/S STATE')
    assert.equal(await heads(110), 'TOPIC CHANNEL DEPTH TREND IN-FLT IN/S OUT/S CONNS STATE')
    assert.equal(
      await heads(250),
      'TOPIC CHANNEL DEPTH TREND MEM DISK IN-FLT DEFER IN/S OUT/S REQ T-O CONNS MSGS P99 STATE',
    )
  })

  test('is as wide and as high as the screen at most', async () => {
    const failure = new NsqError('E', 'it is '.repeat(50))
    const views: Partial<Scene>[] = [
      {},
      { report: many(1000) },
      { failure },
      { isOver: true },
      { report: report([]) },
    ]
    for (const given of views) {
      for (const columns of [1, 10, 25, 60, 80, 120, 200]) {
        for (const rows of [1, 2, 5, 8, 24, 60]) {
          const lines = await linesOf(given, { columns, rows })
          assert.ok(lines.length <= rows, `${columns}x${rows}: ${lines.length} lines`)
          // So narrow that no table can be: the terminal cuts it off.
          if (columns < 25) continue
          for (const line of lines) assert.ok(line.length <= columns, `${columns}x${rows}: ${line}`)
        }
      }
    }
  })

  test('looks like this', async () => {
    assert.deepEqual((await linesOf({}, { columns: 104, rows: 20 })).map(line => line.trimEnd()).slice(1), [
      'TOPIC                     CHANNEL            DEPTH  TREND             IN-FLT  IN/S  OUT/S  CONNS  STATE',
      'a-topic-with…the-longest  and-a-ch…-nearly       1              ▇▇▇▇       0     0      0      0',
      'orders                    mail              12,000              ▇▇▇▇       0   500      0     12  grows',
      'orders                    stock                  5              ▇▇▇▇       0     0      0      0  paused',
      'TOTAL                                       12,006                         0   500      0     12',
      'q quit  s sort: name  / filter  p pause',
    ])
  })

  test('has columns for what was lost, and says who is orphaned, where there is any', async () => {
    const lines = await linesOf({ report: report(losing()) }, { columns: 104, rows: 20 })
    assert.deepEqual(lines.map(line => line.trimEnd()).slice(1, -1), [
      'TOPIC  CHANNEL  DEPTH  TREND             IN-FLT  IN/S  OUT/S  CONNS  REFUSED  DROPPED  EXPIRED  STATE',
      't      -            0                         0     -      -      0        7        1        0',
      't      lost         3                 ▇       0     -      -      0        0        5        4  orphaned',
      't      well         0                         0     -      -      0        0        0        0',
      'TOTAL               3                         0     -      -      0        7        6        4',
    ])
    const one = report([
      nsqd('a', 1, [topic('t', [channel('c', { dropped: 1, paused: true, orphaned: true })])]),
    ])
    const [, head = '', row = ''] = await linesOf({ report: one }, { columns: 80, rows: 20 })
    assert.equal(head.replaceAll(/ +/g, ' ').trim(), 'TOPIC CHANNEL DEPTH TREND IN/S OUT/S DROPPED STATE')
    assert.match(row, / 1 {2}paused, orphaned$/)
  })

  test('scrolls, and says where it is', async () => {
    const size = { columns: 100, rows: 10 }
    const at = (top: number): Promise<readonly string[]> =>
      linesOf({ report: many(1000), view: { ...VIEW, top } }, size)
    assert.match((await at(0))[2] ?? '', /^topic-0000/)
    assert.match((await at(0)).at(-1) ?? '', /↑↓ 1-6 of 1,000$/)
    assert.match((await at(500))[2] ?? '', /^topic-0500/)
    // There is nothing below the last.
    assert.match((await at(5000))[7] ?? '', /^topic-0999/)
  })

  test('what is shown of many rows takes no time for those that are not', async () => {
    const { page, rows } = drawFrame(await scene({ report: many(1000) }), { columns: 100, rows: 24 })
    assert.deepEqual({ page, rows }, { page: 20, rows: 1000 })
  })

  test('is sorted and filtered by the view', async () => {
    const size = { columns: 100, rows: 10 }
    const sorted = await linesOf({ report: many(30), view: { ...VIEW, sort: 'depth' } }, size)
    assert.match(sorted[2] ?? '', /^topic-0029/)
    const filtered = await linesOf(
      { report: many(30), view: { ...VIEW, filter: '-0007', isTyping: true } },
      size,
    )
    assert.match(filtered[2] ?? '', /^topic-0007/)
    assert.equal(filtered.at(-1), 'filter: -0007_   Enter keeps it, Esc drops it')
    const none = await linesOf({ report: many(30), view: { ...VIEW, filter: 'nope' } }, size)
    assert.deepEqual(none.slice(2, 3), ['no name has "nope" in it'])
    assert.ok((await linesOf({ report: many(30), minDepth: 2000 }, size)).includes('nothing is 2,000 deep'))
    assert.ok((await linesOf({ report: report([]) }, size)).includes('no topics yet'))
  })

  test('daemons that do not answer are lines, and what they say does no harm', async () => {
    const warnings = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      name => new NsqError('E', `http://${name}/stats?format=json&x=1 said \x1b[2J\n\u202enow 中`),
    )
    const lines = await linesOf({ report: { ...some(), warnings } }, { columns: 100, rows: 24 })
    assert.deepEqual(lines.slice(1, 6), [
      ...['a', 'b', 'c', 'd'].map(name => `! http://${name}/stats said \\x1b[2J \\u202enow \\u{4e2d}`),
      '! and 2 more',
    ])
  })

  test('when nobody answers, it is said, and the numbers are those of before', async () => {
    const failure = new NsqError('E', 'gone')
    const [first, second, ...rest] = await linesOf({ failure }, { columns: 100, rows: 24 })
    assert.match(first ?? '', /^NOBODY ANSWERS {2}this is how it was at \d\d:/)
    assert.equal(second, '! gone')
    assert.ok(rest.some(line => line.startsWith('orders')))
  })

  test('columns keep the width that they had', async () => {
    const same = await scene()
    const wide = drawFrame(same, { columns: 110, rows: 20 }).lines[1]
    const later = { ...same, report: report([nsqd('a', 9, [topic('t', [channel('c')])])]) }
    assert.equal(drawFrame(later, { columns: 110, rows: 20 }).lines[1], wide)
  })

  test('names of daemons do no harm', async () => {
    const evil = report([nsqd('a', 1, [topic('t\x1b[31m\n', [channel('\u202ex')])])])
    const text = (await linesOf({ report: evil }, { columns: 100, rows: 24 })).join('')
    assert.match(text, /t\\x1b\[31m .*\\u202ex/)
  })

  test('without UTF-8 there is nothing but ASCII', async () => {
    const ascii: CellStyle = await style({ glyphs: glyphsFor({}, 'linux') })
    for (const columns of [40, 80, 200]) {
      const lines = await linesOf({ report: many(40), style: ascii }, { columns, rows: 12 })
      assert.doesNotMatch(lines.join(''), /[^\x20-\x7e]/)
    }
  })
})

describe('the plain table', () => {
  test('is for programs: all columns, no commas, no empty cells', async () => {
    const plain = await style({ isPlain: true })
    const { topics } = some()
    const rows = rowsOf({ topics }, { sort: 'depth', minDepth: 5, filter: '' })
    const sheet = layOut(rows, totalsOf(rows), {
      columns: columnsFor(rows, false),
      style: plain,
      room: Infinity,
      widths: new Map(),
      sort: undefined,
    })
    assert.equal(
      printTable(sheet),
      [
        'TOPIC   CHANNEL  DEPTH    MEM  DISK  IN-FLT  DEFER  IN/S  OUT/S  REQ  T-O  CONNS   MSGS    P99  STATE',
        'orders  mail     12000  11000  1000       0      0   500      0    0    0     12  12000  123ms  grows',
        'orders  stock        5      5     0       0      0     0      0    0    0      0      0      -  paused',
        'TOTAL   -        12005  11005  1000       0      0   500      0    0    0     12  12000      -  -',
        '',
      ].join('\n'),
    )
    assert.ok(
      printTable(sheet)
        .split('\n')
        .every(line => line === '' || line.split(/ +/).length === 15),
    )
  })
})

test('names are shortened in the middle', () => {
  assert.equal(shorten('abcdefghij', 10, '…'), 'abcdefghij')
  assert.equal(shorten('abcdefghijk', 10, '…'), 'abcde…hijk')
  assert.equal(shorten('abcdef', 3, '~'), 'a~f')
  assert.equal(shorten('abcdef', 1, '~'), '~')
})
