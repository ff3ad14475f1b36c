import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { Output } from '../../src/cli/output.ts'
import { runProgram } from '../../src/cli/program.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { fakeSurroundings } from './fakes.ts'

interface Shown {
  readonly code: number
  readonly out: string
  /** What the viewer was called with; empty when it was not. */
  readonly viewed: string
}

/** `nsq-ts help …` where these programs are all there are; each notes its name and its arguments. */
async function help(
  words: readonly string[],
  {
    viewers = {},
    isTerminal = true,
    term = 'xterm',
  }: { viewers?: object; isTerminal?: boolean; term?: string },
): Promise<Shown> {
  const folder = temporaryFolder()
  const note = join(folder, 'note')
  for (const [name, code] of Object.entries(viewers)) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} "$@" >> '${note}'\nexit ${code}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const env = { PATH: folder, TERM: term }
  const terminal = Object.assign(new PassThrough(), { isTTY: isTerminal, columns: 80 })
  let out = ''
  terminal.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const around = { ...fakeSurroundings(env), stdout: new Output(terminal, env) }
  const code = await runProgram('nsq-ts', ['help', ...words], commands, around)
  return { code, out, viewed: existsSync(note) ? readFileSync(note, 'utf8') : '' }
}

describe('nsq-ts help COMMAND', () => {
  test('shows the man page on a terminal', async () => {
    const { code, out, viewed } = await help(['tail'], { viewers: { man: 0, mandoc: 0 } })
    assert.deepEqual([code, out], [0, ''])
    assert.match(viewed, /^man(doc -a)? \/.*\/man\/nsq-ts-tail\.1\n$/)
  })

  test('by whatever name: that of the official tool, of two words, of a group', async () => {
    for (const [words, page] of [
      [['nsq_to_file'], 'nsq-ts-archive'],
      [['archive', 'verify'], 'nsq-ts-archive-verify'],
      [['topic'], 'nsq-ts-topic'],
    ] as const) {
      const { viewed } = await help(words, { viewers: { man: 0, mandoc: 0 } })
      assert.ok(viewed.endsWith(`/man/${page}.1\n`), viewed)
    }
  })

  test('goes on with mandoc where man fails, and then with the text of --help', async () => {
    const second = await help(['tail'], { viewers: { man: 1, mandoc: 0 } })
    assert.match(second.viewed, /^mandoc -a .*nsq-ts-tail\.1$/m)
    assert.equal(second.out, '')
    const none = await help(['tail'], { viewers: { man: 1, mandoc: 1 } })
    assert.equal(none.code, 0)
    assert.match(none.out, /Usage:\S* nsq-ts tail/)
  })

  test('is the text of --help where there is no viewer, and no terminal', async () => {
    for (const where of [
      {},
      { viewers: { man: 0 }, isTerminal: false },
      { viewers: { man: 0 }, term: 'dumb' },
    ]) {
      const { code, out, viewed } = await help(['tail'], where)
      assert.deepEqual([code, viewed], [0, ''])
      assert.match(out, /Usage:\S* nsq-ts tail/)
    }
  })
})
