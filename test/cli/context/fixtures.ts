import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { fakeSurroundings } from '../fakes.ts'

interface Ran {
  code: number
  out: string
  err: string
}

/** A user with a home folder of their own. */
export class User {
  readonly home = temporaryFolder()
  readonly file = join(this.home, '.config/nsq-ts/contexts.toml')

  get env(): Record<string, string> {
    return { HOME: this.home }
  }

  /** What is in the file of contexts. */
  get text(): string {
    return readFileSync(this.file, 'utf8')
  }

  write(text: string, mode = 0o600): void {
    mkdirSync(join(this.file, '..'), { recursive: true })
    writeFileSync(this.file, text, { mode })
  }

  async run(
    line: string,
    { env = {}, folder = this.home }: { env?: Record<string, string>; folder?: string } = {},
  ): Promise<Ran> {
    const around = fakeSurroundings({ ...this.env, ...env }, [], folder)
    const code = await runProgram('nsq-ts', line.split(' '), commands, around)
    return { code, out: around.out(), err: around.err() }
  }
}
