/** A terminal that is closed while something runs in it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { findOffer } from '../../../src/cli/dev/offer.ts'
import { commands } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { until } from '../../support/wait.ts'
import { asTerminal, fakeSurroundings } from '../fakes.ts'

describe('dev, when its terminal is closed', () => {
  for (const args of [[], ['--exec', 'exec sleep 3600']]) {
    test(`leaves no data and no offer behind: ${args.join(' ')}`, async () => {
      const folder = temporaryFolder()
      const env = { HOME: folder, PATH: process.env['PATH'] ?? '' }
      const around = fakeSurroundings(env, [], folder)
      const terminal = { stdout: asTerminal(around.stdout), stderr: asTerminal(around.stderr) }
      const ended = runProgram('nsq-ts', ['dev', '--no-admin', ...args], commands, { ...around, ...terminal })
      const printed = (): string => around.out() + around.err()
      await until(() => printed().includes('Ctrl-C'))
      const data = / data +(\S+) /.exec(printed())?.[1] ?? ''
      assert.ok(existsSync(data))
      assert.notEqual(findOffer(env, around.cwd), undefined)
      around.hangup()
      assert.equal(await ended, args.length === 0 ? 0 : 143)
      assert.ok(!existsSync(data))
      assert.equal(findOffer(env, around.cwd), undefined)
    })
  }
})
