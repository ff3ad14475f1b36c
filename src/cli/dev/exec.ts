import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { NsqError } from '../../util/errors.ts'

/**
 * Runs a shell command on our own standard streams and resolves to its exit code; for one that died of a signal that is
 * 128 + the signal's number, as in shells.
 */
export function runShell(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: 'inherit', env })
    const stop = (): void => {
      // A terminal sends Ctrl-C to the command too, and two signals would be taken as "at once".
      if (signal.reason === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    }
    const settle = (): void => signal.removeEventListener('abort', stop)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    child.on('error', error => {
      settle()
      reject(new NsqError('E_EXEC', `cannot run "${command}": ${error.message}`, { cause: error }))
    })
    child.on('exit', (code, died) => {
      settle()
      resolve(code ?? (died === null ? 1 : 128 + constants.signals[died]))
    })
  })
}
