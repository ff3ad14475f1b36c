import type { CommandEntry, Context } from '../command.ts'
import { ExitCode } from '../errors.ts'
import { complete } from './complete.ts'
import { readQuestion, SHELLS } from './shells.ts'

/** `nsq-ts complete SHELL …`, which the scripts call. Whatever is wrong, nothing is said: the user is typing. */
export async function runComplete(
  [name, ...args]: readonly string[],
  commands: readonly CommandEntry[],
  context: Pick<Context, 'env' | 'signal' | 'cwd' | 'stdout'>,
): Promise<number> {
  const shell = SHELLS.find(each => each === name)
  if (shell === undefined) return ExitCode.usage
  try {
    const { words, print } = readQuestion(shell, args)
    const lines = print(await complete(words, commands, context))
    await context.stdout.write(lines.join('\n') + '\n')
    return ExitCode.done
  } catch {
    return ExitCode.failed
  }
}
