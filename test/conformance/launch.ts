import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Address, parseAddress } from '../../src/util/address.ts'

export interface RunningDaemon {
  tcp: Address
  http: Address
  stop(): Promise<void>
}

const PATIENCE_MS = 20_000

/** Starts `bin/NAME.js` on ports of its own choice, and learns them from its log as a script would. */
export async function launch(name: string, flags: readonly string[]): Promise<RunningDaemon> {
  const bin = fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url))
  const listen = ['--tcp-address=127.0.0.1:0', '--http-address=127.0.0.1:0', '--broadcast-address=127.0.0.1']
  const child = spawn(process.execPath, [bin, ...listen, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  const addresses = await listening(child, name)
  return { ...addresses, stop: () => stop(child) }
}

/** Resolves when the daemon has logged both of its addresses. */
function listening(child: ChildProcess, name: string): Promise<{ tcp: Address; http: Address }> {
  return new Promise((resolve, reject) => {
    let log = ''
    const settle = (): void => {
      clearTimeout(timer)
      child.off('exit', onExit)
      child.stderr?.off('data', onLog).resume()
    }
    const fail = (why: string): void => {
      settle()
      child.kill('SIGKILL')
      reject(new Error(`${name} ${why}\n${log}`))
    }
    const onExit = (code: number | null): void => fail(`exited with ${code}`)
    const onLog = (text: string): void => {
      log += text
      const tcp = / TCP: listening on (\S+)\n/.exec(log)?.[1]
      const http = / HTTP: listening on (\S+)\n/.exec(log)?.[1]
      if (tcp === undefined || http === undefined) return
      settle()
      resolve({ tcp: parseAddress(tcp), http: parseAddress(http) })
    }
    const timer = setTimeout(() => fail('did not say where it listens'), PATIENCE_MS)
    child.on('exit', onExit)
    child.stderr?.setEncoding('utf8').on('data', onLog)
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await exited
  clearTimeout(timer)
}
