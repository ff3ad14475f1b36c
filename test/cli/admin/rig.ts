import { PassThrough } from 'node:stream'
import type { Cluster } from '../../../src/cluster/cluster.ts'
import { commands } from '../../../src/cli/commands.ts'
import { Output } from '../../../src/cli/output.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

/** How a command ended, and what it printed. */
export interface Ran {
  code: number
  out: string
  err: string
  /** The lines of stdout, each as JSON. */
  json: () => Record<string, unknown>[]
}

/** `nsq-ts` with these words, where nobody can be asked. */
export function nsq(words: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return run(words, fakeSurroundings(env))
}

/** The same on a terminal, where somebody types this. */
export function atTerminal(
  words: readonly string[],
  typed: string | undefined,
  columns?: number,
): Promise<Ran> {
  const terminal = fakeTerminal(columns)
  if (typed !== undefined) terminal.type(typed)
  return run(words, terminal)
}

export async function run(words: readonly string[], around: FakeSurroundings): Promise<Ran> {
  const code = await runProgram('nsq-ts', words, commands, around)
  const out = around.out()
  return {
    code,
    out,
    err: around.err(),
    json: () =>
      out
        .split('\n')
        .filter(line => line !== '')
        .map(line => ({ ...JSON.parse(line) })),
  }
}

export interface FakeTerminal extends FakeSurroundings {
  type(text: string): void
}

/** stdin, stdout and stderr are a terminal without colours. */
export function fakeTerminal(columns = 100): FakeTerminal {
  const around = fakeSurroundings()
  const texts = { out: '', err: '' }
  const output = (name: 'out' | 'err'): Output => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns })
    stream.on('data', (chunk: Buffer) => (texts[name] += chunk.toString()))
    return new Output(stream, { NO_COLOR: '1', TERM: 'dumb' })
  }
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  return {
    ...around,
    stdin,
    stdout: output('out'),
    stderr: output('err'),
    out: () => texts.out,
    err: () => texts.err,
    type: text => void stdin.write(text),
  }
}

/** The flags that name the nsqlookupds of a cluster, or its nsqds. */
export function addresses({ lookupds, nsqds }: Cluster): string[] {
  return lookupds.length > 0
    ? [`--lookupd-http-address=${lookupds.join()}`]
    : [`--nsqd-http-address=${nsqds.join()}`]
}
