import { readFile } from 'node:fs/promises'
import { suggest } from '../../util/suggest.ts'
import type { Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { SHELLS } from './shells.ts'

/** Prints the script for a shell; completion/ in the package has it. */
export async function printScript({
  positionals,
  stdout,
}: Pick<Context, 'positionals' | 'stdout'>): Promise<void> {
  const [name] = positionals
  if (name === undefined) {
    throw new UsageError('which shell is it for?', `There are ${SHELLS.join(', ')}.`)
  }
  const shell = SHELLS.find(each => each === name)
  if (shell === undefined) {
    const near = suggest(name, SHELLS)
    throw new UsageError(
      `"${name}" is no shell that can be helped`,
      near === undefined ? `There are ${SHELLS.join(', ')}.` : `Did you mean ${near}?`,
    )
  }
  await stdout.write(await readFile(new URL(`../../../completion/nsq-ts.${shell}`, import.meta.url)))
}
