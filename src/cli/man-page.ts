import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Context } from './command.ts'

/** Who can show a page that is a file, the best first. */
const VIEWERS: readonly (readonly [program: string, ...args: string[]])[] = [['man'], ['mandoc', '-a']]

/**
 * Shows a page of man/ to somebody at a terminal. npm puts the pages where `man` finds them only when it installs for all
 * (`npm install --global`), so that the file itself is named.
 *
 * @param name - of the page: `nsq-ts-tail`
 * @returns false when there is no terminal, no such page, or nothing that shows it
 */
export async function showManPage(
  name: string,
  { env, stdout }: Pick<Context, 'env' | 'stdout'>,
): Promise<boolean> {
  const file = fileURLToPath(new URL(`../../man/${name}.1`, import.meta.url))
  if (!stdout.isTerminal || env['TERM'] === 'dumb' || !existsSync(file)) return false
  for (const [program, ...args] of VIEWERS) {
    if (program === 'man' && isMinimized()) continue
    if ((await run(program, [...args, file], env)) === 0) return true
  }
  return false
}

/** Images of Ubuntu for containers have a `man` that only says that there are no pages, and succeeds. */
function isMinimized(): boolean {
  try {
    return readFileSync('/usr/bin/man').subarray(0, 1024).includes('system has been minimized')
  } catch {
    return false
  }
}

/** The exit code; undefined when the program is not there, or was ended by a signal. */
function run(program: string, args: readonly string[], env: Context['env']): Promise<number | undefined> {
  return new Promise(resolve => {
    const child = spawn(program, args, { env: { ...env }, stdio: 'inherit' })
    child.on('error', () => resolve(undefined))
    child.on('exit', code => resolve(code ?? undefined))
  })
}
