import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type CommandEntry, type Context, defineCommand } from '../../src/cli/command.ts'
import { commands as allCommands } from '../../src/cli/commands.ts'
import { runProgram } from '../../src/cli/program.ts'
import { NsqError } from '../../src/util/errors.ts'
import { option } from '../../src/util/option.ts'
import { version } from '../../src/util/version.ts'
import { type FakeSurroundings, fakeSurroundings } from './fakes.ts'

const options = {
  topic: option.string('Where to', undefined, { group: 'Delivery' }),
  rate: option.int('How fast', 0, { min: 0 }),
  near: option.strings('A near one', { commas: true }),
  far: option.strings('A far one', { commas: true }),
  wait: option.duration('How long', 90_000),
  config: option.string('A file', undefined, { flagOnly: true }),
  fail: option.bool('Fail'),
}

/** A program with one command, that keeps what it was run with. */
function program(): { commands: CommandEntry[]; ran: Context<typeof options>[] } {
  const ran: Context<typeof options>[] = []
  const command = defineCommand({
    options,
    description: ['A paragraph.'],
    positional: { name: 'file', describe: 'A file', max: 2 },
    alternatives: [['near', 'far']],
    examples: [{ command: 'nsq-ts work --topic t', describe: 'works' }],
    async run(context: Context<typeof options>) {
      ran.push(context)
      if (context.options.fail) throw new NsqError('E_FAKE', 'it broke', { remedy: 'Mend it.' })
      return context.options.rate
    },
  })
  return {
    ran,
    commands: [
      { name: 'work', bin: 'to_work', summary: 'Do work', load: () => Promise.resolve(command) },
      { name: 'work hard', summary: 'Do more work', load: () => Promise.resolve(command) },
    ],
  }
}

async function run(
  bin: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; ran: Context<typeof options>[]; around: FakeSurroundings }> {
  const { commands, ran } = program()
  const around = fakeSurroundings(env)
  const code = await runProgram(bin, args, commands, around)
  return { code, ran, around }
}

describe('runProgram', () => {
  test('runs a command with its options and returns its code', async () => {
    const { code, ran } = await run('nsq-ts', ['work', '-topic=t', '-rate', '7', 'a', 'b'])
    assert.equal(code, 7)
    assert.equal(ran[0]?.program, 'nsq-ts work')
    assert.equal(ran[0]?.options.topic, 't')
    assert.deepEqual(ran[0]?.positionals, ['a', 'b'])
  })

  test('runs the same command by the official name', async () => {
    const { code, ran } = await run('to_work', ['-topic', 't'])
    assert.equal(code, 0)
    assert.equal(ran[0]?.program, 'to_work')
  })

  test('takes options from the environment, and from a TOML file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const file = join(folder, 'x.toml')
    await writeFile(file, 'rate = 3\ntopic = "of the file"\nwiat = "5s"\n')
    const { code, ran, around } = await run('nsq-ts', ['work', '--config', file], { NSQ_RATE: '4' })
    assert.equal(code, 4)
    assert.equal(ran[0]?.options.topic, 'of the file')
    assert.match(around.err(), /unknown key "wiat" is ignored \(did you mean wait\?\)/)
    await rm(folder, { recursive: true })
  })

  test('a flag hides the variable of its alternative', async () => {
    const env = { NSQ_NEAR: 'a,b', NSQ_FAR: 'c' }
    assert.deepEqual((await run('to_work', [], env)).ran[0]?.options.far, ['c'])
    const { ran } = await run('to_work', ['--near', 'x'], env)
    assert.deepEqual(ran[0]?.options.near, ['x'])
    assert.deepEqual(ran[0]?.options.far, [])
  })

  test('prints the version, and does not run', async () => {
    for (const args of [['--version'], ['-version'], ['version'], ['work', '-version']]) {
      const { code, ran, around } = await run('nsq-ts', args)
      assert.equal(code, 0)
      assert.equal(ran.length, 0)
      assert.match(around.out(), new RegExp(`^nsq-ts( work)? v${version.replaceAll('.', '\\.')} `))
    }
    assert.match((await run('to_work', ['-version'])).around.out(), /^to_work v/)
  })

  test('lists the commands', async () => {
    for (const args of [['--help'], ['-h'], ['help'], ['help', '--help'], ['help', 'help']]) {
      const { code, around } = await run('nsq-ts', args)
      assert.equal(code, 0)
      assert.match(around.out(), /\n {2}work {7}Do work \(to_work\)\n/)
    }
    const { code, around } = await run('nsq-ts', [])
    assert.equal(code, 2)
    assert.equal(around.out(), '')
    assert.match(around.err(), /Do work/)
  })

  test('explains a command, from its definition', async () => {
    for (const args of [
      ['work', '--help'],
      ['work', '-h'],
      ['help', 'work'],
      ['help', 'to_work'],
    ]) {
      const { code, ran, around } = await run('nsq-ts', args)
      assert.equal(code, 0)
      assert.equal(ran.length, 0)
      for (const text of [
        /^Do work\./,
        /A paragraph\./,
        /\nDelivery:\n {2}--topic TEXT {2}Where to\n/,
        /--wait DURATION\s+How long \(default: 1m30s\)/,
        /nsq-ts work --topic t/,
        /NSQ_TOPIC/,
      ]) {
        assert.match(around.out(), text)
      }
    }
  })

  test('a name may have several words, of which the longest that fits counts', async () => {
    const nested = await run('nsq-ts', ['work', 'hard', '--rate=3', 'a'])
    assert.equal(nested.code, 3)
    assert.equal(nested.ran[0]?.program, 'nsq-ts work hard')
    assert.deepEqual(nested.ran[0]?.positionals, ['a'])
    const { ran } = await run('nsq-ts', ['work', '--', 'hard'])
    assert.equal(ran[0]?.program, 'nsq-ts work')
    assert.deepEqual(ran[0]?.positionals, ['hard'])
    assert.deepEqual((await run('to_work', ['hard'])).ran[0]?.positionals, ['hard'])
    for (const args of [
      ['help', 'work', 'hard'],
      ['work', 'hard', '--help'],
    ]) {
      const { code, around } = await run('nsq-ts', args)
      assert.equal(code, 0)
      assert.match(around.out(), /^Do more work\.\n\nUsage: nsq-ts work hard \[flags\]/)
    }
  })

  const usage: [args: string[], err: RegExp][] = [
    [['wrok'], /^nsq-ts: there is no command "wrok"\n {2}Did you mean nsq-ts work\?\n/],
    [['completely-different'], /^nsq-ts: there is no command "completely-different"\n {2}nsq-ts --help/],
    [['--topic', 'x'], /^nsq-ts: unknown flag --topic\n {2}Flags come after the command\.\n/],
    [['work', '--topik', 'x'], /^nsq-ts work: unknown flag --topik\n {2}Did you mean --topic\?\n/],
    [['work', '--rate', 'x'], /^nsq-ts work: --rate: "x" is not a whole number\n/],
    [['work', '--rate'], /^nsq-ts work: --rate needs a value\n/],
    [['work', 'a', 'b', 'c'], /^nsq-ts work: unexpected argument "c"\n/],
    [['help', 'work', 'hrad'], /there is no command "work hrad"\n {2}Did you mean nsq-ts work hard\?\n/],
    [['help', 'wrok'], /there is no command "wrok"/],
  ]
  for (const [args, err] of usage) {
    test(`exits 2 for ${args.join(' ')}`, async () => {
      const { code, ran, around } = await run('nsq-ts', args)
      assert.equal(code, 2)
      assert.equal(ran.length, 0)
      assert.equal(around.out(), '')
      assert.match(around.err(), err)
      assert.doesNotMatch(around.err(), /\n\s+at /)
    })
  }

  test('exits 1 when the command fails, with the remedy and without a stack', async () => {
    const { code, around } = await run('nsq-ts', ['work', '--fail'])
    assert.equal(code, 1)
    assert.equal(around.err(), 'nsq-ts work: it broke\n  Mend it.\n')
  })

  test('shows the stack when debugging', async () => {
    const { around } = await run('nsq-ts', ['work', '--fail', '--log-level=debug'])
    assert.match(around.err(), /\n\s+at /)
  })

  test('names a config file that cannot be read or understood', async () => {
    const missing = await run('nsq-ts', ['work', '--config', '/nonexistent/x.toml'])
    assert.equal(missing.code, 1)
    assert.match(missing.around.err(), /cannot read the config file: .*\/nonexistent\/x\.toml/)
    const wrong = await run('nsq-ts', ['work', '--config', import.meta.filename])
    assert.equal(wrong.code, 1)
    assert.match(wrong.around.err(), /is not TOML/)
  })

  test('help fits a terminal of 80 columns, but for what is there to be copied', async () => {
    for (const { name } of allCommands) {
      const around = fakeSurroundings()
      await runProgram('nsq-ts', ['help', ...name.split(' ')], allCommands, around)
      const lines = around.out().split('\n')
      assert.deepEqual(
        lines.filter(line => line.length > 80 && !/^ {2}nsq-ts /.test(line)),
        [],
        name,
      )
    }
  })

  test('colours errors only where asked', async () => {
    const { around } = await run('nsq-ts', ['work', '--fail'], { FORCE_COLOR: '1' })
    assert.ok(around.err().includes('\u001b[31mit broke\u001b[39m'))
  })
})
