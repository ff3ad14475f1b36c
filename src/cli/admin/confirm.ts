import type { Context } from '../command.ts'
import { UsageError } from '../errors.ts'

type Asking = Pick<Context, 'program' | 'stdin' | 'stderr' | 'signal'>

/** Whether somebody can be asked. */
function isInteractive({ stdin, stderr }: Asking): boolean {
  return stdin.isTTY === true && stderr.isTerminal
}

/**
 * Sees to it that what cannot be undone is either agreed to beforehand or can be asked for.
 *
 * @throws UsageError
 */
export function checkConsent(context: Asking, yes: boolean): void {
  if (yes || isInteractive(context)) return
  throw new UsageError(
    'this cannot be undone, and nobody can be asked: there is no terminal',
    'Agree to it with --yes.',
  )
}

/** Asks on the terminal; only `y` and `yes` agree. A signal, or the end of the input, does not. */
export async function confirm(context: Asking, question: string): Promise<boolean> {
  void context.stderr.write(`${question} [y/N] `)
  const answer = await readLine(context)
  // Somebody who did not press Enter is still on the line of the question.
  if (!answer.endsWith('\n')) context.stderr.line()
  return /^\s*y(es)?\s*$/i.test(answer)
}

function readLine({ stdin, signal }: Asking): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const end = (): void => {
      stdin.off('data', take)
      stdin.off('end', end)
      signal.removeEventListener('abort', end)
      stdin.pause()
      resolve(text)
    }
    const take = (chunk: Buffer | string): void => {
      text += chunk.toString()
      if (text.includes('\n')) end()
    }
    stdin.on('data', take)
    stdin.on('end', end)
    signal.addEventListener('abort', end)
    if (signal.aborted || stdin.readableEnded) end()
  })
}
