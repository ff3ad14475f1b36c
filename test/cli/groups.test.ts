/** Commands that share a first word which is no command itself: `topic list`, `topic delete`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CommandEntry, defineCommand } from '../../src/cli/command.ts'
import { runProgram } from '../../src/cli/program.ts'
import { fakeSurroundings } from './fakes.ts'

const command = defineCommand({
  options: {},
  positional: { name: 'x', describe: 'Anything', max: 9 },
  description: [],
  examples: [],
  run: async ({ stdout, positionals }) => stdout.line(positionals.join()),
})

function entry(name: string, summary: string): CommandEntry {
  return { name, summary, load: () => Promise.resolve(command) }
}

const commands = [
  entry('go', 'Go'),
  entry('go home', 'Go home'),
  entry('topic list', 'List topics'),
  entry('topic delete', 'Delete topics'),
]

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const around = fakeSurroundings()
  const code = await runProgram('nsq-ts', args, commands, around)
  return { code, out: around.out(), err: around.err() }
}

describe('a group of commands', () => {
  test('is one line in the list of all', async () => {
    const { out } = await run('--help')
    assert.match(out, /^ {2}go home {2}Go home\n {2}topic {4}List and delete topics$/m)
    assert.doesNotMatch(out, /topic list/)
  })

  test('alone says what there is: an error, unless that was asked for', async () => {
    const alone = await run('topic')
    assert.deepEqual([alone.code, alone.out], [2, ''])
    assert.match(alone.err, /^Usage: nsq-ts topic COMMAND \[flags\]\n\nCommands:\n {2}list {4}List topics\n/)
    for (const words of [
      ['topic', '--help'],
      ['topic', '-h'],
      ['topic', 'help'],
      ['help', 'topic'],
    ]) {
      assert.deepEqual(await run(...words), { code: 0, out: alone.err, err: '' })
    }
  })

  test('runs the command that is meant, and explains it', async () => {
    assert.deepEqual(await run('topic', 'list', 'a', 'b'), { code: 0, out: 'a,b\n', err: '' })
    assert.match((await run('help', 'topic', 'delete')).out, /^Delete topics\./)
  })

  for (const [words, complaint] of [
    [['topic', 'delte', 'x'], /there is no command "topic delte"\n {2}Did you mean nsq-ts topic delete\?/],
    [['topic', 'x'], /there is no command "topic x"\n {2}There are list, delete\./],
    [['topics'], /there is no command "topics"\n {2}Did you mean nsq-ts topic\?/],
    [['topic', '--json', 'list'], /"topic" is not the whole of a command\n {2}Flags come after/],
    [['help', 'topic', 'lst'], /there is no command "topic lst"\n {2}Did you mean nsq-ts topic list\?/],
  ] as const) {
    test(`exits 2 for ${words.join(' ')}`, async () => {
      const { code, err } = await run(...words)
      assert.equal(code, 2)
      assert.match(err, complaint)
    })
  }
})
