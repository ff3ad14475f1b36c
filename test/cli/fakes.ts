import { PassThrough, Readable } from 'node:stream'
import { Output } from '../../src/cli/output.ts'
import type { Surroundings } from '../../src/cli/program.ts'

export interface FakeSurroundings extends Surroundings {
  stop: AbortController
  /** As SIGHUP does. */
  hangup(): void
  /** What was written so far. */
  out(): string
  err(): string
}

/** A process for a command to run in: no terminal, this environment, this standard input, this folder. */
export function fakeSurroundings(
  env: Readonly<Record<string, string>> = {},
  input: Iterable<Buffer | string> = [],
  folder = '/',
): FakeSurroundings {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const texts = { out: '', err: '' }
  stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString('latin1')))
  stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  const stop = new AbortController()
  const hangups = new Set<() => void>()
  return {
    env,
    stdin: Readable.from([...input].map(chunk => Buffer.from(chunk))),
    stdout: new Output(stdout, env),
    stderr: new Output(stderr, env),
    signal: stop.signal,
    cwd: () => folder,
    onHangup: callback => {
      hangups.add(callback)
      return () => hangups.delete(callback)
    },
    stop,
    hangup: () => hangups.forEach(callback => callback()),
    out: () => texts.out,
    err: () => texts.err,
  }
}

/** The same output, which takes itself for a terminal. */
export function asTerminal(output: Output): Output {
  return new Proxy(output, {
    get(target, key) {
      if (key === 'isTerminal') return true
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
