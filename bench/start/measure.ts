import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { median } from '../measure.ts'
import type { StartLine } from './lines.ts'

const BIN = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
/** A start is short: many of them, so that the median says something. */
const RUNS_A_ROUND = 4
const PATIENCE_MS = 30_000

export interface StartResult {
  readonly line: StartLine
  /** Milliseconds. */
  readonly ours: number
  /** `node -e 0`, in turn with ours. */
  readonly node: number
  readonly rounds: readonly { readonly ours: number; readonly node: number }[]
}

/** Starts the command and bare Node in turn. The first two are the warm-up: files are in memory then. */
export async function measureStart(
  line: StartLine,
  { rounds: count }: { readonly rounds: number },
): Promise<StartResult> {
  const rounds: { ours: number; node: number }[] = []
  for (let run = -1; run < count * RUNS_A_ROUND; run++) {
    const node = await timed(['-e', '0'], 'end')
    const ours = await timed([BIN, ...line.args], line.until)
    if (run >= 0) rounds.push({ ours, node })
  }
  return {
    line,
    ours: median(rounds.map(({ ours }) => ours)),
    node: median(rounds.map(({ node }) => node)),
    rounds,
  }
}

/** Milliseconds. A process that goes on is told to end, and has ended when this resolves. */
async function timed(args: readonly string[], until: StartLine['until']): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  const ended = once(child, 'exit')
  let took = 0
  if (until === 'line') {
    await Promise.race([once(child.stdout, 'data'), ended])
    took = performance.now() - began
    child.kill('SIGTERM')
  } else {
    child.stdout.resume()
  }
  const [code, signal]: unknown[] = await ended
  clearTimeout(timer)
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(code ?? signal)}`)
  return until === 'line' ? took : performance.now() - began
}
