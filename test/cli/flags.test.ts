import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../../src/cli/errors.ts'
import { normalizeFlags } from '../../src/cli/flags.ts'
import { parseArguments } from '../../src/cli/parser.ts'
import { option } from '../../src/util/option.ts'

const table = {
  topic: option.strings('topics'),
  delimiter: option.string('delimiter', '\n'),
  n: option.int('how many', 0),
  'max-in-flight': option.int('how many at once', 200, { alias: 'm' }),
  deflate: option.bool('compress', true),
  verbose: option.bool('say more'),
  help: option.bool('help', false, { alias: 'h' }),
}

const cases: [args: string[], normalized: string[]][] = [
  [['-topic', 'x'], ['--topic=x']],
  [['--topic', 'x'], ['--topic=x']],
  [
    ['-topic=x', '--topic=y'],
    ['--topic=x', '--topic=y'],
  ],
  [['-n', '3'], ['--n=3']],
  [['-n=3'], ['--n=3']],
  [['-n3'], ['--n=3']],
  [['-m', '3'], ['--max-in-flight=3']],
  [['-n', '-3'], ['--n=-3']],
  [
    ['-verbose', 'x'],
    ['--verbose=true', 'x'],
  ],
  [['--deflate=false'], ['--deflate=false']],
  [['--no-deflate'], ['--deflate=false']],
  [['-h'], ['--help=true']],
  [['-delimiter', '-'], ['--delimiter=-']],
  [['-delimiter', '--'], ['--delimiter=--']],
  [['--delimiter', '-topic'], ['--delimiter=-topic']],
  [['--delimiter='], ['--delimiter=']],
  [['--delimiter==a=b'], ['--delimiter==a=b']],
  [['--delimiter', '\n\n'], ['--delimiter=\n\n']],
  [
    ['a', '-', '-5'],
    ['a', '-', '-5'],
  ],
  [
    ['-n', '1', '--', '-topic'],
    ['--n=1', '--', '-topic'],
  ],
]

describe('normalizeFlags', () => {
  for (const [args, normalized] of cases) {
    test(JSON.stringify(args), () => assert.deepEqual(normalizeFlags(args, table), normalized))
  }

  const bad: [args: string[], message: string, remedy: string | undefined][] = [
    [['--topik', 'x'], 'unknown flag --topik', 'Did you mean --topic?'],
    [['-max-inflight=4'], 'unknown flag -max-inflight', 'Did you mean --max-in-flight?'],
    [['--zzzzzz'], 'unknown flag --zzzzzz', undefined],
    [['--no-topic'], 'unknown flag --no-topic', undefined],
    [['-topic'], '--topic needs a value', 'Write it as --topic=TEXT.'],
    [['-n'], '-n needs a value', 'Write it as -n=N.'],
  ]
  for (const [args, message, remedy] of bad) {
    test(`refuses ${args.join(' ')}`, () => {
      assert.throws(
        () => normalizeFlags(args, table),
        (error: unknown) =>
          error instanceof UsageError && error.message === message && error.remedy === remedy,
      )
    })
  }
})

describe('parseArguments', () => {
  test('gives every value as it was typed', async () => {
    const args = ['-topic', '"quoted"', '--topic', "'", '-delimiter', '', '-n', '007', '-verbose', 'a.b', '5']
    const { given, positionals } = await parseArguments(normalizeFlags(args, table), table)
    assert.deepEqual({ ...given }, { topic: ['"quoted"', "'"], delimiter: '', n: '007', verbose: 'true' })
    assert.deepEqual(positionals, ['a.b', '5'])
  })

  test('keeps what follows -- as arguments', async () => {
    const { given, positionals } = await parseArguments(['--n=1', '--', '-topic', '--x=y'], table)
    assert.deepEqual({ ...given }, { n: '1' })
    assert.deepEqual(positionals, ['-topic', '--x=y'])
  })
})
