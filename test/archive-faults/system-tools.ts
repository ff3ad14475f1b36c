/** The system's gzip and zstd: what an archive is read with when we are gone. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export type Compressed = 'none' | 'gzip' | 'zstd'

/** Arguments of one call: below what any system takes. */
const FILES_A_CALL = 500
const SHOWN = 2000

const SUFFIX: Readonly<Record<Compressed, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

/** False when the tool is not installed, so that a test that needs it is skipped. */
export function isInstalled(tool: 'gzip' | 'zstd'): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Throws what the tool says when one of these files is not whole. */
export async function testFiles(paths: readonly string[], compression: Compressed): Promise<void> {
  if (compression === 'none') return
  for (const some of inCalls(paths)) await done(start(compression, ['-t', '-q', ...some]))
}

/** What is in these files, one after the other. Throws when one of them is not whole. */
export async function* contents(
  paths: readonly string[],
  compression: Compressed,
): AsyncGenerator<Buffer, void, undefined> {
  for (const some of inCalls(paths)) {
    const program = compression === 'none' ? 'cat' : compression
    const child = start(program, compression === 'none' ? ['--', ...some] : ['-dc', ...some])
    const ended = done(child)
    // It is looked at below; until then a failure is not nobody's.
    ended.catch(() => undefined)
    // A pipe, as `start` asked for.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    for await (const chunk of child.stdout as Readable) yield chunk
    await ended
  }
}

/** The files whose names say that they have this compression. */
export function withCompression(paths: readonly string[], compression: Compressed): string[] {
  return paths.filter(path => path.endsWith(SUFFIX[compression]))
}

function start(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function done(child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SHOWN)))
  if (child.spawnargs.includes('-t')) child.stdout?.resume()
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`${child.spawnargs.slice(0, 3).join(' ')}: ${said}`)
}

function inCalls(paths: readonly string[]): string[][] {
  const calls: string[][] = []
  for (let at = 0; at < paths.length; at += FILES_A_CALL) calls.push(paths.slice(at, at + FILES_A_CALL))
  return calls
}
