import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldsToFit, toggleFold, unfoldedLines } from '../../../src/nsqadmin/ui/messages/json-folds.ts'
import { jsonLines, type JsonLine } from '../../../src/nsqadmin/ui/messages/json-lines.ts'

function drawn(lines: readonly JsonLine[] | undefined): string[] {
  return (lines ?? []).map(
    ({ depth, key, text, comma }) =>
      `${'  '.repeat(depth)}${key}${key === '' ? '' : ': '}${text}${comma ? ',' : ''}`,
  )
}

function linesOf(text: string): JsonLine[] {
  const lines = jsonLines(text)
  assert.ok(lines)
  return lines
}

test('JSON becomes lines as JSON.stringify indents them', () => {
  const value = {
    a: 1,
    list: [1, -2.5, 'x', null, true, false],
    empty: {},
    none: [],
    deep: { er: [{ b: 'c' }, []] },
  }
  const pretty = JSON.stringify(value, undefined, 2)
  assert.equal(drawn(jsonLines(JSON.stringify(value))).join('\n'), pretty)
  assert.equal(drawn(jsonLines(` ${pretty} \n`)).join('\n'), pretty)
})

test('what was written stays: huge numbers, escapes, keys that come twice, and their order', () => {
  const text = '{"2":123456789012345678901234567890.10,"1":"\\u202e\\/","1":1e999}'
  const lines = linesOf(text)
  assert.deepEqual(
    lines.slice(1, -1).map(line => [line.key, line.text]),
    [
      ['"2"', '123456789012345678901234567890.10'],
      ['"1"', '"\\u202e\\/"'],
      ['"1"', '1e999'],
    ],
  )
})

test('what JSON.parse refuses is not shown as JSON', () => {
  const bad = [
    '{',
    '[1,]',
    '{"a":1,}',
    '[1 2]',
    '{"a" 1}',
    "{'a':1}",
    '[01]',
    '[1.]',
    '[tru]',
    '["\n"]',
    '["\\x"]',
    '["\\u12"]',
    '[1]]',
    '[1}',
    '{"a":1]',
    '[,1]',
    '[NaN]',
    '[-]',
    '["a]',
    '{a:1}',
    '[1]x',
    '["\\',
  ]
  for (const text of bad) {
    assert.throws(() => JSON.parse(text), text)
    assert.equal(jsonLines(text), undefined, text)
  }
})

test('a text that is no object and no list is left to be shown as text', () => {
  for (const text of ['', '1', '"x"', 'null', 'hello [1]']) assert.equal(jsonLines(text), undefined, text)
})

test('a body that was cut is shown as far as it goes, wherever that is', () => {
  const text = '{"a":[1,{"b":"c\\u0041d"},true],"e":{}}'
  const whole = linesOf(text)
  for (let length = 1; length < text.length; length++) {
    const lines = jsonLines(text.slice(0, length), true)
    assert.ok(lines, text.slice(0, length))
    assert.equal(lines.filter(line => line.kind === 'cut').length, 1)
    assert.equal(
      lines.filter(line => line.kind === 'open').length,
      lines.filter(line => line.kind === 'close').length,
    )
    assert.ok(lines.length <= whole.length + 2)
  }
  assert.deepEqual(drawn(jsonLines('{"a":1,"data":"AAAA', true)), [
    '{',
    '  "a": 1,',
    '  "data": "AAAA…',
    '  …',
    '}',
  ])
  assert.equal(jsonLines('{"a":1]', true), undefined)
})

test('containers know where they end and how many members they have', () => {
  const lines = linesOf('{"a":[1,2,3],"b":{"c":{}}}')
  const open = lines.filter(line => line.kind === 'open')
  assert.deepEqual(
    open.map(line => [line.key, line.members, lines[line.end]?.text]),
    [
      ['', 2, '}'],
      ['"a"', 3, ']'],
      ['"b"', 1, '}'],
    ],
  )
})

test('ten thousand levels are read, folded and unfolded', () => {
  const lines = linesOf('['.repeat(10_000) + ']'.repeat(10_000))
  assert.equal(lines.length, 19_999)
  let folds = new Set(foldsToFit(lines, 40))
  let shown = unfoldedLines(lines, folds)
  assert.ok(shown.length <= 40 && shown.length > 30, String(shown.length))
  const [fold] = folds
  assert.ok(fold !== undefined)
  folds = toggleFold(lines, folds, fold, 40)
  assert.equal(folds.size, 1)
  const more = unfoldedLines(lines, folds)
  assert.ok(more.length > shown.length && more.length <= shown.length + 40)
  shown = unfoldedLines(lines, toggleFold(lines, folds, 0, 40))
  assert.deepEqual(shown, [0])
})

test('folds fit into the room as deep as they can, and the outermost container stays open', () => {
  const lines = linesOf('{"a":[1,2],"b":[3,4],"c":{"d":[5]}}')
  assert.deepEqual(foldsToFit(lines, lines.length), [])
  const fitting = (room: number): string[] =>
    unfoldedLines(lines, new Set(foldsToFit(lines, room))).map(i => lines[i]?.key || (lines[i]?.text ?? ''))
  assert.deepEqual(fitting(5), ['{', '"a"', '"b"', '"c"', '}'])
  assert.deepEqual(fitting(1), ['{', '"a"', '"b"', '"c"', '}'])
  assert.equal(fitting(13).length, 13)
})
