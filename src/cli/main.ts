import { constants } from 'node:os'
import { commands } from './commands.ts'
import { describeError, ExitCode } from './errors.ts'
import { Output } from './output.ts'
import { runProgram } from './program.ts'

/** What the bins call: the process around `runProgram`. This is the only module that ends it. */
export async function main(program: string): Promise<void> {
  const { env, stdin } = process
  const stdout = new Output(process.stdout, env)
  const stderr = new Output(process.stderr, env)
  const stop = new AbortController()

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + constants.signals[signal])
      stop.abort(signal)
    })
  }
  // Nobody reads any more: stop as after a signal.
  stdout.onBroken(() => stop.abort('SIGPIPE'))
  // Not ours to continue from, but the user need not see our stack.
  process.on('uncaughtException', error => {
    stderr.line(
      `${program}: ${env['NSQ_LOG_LEVEL'] === 'debug' ? error.stack : describeError(error).message}`,
    )
    process.exit(ExitCode.failed)
  })

  const surroundings = {
    env,
    stdin,
    stdout,
    stderr,
    signal: stop.signal,
    onHangup,
    cwd: () => process.cwd(),
    retitle: (title: string) => void (process.title = title),
  }
  let code = await runProgram(program, process.argv.slice(2), commands, surroundings)
  await stdout.drained()
  if (stdout.failure !== undefined) {
    stderr.line(`${program}: cannot write the output: ${stdout.failure.message}`)
    code = ExitCode.failed
  }
  await stderr.drained()
  process.exit(code)
}

/** Only who listens is not ended by SIGHUP. */
function onHangup(callback: () => void): () => void {
  process.on('SIGHUP', callback)
  return () => process.off('SIGHUP', callback)
}
