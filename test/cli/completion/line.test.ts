import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseLine } from '../../../src/cli/completion/line.ts'
import { readQuestion } from '../../../src/cli/completion/shells.ts'

/** COMP_WORDBREAKS, unless the user changes it. */
const BREAKS = ' \t\n"\'><=;|&(:'

describe('a line of bash', () => {
  for (const [text, words, kept, quote] of [
    ['nsq-ts ', ['nsq-ts', ''], 0, ''],
    ['nsq-ts  tail\t--t', ['nsq-ts', 'tail', '--t'], 0, ''],
    ['x --topic=or', ['x', '--topic=or'], 8, ''],
    ['x 127.0.0.1:41', ['x', '127.0.0.1:41'], 10, ''],
    ['x --a=b:', ['x', '--a=b:'], 6, ''],
    [`x 'a b' "c 'd' \\" \\n" e\\ f g`, ['x', 'a b', `c 'd' " \\n`, 'e f', 'g'], 0, ''],
    [`x "a b`, ['x', 'a b'], 0, '"'],
    [`x --t='a:b`, ['x', '--t=a:b'], 4, "'"],
    [`x ''`, ['x', ''], 0, ''],
    ['x < in 2> err >out t', ['x', 't'], 0, ''],
    ['x a\\', ['x', 'a\\'], 0, ''],
  ] as const) {
    test(JSON.stringify(text), () => {
      assert.deepEqual(parseLine(text, BREAKS), { words, kept, quote })
    })
  }
})

function reply(text: string, ...values: string[]): string[] {
  const { print } = readQuestion('bash', [text, BREAKS])
  return print({ prefix: '', candidates: values.map(value => ({ value })), files: 'none' })
}

describe('an answer for bash', () => {
  test('has what begins as the word does, without what bash keeps of it', () => {
    assert.deepEqual(reply('x --a ', 'one', 'two'), ['one', 'two', ':'])
    assert.deepEqual(reply('x 127.0.0.1:', '127.0.0.1:4150', '10.0.0.1:4150'), ['4150', ':'])
    assert.deepEqual(reply('x a#', 'a#ephemeral', 'b'), ['a#ephemeral', ':'])
  })

  test('is quoted, as the word is', () => {
    assert.deepEqual(reply('x ', `a b'c"$d`), [`a\\ b\\'c\\"\\$d`, ':'])
    assert.deepEqual(reply('x "a', `a b'c"$d`), [`a b'c\\"\\$d`, ':'])
    assert.deepEqual(reply(`x 'a`, `a b'c"$d`), [`a b'\\''c"$d`, ':'])
  })

  test('has descriptions, and what else the shell is to look for', () => {
    const { print } = readQuestion('bash', ['x --out=', BREAKS])
    const candidates = [{ value: 's3', describe: 'In the\ncloud' }]
    assert.deepEqual(print({ prefix: '--out=', candidates, files: 'folders' }), [
      's3\tIn the cloud',
      ':folders',
    ])
  })
})

test('fish gets whole words, and gives the last one with its quotes', () => {
  const { words, print } = readQuestion('fish', ['nsq-ts', 'a b', '--topic="or'])
  assert.deepEqual(words, ['nsq-ts', 'a b', '--topic=or'])
  assert.deepEqual(print({ prefix: '--topic=', candidates: [{ value: 'orders' }], files: 'none' }), [
    '--topic=orders',
    ':',
  ])
})
